// What may cross the plugin boundary: two-word strings and slices, typed addresses, error sinks, versions.
//
// Interfaces are pure-virtual classes with an id and a revision ("backplane.device/1"). No exception, no type
// of the standard library and no owning pointer crosses. Once the SDK is 1.0, a shipped interface never changes; growth
// is a new id.
//
// Structures that cross say in their comment how they grow:
//   Sized: it carries the size that it was built with (`struct_size`, or the sizes in a TypeTable), and may get further
//     members at its end, whose default means what was before. Who reads one that another made reads it by that size
//     (read_sized()).
//   From the host: only the host makes it, at its own size, which is never less than what a plugin that loads knows.
//   Fixed: it never changes.
//   Local: it does not cross; headers and plugin are compiled together.
//
// Enumerations grow as well. Each says after "Default:" what a reader makes of a value that it does not know. "none"
// means that the call or the row is refused with a reason; a reader never guesses. "all known" means that values are
// never added.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The SDK's version: here and nowhere else. While the major is 0, a plugin loads into a host that offers exactly the same
/// minor. From 1.0 on it loads when the majors are equal and its minor is not newer than the host's.
#define BACKPLANE_SDK_MAJOR 0
#define BACKPLANE_SDK_MINOR 2

/// A plugin for hosts that are older than these headers defines BACKPLANE_SDK_TARGET_MINOR, for all of its files
/// (backplane_add_plugin(… SDK_MINOR n)). What a later minor added is then not declared: it stands in
/// `#if BACKPLANE_SDK_TARGET_MINOR >= n`. The oldest minor for which these headers still serve:
#define BACKPLANE_SDK_OLDEST_TARGET_MINOR 2
#ifndef BACKPLANE_SDK_TARGET_MINOR
#    define BACKPLANE_SDK_TARGET_MINOR BACKPLANE_SDK_MINOR
#endif
#if BACKPLANE_SDK_TARGET_MINOR < BACKPLANE_SDK_OLDEST_TARGET_MINOR || \
    BACKPLANE_SDK_TARGET_MINOR > BACKPLANE_SDK_MINOR
#    error "BACKPLANE_SDK_TARGET_MINOR: these headers serve no such minor; use an SDK that offers it"
#endif

namespace backplane {

/// Text, not owned, not terminated. Valid during the call that passes it unless a comment says otherwise. Fixed.
struct Str {
    const char* data = "";
    std::size_t size = 0;

    constexpr Str() = default;
    constexpr Str(const char* text) : data(text ? text : ""), size(std::string_view(data).size()) {}
    constexpr Str(const char* text, std::size_t length) : data(text), size(length) {}
    constexpr Str(std::string_view text) : data(text.data()), size(text.size()) {}
    template <class T>
    requires requires(const T& t) { std::string_view(t); }
    constexpr Str(const T& text) : Str(std::string_view(text)) {}

    constexpr operator std::string_view() const { return {data, size}; }
    constexpr std::string_view view() const { return {data, size}; }
    constexpr bool empty() const { return size == 0; }
};
constexpr bool operator==(Str a, Str b) { return a.view() == b.view(); }

/// A run of elements, not owned. Fixed.
template <class T>
struct Slice {
    T* data = nullptr;
    std::size_t size = 0;

    constexpr Slice() = default;
    constexpr Slice(T* first, std::size_t count) : data(first), size(count) {}
    template <std::size_t N>
    constexpr Slice(T (&array)[N]) : data(array), size(N) {}
    template <class Container>
    requires requires(Container& c) {
        { c.data() } -> std::convertible_to<T*>;
        c.size();
    }
    constexpr Slice(Container&& c) : data(c.data()), size(c.size()) {}

    constexpr T* begin() const { return data; }
    constexpr T* end() const { return data + size; }
    constexpr T& operator[](std::size_t i) const { return data[i]; }
    constexpr bool empty() const { return size == 0; }
};
using Bytes = Slice<const std::uint8_t>;
using MutableBytes = Slice<std::uint8_t>;

/// A 64-bit quantity that converts to no other kind of address by accident. Fixed.
template <class Tag>
struct Quantity {
    std::uint64_t value = 0;
    constexpr Quantity() = default;
    constexpr explicit Quantity(std::uint64_t v) : value(v) {}
    constexpr auto operator<=>(const Quantity&) const = default;
    constexpr Quantity operator+(std::uint64_t delta) const { return Quantity(value + delta); }
    constexpr std::uint64_t operator-(Quantity other) const { return value - other.value; }
};
/// An address in an address space, as a CPU or a bus master puts it on the bus.
using GuestAddress = Quantity<struct GuestAddressTag>;
/// Bytes from the start of a memory region.
using Offset = Quantity<struct OffsetTag>;
/// An I/O port number.
using Port = Quantity<struct PortTag>;

/// What a structure with a `struct_size` (its first member) says, at the reader's own size: a member that it was not
/// built with has its default.
template <class Sized>
Sized read_sized(const Sized& given) {
    std::uint32_t size = 0;
    __builtin_memcpy(&size, static_cast<const void*>(&given), sizeof size);
    Sized read{};
    __builtin_memcpy(static_cast<void*>(&read), static_cast<const void*>(&given),
                     size < sizeof read ? size : sizeof read);
    read.struct_size = sizeof read;
    return read;
}

/// Where a function that can fail says why. One call per failure; the message says what was asked, what was
/// found and what to do, in one line without a final period. The function then returns false or null.
class Errors {
  public:
    virtual void fail(Str message) = 0;

  protected:
    ~Errors() = default;
};

/// Where a function writes text that its caller will own.
class TextSink {
  public:
    virtual void append(Str text) = 0;

  protected:
    ~TextSink() = default;
};

}  // namespace backplane

/// Marks what a plugin shows to the host; everything else is hidden.
#define BACKPLANE_EXPORT __attribute__((visibility("default")))
