#include "kernel/machine/device_outside.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

template <class Row>
std::vector<const Row*> listed(const Type& type, Slice<const Row> TypeInfo::*rows) {
    std::vector<const Row*> all;
    for (const Type* at = &type; at; at = at->parent())
        for (const Row& row : at->info().*rows) all.push_back(&row);
    return all;
}

bool is_input(const WireInfo& wire) { return wire.direction == WireDirection::Input; }

std::string group_text(std::string_view name, bool input) {
    return (input ? "input '" : "output '") + std::string(name) + "'";
}

std::string region_problem(const Type& type, const ShownRegions& regions) {
    const std::vector<const RegionInfo*> rows = listed(type, &TypeInfo::regions);
    for (const auto& [name, region] : regions) {
        const auto row = std::ranges::find_if(
            rows, [&, &name = name](const RegionInfo* each) { return name == each->name; });
        if (row == rows.end())
            return "shows region '" + name + "', which its TypeInfo::regions does not list";
        if ((*row)->size && (*row)->size != region->size())
            return "shows region '" + name + "' of " + std::to_string(region->size()) +
                   " bytes, and lists it with " + std::to_string((*row)->size);
    }
    for (const RegionInfo* row : rows)
        if (!row->optional &&
            std::ranges::none_of(regions, [&](const auto& shown) { return shown.first == row->name; }))
            return std::string("lists region '") + row->name + "', which this device does not show";
    return {};
}

std::string wire_problem(const Type& type, const std::vector<Wiring::Group>& groups) {
    const std::vector<const WireInfo*> rows = listed(type, &TypeInfo::wires);
    const auto same = [](const WireInfo& row, const Wiring::Group& group) {
        return is_input(row) == group.input && group.name == row.name;
    };
    for (const Wiring::Group& group : groups) {
        const auto row = std::ranges::find_if(rows, [&](const WireInfo* each) { return same(*each, group); });
        const std::string text = group_text(group.name, group.input);
        if (row == rows.end()) return "has " + text + ", which its TypeInfo::wires does not list";
        if ((*row)->count && (*row)->count != group.count)
            return "has " + std::to_string(group.count) + " of " + text + ", and lists " +
                   std::to_string((*row)->count);
    }
    for (const WireInfo* row : rows)
        if (!row->optional &&
            std::ranges::none_of(groups, [&](const Wiring::Group& group) { return same(*row, group); }))
            return "lists " + group_text(row->name, is_input(*row)) + ", which this device does not have";
    return {};
}

}  // namespace

std::string outside_problem(const Type& type, const ShownRegions& regions,
                            const std::vector<Wiring::Group>& groups) {
    const std::string problem = region_problem(type, regions);
    return problem.empty() ? wire_problem(type, groups) : problem;
}

}  // namespace backplane::kernel
