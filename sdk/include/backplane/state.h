// The one description of a part's state, from which reset, dump, comparison and saved machines come.
//
//   describe(table, "divisor", divisor_, 12);                       // a scalar, an enumeration, an array of them
//   describe(table, "head", head_, {.maximum = 15});                // what is more than 15 is no saved state of this
//   describe_array(table, "enable", enable_);                       // a std::vector whose size follows from properties
//   describe_timer(table, "alarm", timer_);                         // its deadline, or that it is not armed
//   describe_bytes<4096>(table, "queue", queue_);                   // a std::vector, std::string or std::deque: length and all
//   StateTable& gate = table.group({.name = "gate", .first = &gates_[0], .count = 8, .stride = sizeof(Gate)});
//   describe(gate, "mask", gates_[0].mask);                         // of each of the eight
//
// A saved machine holds fields by name. Loading takes each field that this table has from the stream, whatever its
// place there. A field that the stream lacks is an error that names it, unless the stream's version of the table is
// older than the field's `since` (it then gets its reset value) or its group is absent; a field that only the stream
// has is an error too, unless forget() names it. Integers may grow between versions; a value that does not fit is an
// error. All of a machine is checked before any of it is changed.
//
// A part that other types derive from, or that several devices contain, describes itself in a group of its own
// (`table.group({.name = "uart"})`): the group has its own names and its own version, which its author counts.
//
// Not state: what properties set, what realize() derives from them, host handles, caches (after_load() rebuilds
// them), and wires: the host saves every level itself and restores it without telling any receiver.
#pragma once

#include <backplane/clock.h>

#include <atomic>
#include <cstring>
#include <type_traits>

namespace backplane {

/// Default: none, saving a machine with such a field is refused.
enum class StateKind : std::uint8_t {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    Bytes,     ///< `count` raw bytes
    Timer,     ///< `data` is a Timer**; saved as its deadline in ns of the virtual clock
    Variable,  ///< `access` says how long it is and copies it
};

/// How a Variable field is read and written. All of it is constant data of the plugin. Sized.
struct StateAccess {
    std::uint32_t struct_size = sizeof(StateAccess);
    std::uint64_t maximum = ~std::uint64_t{0};  ///< bytes; a stream with more is refused
    std::uint32_t unit = 1;                     ///< bytes; a stream with a part of one is refused
    std::uint64_t (*size)(const void* data) = nullptr;
    void (*save)(const void* data, MutableBytes to) = nullptr;  ///< exactly size() bytes
    /// Replaces the contents with whole units, at most `maximum` bytes. Cannot fail.
    void (*load)(void* data, Bytes from) = nullptr;
};

/// One named field: `count` elements of `kind` at `data`. The memory belongs to the part and lives as long as it.
/// Sized.
struct StateField {
    std::uint32_t struct_size = sizeof(StateField);
    Str name;  ///< as the datasheet spells it; valid for ever (a literal). At most 255 bytes
    StateKind kind = StateKind::U64;
    void* data = nullptr;
    std::uint32_t count = 1;  ///< elements (bytes for Bytes)
    /// Each element's value after reset; a timer is not armed, a Variable is empty.
    std::uint64_t reset_value = 0;
    bool reset = true;                    ///< false: survives a reset (a battery-backed register, an NVRAM)
    std::uint16_t since = 0;              ///< the version of the table that first had it
    const StateAccess* access = nullptr;  ///< Variable
    /// Unsigned integers: a stream with a greater one is refused. What indexes something says so here.
    std::uint64_t maximum = ~std::uint64_t{0};
};

/// Fields that come and go together, or that stand in each element of an array of structures: they are described once,
/// with the addresses that they have in the first element. All but the name may be left out. Sized.
struct StateGroup {
    std::uint32_t struct_size = sizeof(StateGroup);
    std::uint16_t since = 0;
    Str name;               ///< valid for ever; not that of a field beside it. At most 255 bytes
    void* first = nullptr;  ///< the first element; may be null where count is 1
    std::uint32_t count = 1;
    std::uint32_t stride = 0;  ///< bytes from one element to the next
    /// How many of `count` elements mean something now: no field of its own, as a load sets it, and a reset makes it 0
    /// (where `reset`). The others are not saved, and get their reset values by a load. Null: all do, and a stream has
    /// to have as many.
    std::uint32_t* used = nullptr;
    bool reset = true;
    /// Is the group worth saving (a FIFO that was never switched on …)? Asked of `context` when a machine is saved; a
    /// stream that has it, or has it not, is loaded either way (then the fields get their reset values). Null: always.
    bool (*present)(const void* context) = nullptr;
    const void* context = nullptr;
};

/// Filled while the part is made or realized; read by the host at any time the machine is stopped or the lock held.
class StateTable {
  public:
    virtual void add(const StateField& field) = 0;
    /// The table of a group's fields, with a version of its own. Owner: the host, with this table.
    virtual StateTable& group(const StateGroup& group) = 0;
    /// The version of this table now (0 before it is called), and the oldest one that can still be loaded.
    virtual void set_version(std::uint16_t version, std::uint16_t oldest) = 0;
    /// A stream may have a field or group `name` that is no longer there: it is skipped.
    virtual void forget(Str name) = 0;

  protected:
    ~StateTable() = default;
};

/// What describe() is told beside name and place. Local.
struct StateOptions {
    std::uint64_t reset_value = 0;
    bool reset = true;
    std::uint16_t since = 0;
    std::uint64_t maximum = ~std::uint64_t{0};
};

template <class T>
struct AtomicValue {
    using Type = T;
};
template <class T>
struct AtomicValue<std::atomic<T>> {
    using Type = T;
    static_assert(std::atomic<T>::is_always_lock_free && sizeof(std::atomic<T>) == sizeof(T),
                  "its bytes are its value");
};

template <class T>
constexpr StateKind state_kind() {
    using U = typename AtomicValue<std::remove_cv_t<std::remove_all_extents_t<T>>>::Type;
    if constexpr (std::is_enum_v<U>) return state_kind<std::underlying_type_t<U>>();
    else {
        static_assert(std::is_integral_v<U>, "state is made of integers, enumerations and bool");
        constexpr bool kSigned = std::is_signed_v<U>;
        if constexpr (std::is_same_v<U, bool>) return StateKind::Bool;
        else if constexpr (sizeof(U) == 1) return kSigned ? StateKind::I8 : StateKind::U8;
        else if constexpr (sizeof(U) == 2) return kSigned ? StateKind::I16 : StateKind::U16;
        else if constexpr (sizeof(U) == 4) return kSigned ? StateKind::I32 : StateKind::U32;
        else return kSigned ? StateKind::I64 : StateKind::U64;
    }
}

/// Describes a scalar, an enumeration, an atomic, or an array of them.
template <class T>
void describe(StateTable& table, Str name, T& value, const StateOptions& options) {
    using U = std::remove_all_extents_t<T>;
    table.add({.name = name,
               .kind = state_kind<T>(),
               .data = static_cast<void*>(&value),
               .count = std::uint32_t(sizeof(T) / sizeof(U)),
               .reset_value = options.reset_value,
               .reset = options.reset,
               .since = options.since,
               .maximum = options.maximum});
}
/// describe(table, "divisor", divisor_, 12);
template <class T>
void describe(StateTable& table, Str name, T& value, std::uint64_t reset_value = 0, bool reset = true) {
    describe(table, name, value, StateOptions{.reset_value = reset_value, .reset = reset});
}

/// Describes the elements of a std::vector or std::array, which keeps its size from now on.
template <class Container>
void describe_array(StateTable& table, Str name, Container& values, const StateOptions& options = {}) {
    table.add({.name = name,
               .kind = state_kind<typename Container::value_type>(),
               .data = static_cast<void*>(values.data()),
               .count = std::uint32_t(values.size()),
               .reset_value = options.reset_value,
               .reset = options.reset,
               .since = options.since,
               .maximum = options.maximum});
}

/// Describes a timer of the virtual clock, which must have been created by the time a machine is saved or loaded.
template <auto Method>
void describe_timer(StateTable& table, Str name, OwnedTimer<Method>& timer, std::uint16_t since = 0) {
    table.add(
        {.name = name, .kind = StateKind::Timer, .data = static_cast<void*>(timer.handle()), .since = since});
}

/// Describes a container of trivial elements (std::vector, std::string, std::deque), its length with it. At most
/// `Maximum` bytes.
template <std::uint64_t Maximum, class Container>
void describe_bytes(StateTable& table, Str name, Container& container, bool reset = true,
                    std::uint16_t since = 0) {
    using Element = typename Container::value_type;
    static_assert(std::is_trivially_copyable_v<Element>, "elements are saved as their bytes");
    static constexpr StateAccess kAccess{
        .maximum = Maximum,
        .unit = sizeof(Element),
        .size = [](const void* data) -> std::uint64_t {
            return static_cast<const Container*>(data)->size() * sizeof(Element);
        },
        .save =
            [](const void* data, MutableBytes to) {
                std::size_t at = 0;
                for (const Element& element : *static_cast<const Container*>(data)) {
                    if (to.size - at < sizeof element) return;
                    std::memcpy(to.data + at, &element, sizeof element);
                    at += sizeof element;
                }
            },
        .load =
            [](void* data, Bytes from) {
                auto& into = *static_cast<Container*>(data);
                into.clear();
                for (std::size_t at = 0; at < from.size; at += sizeof(Element)) {
                    Element element;
                    std::memcpy(&element, from.data + at, sizeof element);
                    into.push_back(element);
                }
            }};
    table.add({.name = name,
               .kind = StateKind::Variable,
               .data = static_cast<void*>(&container),
               .reset = reset,
               .since = since,
               .access = &kAccess});
}

}  // namespace backplane
