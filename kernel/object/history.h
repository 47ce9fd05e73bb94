// What defaults were in the past, from a type's rows: those of a plugin in memory or those of its manifest.
#pragma once

#include "kernel/object/release.h"

#include <map>

namespace backplane::kernel {

/// Property → value by the rows of one type that reach `release`; where several do, that of the oldest release holds.
template <class Rows>
std::map<std::string_view, std::string_view> past_values(const Rows& rows, const Release& release) {
    std::map<std::string_view, std::pair<Release, std::string_view>> held;
    for (const auto& row : rows) {
        const auto until = Release::parse(row.release);
        if (!until || !until->same_line(release) || until->older_than(release)) continue;
        const auto [found, first] = held.try_emplace(row.property, *until, row.value);
        if (!first && until->older_than(found->second.first)) found->second = {*until, row.value};
    }
    std::map<std::string_view, std::string_view> values;
    for (const auto& [property, row] : held) values.emplace(property, row.second);
    return values;
}

}  // namespace backplane::kernel
