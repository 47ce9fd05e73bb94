// The one description of a part's state, from which reset, dump, comparison and saved machines come.
//
//   describe(table, "divisor", divisor_, 12);                       // a scalar, an enumeration, an array of them
//   describe_timer(table, "alarm", timer_);                         // its deadline, or that it is not armed
//   describe_bytes(table, "fifo", fifo_);                           // a std::vector, std::string or std::deque: length and all
//   StateTable& gate = table.group({.name = "gate", .first = &gates_[0], .count = 8, .stride = sizeof(Gate)});
//   describe(gate, "mask", gates_[0].mask);                         // of each of the eight
//
// A saved machine holds fields by name. Loading takes each field that this table has from the stream, whatever its
// place there. A field that the stream lacks is an error that names it, unless the stream's version of the table is
// older than the field's `since` (it then gets its reset value) or its group is absent; a field that only the stream
// has is an error too, unless forget() names it. Integers may grow between versions; a value that does not fit is an
// error.
//
// Not state: what properties set, what realize() derives from them, host handles, caches (after_load() rebuilds
// them), and wires: the host saves every level itself and restores it without telling any receiver.
#pragma once

#include <backplane/clock.h>

#include <cstring>
#include <type_traits>

namespace backplane {

enum class StateKind : std::uint8_t {
    Bool,
    U8,
    U16,
    U32,
    U64,
    Bytes,     ///< `count` raw bytes
    Timer,     ///< `data` is a Timer*; saved as its deadline in ns of the virtual clock
    Variable,  ///< `access` says how long it is and copies it
};

/// How a Variable field is read and written. All of it is constant data of the plugin.
struct StateAccess {
    std::uint32_t struct_size = sizeof(StateAccess);
    std::uint64_t maximum = ~std::uint64_t{0};  ///< bytes; a stream with more is refused
    std::uint64_t (*size)(const void* data) = nullptr;
    void (*save)(const void* data, MutableBytes to) = nullptr;  ///< exactly size() bytes
    /// Replaces the contents; false when these cannot be.
    bool (*load)(void* data, Bytes from) = nullptr;
};

/// One named field: `count` elements of `kind` at `data`. The memory belongs to the part and lives as long as it.
struct StateField {
    std::uint32_t struct_size = sizeof(StateField);
    Str name;  ///< as the datasheet spells it; valid for ever (a literal)
    StateKind kind = StateKind::U64;
    void* data = nullptr;
    std::uint32_t count = 1;  ///< elements (bytes for Bytes)
    std::uint64_t reset_value =
        0;                    ///< each element's value after reset; a timer is not armed, a Variable is empty
    bool reset = true;        ///< false: survives a reset (a battery-backed register, an NVRAM)
    std::uint16_t since = 0;  ///< the version of the table that first had it
    const StateAccess* access = nullptr;  ///< Variable
};

/// Fields that come and go together, or that stand in each element of an array of structures: they are described once,
/// with the addresses that they have in the first element.
struct StateGroup {
    std::uint32_t struct_size = sizeof(StateGroup);
    std::uint16_t since = 0;
    Str name;               ///< valid for ever
    void* first = nullptr;  ///< the first element; may be null where count is 1
    std::uint32_t count = 1;
    std::uint32_t stride = 0;  ///< bytes from one element to the next
    /// How many of `count` elements mean something now; the others are not saved, and are reset by a load. Null: all.
    const std::uint32_t* used = nullptr;
    /// Is the group worth saving (a FIFO that was never switched on …)? Asked of `context` when a machine is saved; a
    /// stream that has it, or has it not, is loaded either way (then the fields get their reset values). Null: always.
    bool (*present)(const void* context) = nullptr;
    const void* context = nullptr;
};

/// Filled while the part is made or realized; read by the host at any time the machine is stopped or the lock held.
class StateTable {
  public:
    virtual void add(const StateField& field) = 0;
    /// The table of a group's fields. Owner: the host, with this table.
    virtual StateTable& group(const StateGroup& group) = 0;
    /// The version of this table now (0 before it is called), and the oldest one that can still be loaded.
    virtual void set_version(std::uint16_t version, std::uint16_t oldest) = 0;
    /// A stream may have a field or group `name` that is no longer there: it is skipped.
    virtual void forget(Str name) = 0;

  protected:
    ~StateTable() = default;
};

template <class T>
constexpr StateKind state_kind() {
    using U = std::remove_cv_t<std::remove_all_extents_t<T>>;
    if constexpr (std::is_same_v<U, bool>) return StateKind::Bool;
    else if constexpr (std::is_enum_v<U>) return state_kind<std::underlying_type_t<U>>();
    else if constexpr (sizeof(U) == 1) return StateKind::U8;
    else if constexpr (sizeof(U) == 2) return StateKind::U16;
    else if constexpr (sizeof(U) == 4) return StateKind::U32;
    else return StateKind::U64;
}

/// Describes a scalar, an enumeration or an array of them: describe(table, "divisor", divisor_, 12);
template <class T>
void describe(StateTable& table, Str name, T& value, std::uint64_t reset_value = 0, bool reset = true) {
    using U = std::remove_all_extents_t<T>;
    static_assert(std::is_integral_v<U> || std::is_enum_v<U>,
                  "state is made of integers, enumerations and bool");
    table.add({.name = name,
               .kind = state_kind<T>(),
               .data = static_cast<void*>(&value),
               .count = std::uint32_t(sizeof(T) / sizeof(U)),
               .reset_value = reset_value,
               .reset = reset});
}

/// Describes a timer of the virtual clock, which must have been created by the time a machine is saved or loaded.
template <auto Method>
void describe_timer(StateTable& table, Str name, OwnedTimer<Method>& timer) {
    table.add({.name = name, .kind = StateKind::Timer, .data = static_cast<void*>(timer.handle())});
}

/// Describes a container of trivial elements (std::vector, std::string, std::deque), its length with it. At most
/// `Maximum` bytes.
template <std::uint64_t Maximum, class Container>
void describe_bytes(StateTable& table, Str name, Container& container, bool reset = true) {
    using Element = typename Container::value_type;
    static_assert(std::is_trivially_copyable_v<Element>, "elements are saved as their bytes");
    static constexpr StateAccess kAccess{
        .maximum = Maximum,
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
                if (from.size % sizeof(Element) != 0) return false;
                into.clear();
                for (std::size_t at = 0; at < from.size; at += sizeof(Element)) {
                    Element element;
                    std::memcpy(&element, from.data + at, sizeof element);
                    into.push_back(element);
                }
                return true;
            }};
    table.add({.name = name,
               .kind = StateKind::Variable,
               .data = static_cast<void*>(&container),
               .reset = reset,
               .access = &kAccess});
}

}  // namespace backplane
