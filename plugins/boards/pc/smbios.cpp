// What the machine says of itself in its SMBIOS tables.
#include "board.h"

namespace backplane::pc {
namespace {

/// The version as users name it: "pc-i440fx-9.0", without what types of machines end with.
std::string machine_version(const Object& machine) {
    constexpr std::string_view kEnd = "-machine";
    std::string name(machine.type_name().view());
    if (name.ends_with(kEnd)) name.resize(name.size() - kEnd.size());
    return name;
}

}  // namespace

bool PcBoard::build_smbios(BoardContext& context, Errors& errors) {
    constexpr const char* kOtherFamily = "1";  // DSP0134, 7.5.2
    constexpr const char* kEntryPoints[] = {"32", "64", "auto"};
    const Topology& topology = context.topology();
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    const Settings settings{
        {"manufacturer", "QEMU"},
        {"product", "Standard PC (i440FX + PIIX, 1996)"},
        {"version", machine_version(context.machine())},
        {"memory-size", number(low_ram_ + high_ram_)},
        {"high-memory-base", number(kFourGibibytes)},
        {"high-memory-size", number(high_ram_)},
        {"sockets", number(topology.sockets)},
        {"cores", number(std::uint64_t{topology.dies} * topology.modules * topology.cores)},
        {"threads", number(topology.threads)},
        {"processor-family", kOtherFamily},
        {"entry-point-type", kEntryPoints[unsigned(smbios_entry_)]}};
    Object* tables = context.create("smbios-tables", "smbios", errors);
    if (!tables) return false;
    chips_["smbios"] = tables;
    for (const auto& [property, value] : settings)
        if (!tables->set_property(property, value, errors)) return false;
    return tables->set_link("fw_cfg", &chip("fw_cfg"), errors) &&
           tables->set_link("processor", processors_.processor(0), errors) &&
           context.realize(*tables, errors);
}

}  // namespace backplane::pc
