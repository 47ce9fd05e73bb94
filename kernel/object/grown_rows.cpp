#include "kernel/object/grown_rows.h"

namespace backplane::kernel {

/// The rows that each row of `outer` points to.
template <class Row, class Inner>
void GrownRows::inner_rows(Slice<const Row>& outer, Slice<const Inner> Row::*member, std::uint32_t size) {
    if (size == sizeof(Inner) || outer.empty()) return;
    auto copies = std::make_shared<std::vector<Row>>(outer.begin(), outer.end());
    for (Row& row : *copies) row.*member = rows(row.*member, size);
    kept_.push_back(copies);
    outer = {copies->data(), copies->size()};
}

TypeInfo GrownRows::type(const TypeTable& table, std::size_t index) {
    auto info = read_row<TypeInfo>(table.types, index, table.type_size);
    info.interfaces = rows(info.interfaces, table.interface_size);
    info.properties = rows(info.properties, table.property_size);
    info.regions = rows(info.regions, table.region_size);
    info.wires = rows(info.wires, table.wire_size);
    info.history = rows(info.history, table.history_size);
    info.versions = rows(info.versions, table.version_size);
    inner_rows(info.versions, &MachineVersion::deltas, table.compat_size);
    info.options = rows(info.options, table.option_size);
    info.commands = rows(info.commands, table.command_size);
    inner_rows(info.commands, &CommandInfo::arguments, table.argument_size);
    inner_rows(info.commands, &CommandInfo::results, table.argument_size);
    info.events = rows(info.events, table.event_size);
    inner_rows(info.events, &EventInfo::members, table.argument_size);
    return info;
}

}  // namespace backplane::kernel
