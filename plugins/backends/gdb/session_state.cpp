// Registers, memory, and the points to stop at.
#include "hex.h"
#include "session.h"

namespace backplane::gdb {

namespace {

constexpr unsigned kBadAddress = 14, kNoSpace = 28;  ///< as kInvalid

/// "ADDRESS,LENGTH".
struct Stretch {
    std::uint64_t address = 0, length = 0;
};
std::optional<Stretch> take_stretch(std::string_view& text) {
    const auto address = take_number(text);
    if (!address || !take_char(text, ',')) return std::nullopt;
    const auto length = take_number(text);
    if (!length) return std::nullopt;
    return Stretch{*address, *length};
}

}  // namespace

// ---- registers

/// Calls visit(register, hexadecimal digits) for the block of g and G.
template <class Visit>
void Session::for_each_general(Visit visit) const {
    std::uint64_t number = 0;
    for (const DebugFeature& feature : debuggee_.features()) {
        for (const DebugRegister& reg : feature.registers) {
            if (feature.general)
                visit(debuggee_.find_register(general_cpu_, number), std::size_t(reg.bits / 4));
            ++number;
        }
    }
}

Session::Answer Session::read_registers(std::string_view) {
    std::string all;
    for_each_general([&](const DebugRegister* reg, std::size_t digits) {
        const std::string value = reg ? debuggee_.read_register(general_cpu_, *reg) : std::string();
        all += value.empty() ? std::string(digits, 'x') : hex_of_bytes(value);
    });
    return all.empty() ? error(kInvalid) : all;
}

Session::Answer Session::write_registers(std::string_view arguments) {
    bool ok = true;
    for_each_general([&](const DebugRegister* reg, std::size_t digits) {
        const auto value = bytes_of_hex(arguments.substr(0, digits));
        if (!value || value->size() * 2 != digits) ok = false;
        if (!ok) return;
        arguments.remove_prefix(digits);
        // One that cannot be written, such as a zero, keeps what it has.
        if (reg) debuggee_.write_register(general_cpu_, *reg, *value);
    });
    return ok ? "OK" : error(kInvalid);
}

Session::Answer Session::read_register(std::string_view arguments) {
    const auto number = take_number(arguments);
    const DebugRegister* reg = number ? debuggee_.find_register(general_cpu_, *number) : nullptr;
    if (!reg) return error(kInvalid);
    const std::string value = debuggee_.read_register(general_cpu_, *reg);
    return value.empty() ? std::string(reg->bits / 4u, 'x') : hex_of_bytes(value);
}

Session::Answer Session::write_register(std::string_view arguments) {
    const auto number = take_number(arguments);
    const DebugRegister* reg = number ? debuggee_.find_register(general_cpu_, *number) : nullptr;
    if (!reg || !take_char(arguments, '=')) return error(kInvalid);
    const auto value = bytes_of_hex(arguments);
    return value && debuggee_.write_register(general_cpu_, *reg, *value) ? "OK" : error(kInvalid);
}

// ---- memory

Session::Answer Session::read_memory(std::string_view arguments) {
    const auto stretch = take_stretch(arguments);
    if (!stretch || !arguments.empty() || stretch->length > kMaximumPayload / 2) return error(kInvalid);
    const std::string bytes = debuggee_.read_memory(general_cpu_, stretch->address, stretch->length);
    return bytes.empty() && stretch->length != 0 ? error(kBadAddress) : hex_of_bytes(bytes);
}

Session::Answer Session::write_memory(std::string_view arguments) {
    const auto stretch = take_stretch(arguments);
    if (!stretch || !take_char(arguments, ':')) return error(kInvalid);
    const auto bytes = bytes_of_hex(arguments);
    if (!bytes || bytes->size() != stretch->length) return error(kInvalid);
    return debuggee_.write_memory(general_cpu_, stretch->address, *bytes) ? "OK" : error(kBadAddress);
}

Session::Answer Session::write_binary(std::string_view arguments) {
    const auto stretch = take_stretch(arguments);
    if (!stretch || !take_char(arguments, ':') || arguments.size() != stretch->length) return error(kInvalid);
    return debuggee_.write_memory(general_cpu_, stretch->address, arguments) ? "OK" : error(kBadAddress);
}

// ---- points

Session::Answer Session::change_point(std::string_view arguments, bool insert) {
    if (!debuggee_.can_stop_at_points()) return "";
    using Reason = DebugStop::Reason;
    constexpr Reason kKinds[] = {Reason::SoftwareBreakpoint, Reason::HardwareBreakpoint, Reason::Write,
                                 Reason::Read, Reason::Access};
    const auto type = take_number(arguments);
    if (!type || !take_char(arguments, ',')) return error(kInvalid);
    if (*type >= std::size(kKinds)) return "";
    const auto stretch = take_stretch(arguments);
    if (!stretch) return error(kInvalid);
    // Of a breakpoint, the "length" is which instruction a debugger would put there; it puts none.
    DebugPoint point{.kind = kKinds[*type], .address = stretch->address};
    if (*type >= 2) {
        point.size = stretch->length;
        if (point.size == 0 || point.address + (point.size - 1) < point.address) return error(kInvalid);
    }
    const auto result = insert ? debuggee_.insert(point) : debuggee_.remove(point);
    return result == Debuggee::PointResult::Done ? "OK" : error(kNoSpace);
}

}  // namespace backplane::gdb
