#include "kernel/launch/option_table.h"

#include "kernel/module/catalog.h"
#include "kernel/object/property_text.h"
#include "kernel/vocabulary/suboptions.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

constexpr const char* kOtherGroup = "Further";

std::string without_dashes(std::string_view option) {
    option = option.substr(0, option.find_first_of("=,"));
    while (option.starts_with('-')) option.remove_prefix(1);
    return std::string(option);
}

/// The properties that the text of a service's option stands for.
SubOptions read_offer(const ManifestOption& offer, const std::string& value) {
    if (offer.argument.empty()) return {};
    if (!offer.verbatim || value == "help" || value == "?")
        return SubOptions::parse_either(value, offer.first_property);
    SubOptions options;
    options.add(offer.first_property, value);
    return options;
}

void apply_offer(PlanBuilder& builder, const OptionTable::Row& row, const std::string& value) {
    const ManifestOption& offer = *row.offer;
    SubOptions options = read_offer(offer, value);
    if (options.help()) return builder.ask({HelpTopic::Kind::TypeProperties, "service", row.type->name});
    std::vector<ServicePlan>& services = builder.plan().services;
    const auto same = [&](const ServicePlan& other) { return other.row == offer.name; };
    if (!offer.repeatable && std::ranges::any_of(services, same))
        throw UserError("is given twice, and can be given once");
    ServicePlan service{builder.option, offer.name, row.type->name, {}};
    service.properties = SubOptions::parse(offer.fixed, "").rest();
    for (auto& property : options.rest()) service.properties.push_back(std::move(property));
    services.push_back(std::move(service));
}

}  // namespace

OptionTable::OptionTable(const Catalog* catalog) {
    for (const OptionGroup& own :
         {machine_options(), numa_options(), boot_options(), block_options(), network_options(),
          character_options(), device_options(), run_options(), process_options()}) {
        Group& group = groups_.emplace_back(Group{own.title, {}});
        for (const CoreOption& option : own.rows)
            group.rows.push_back(
                {option.name, option.argument ? option.argument : "", option.help, option.apply});
    }
    if (!catalog) return;
    for (const Catalog::Listed& listed : catalog->list("service"))
        for (const ManifestOption& offer : listed.type->options)
            group(offer.group)
                .rows.push_back({offer.name, offer.argument, offer.summary, nullptr, &offer, listed.type});
}

OptionTable::Group& OptionTable::group(const std::string& title) {
    const std::string wanted = title.empty() ? kOtherGroup : title;
    const auto found = std::ranges::find(groups_, wanted, &Group::title);
    if (found != groups_.end()) return *found;
    return groups_.emplace_back(Group{wanted, {}});
}

const OptionTable::Row* OptionTable::find(std::string_view name) const {
    for (const Group& group : groups_)
        for (const Row& row : group.rows)
            if (name == row.name) return &row;
    return nullptr;
}

std::vector<OptionListing> OptionTable::listings() const {
    std::vector<OptionListing> all;
    for (const Group& group : groups_)
        for (const Row& row : group.rows)
            all.push_back({row.name, row.argument, row.help, row.type ? row.type->name : ""});
    return all;
}

void OptionTable::refuse_unknown(const std::string& text) const {
    const std::string name = without_dashes(text);
    refuse_elsewhere(name, text);
    std::vector<std::string> names;
    for (const Group& group : groups_)
        for (const Row& row : group.rows) names.push_back(row.name);
    const std::string near = nearest(name, names);
    throw UserError(
        and_then(text + ": invalid option" + (near.empty() ? "" : "; did you mean -" + near + "?"),
                 "-help lists them"));
}

void apply_option(PlanBuilder& builder, const OptionTable::Row& row, const std::string& value) {
    if (row.apply) row.apply(builder, value);
    else apply_offer(builder, row, value);
}

}  // namespace backplane::kernel
