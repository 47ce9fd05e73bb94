// The one description of a device's state, from which reset, dump, comparison and snapshots come.
#pragma once

#include <backplane/abi.h>

#include <type_traits>

namespace backplane {

enum class StateKind : std::uint8_t { Bool, U8, U16, U32, U64, Bytes };

/// One named field, `count` elements of `kind` at `data`. The memory belongs to the part and lives as long as it.
struct StateField {
    Str name;  ///< as the datasheet spells it; valid for ever (a literal)
    StateKind kind = StateKind::U64;
    void* data = nullptr;
    std::uint32_t count = 1;        ///< elements (bytes for Bytes)
    std::uint64_t reset_value = 0;  ///< each element's value after reset
    bool reset = true;              ///< false: survives a reset (a battery-backed register, an NVRAM)
};

/// Filled while the part is made or realized; read by the host at any time the machine is stopped or the lock held.
class StateTable {
  public:
    virtual void add(const StateField& field) = 0;

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
    table.add({name, state_kind<T>(), static_cast<void*>(&value), std::uint32_t(sizeof(T) / sizeof(U)),
               reset_value, reset});
}

}  // namespace backplane
