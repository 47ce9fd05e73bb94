#include "kernel/module/type_check.h"

#include "kernel/module/value_check.h"
#include "kernel/object/property_text.h"
#include "kernel/object/release.h"

#include <backplane/block.h>
#include <backplane/board.h>
#include <backplane/bus.h>
#include <backplane/char.h>
#include <backplane/draft/accelerator.h>
#include <backplane/management.h>
#include <backplane/memory_backend.h>
#include <backplane/net.h>
#include <backplane/rng.h>
#include <backplane/text.h>

#include <algorithm>
#include <optional>

namespace backplane::kernel {
namespace {

/// What a type that can be made has to offer, itself or by an ancestor, to be of any use as what it derives from.
struct NeededInterface {
    std::string_view ancestor;
    const char* id;
};
constexpr NeededInterface kNeeded[] = {
    {"device", Device::kId},
    {"cpu", Cpu::kId},
    {"bus", Bus::kId},
    {"machine", Board::kId},
    {"accelerator", Accelerator::kId},
    {"chardev", CharBackend::kId},
    {"block-node", BlockBackend::kId},
    {"netdev", NetBackend::kId},
    {"memory-backend", MemoryBackend::kId},
    {"rng-backend", RngBackend::kId},
};

constexpr const char* kCore = "the core";

std::string owner_text(const ManifestType* owner) { return owner ? "type " + quote(owner->name) : kCore; }

std::string option_claim(const std::string& name) { return "option '-" + name + "'"; }

/// What programs call it, and each way in which people do.
std::vector<std::string> command_claims(const ManifestCommand& command) {
    std::vector<std::string> claims;
    if (!command.name.empty()) claims.push_back("command " + quote(command.name));
    for (const TextPart human : split_alternatives(command.human))
        claims.push_back("monitor command " + quote(human));
    return claims;
}

bool same_members(const std::vector<ManifestArgument>& a, const std::vector<ManifestArgument>& b) {
    return std::ranges::equal(a, b, [](const ManifestArgument& x, const ManifestArgument& y) {
        return x.name == y.name && x.kind == y.kind && x.required == y.required && x.choices == y.choices;
    });
}

/// A text that is there more than once; empty: none is.
std::string_view repeated(std::vector<std::string_view> texts) {
    std::ranges::sort(texts);
    const auto twice = std::ranges::adjacent_find(texts);
    return twice == texts.end() ? std::string_view() : *twice;
}

/// The row as the type has it; valid as long as `property`. Null where this host does not know the kind.
std::optional<PropertyInfo> paper(const ManifestProperty& property) {
    PropertyInfo info;
    const auto kind = property_kind(property.kind);
    if (!kind) return std::nullopt;
    info.name = property.name.data();
    info.kind = *kind;
    info.choices = property.choices.empty() ? nullptr : property.choices.data();
    info.minimum = property.minimum;
    info.maximum = property.maximum;
    return info;
}

}  // namespace

std::string value_problem(const ManifestProperty& property, std::string_view owner, std::string_view text) {
    const auto info = paper(property);
    ErrorText reason;
    if (info) check_property_text(*info, owner, text, reason);
    return reason.text();
}

TypeCheck::TypeCheck(Find find, Explain missing, const CoreNames& core)
    : find_(std::move(find)), missing_(std::move(missing)) {
    for (const std::string& option : core.options) owners_[option_claim(option)] = nullptr;
    for (const ManifestCommand& command : core.commands)
        for (std::string& name : command_claims(command)) owners_[std::move(name)] = nullptr;
    for (const ManifestEvent& event : core.events) event_owners_[event.name] = {kCore, event.members};
}

const std::string& TypeCheck::verdict(const ManifestType& type) {
    const auto known = verdicts_.find(&type);
    if (known != verdicts_.end()) return known->second;
    return verdicts_[&type] = problem(type);
}

std::string TypeCheck::problem(const ManifestType& type) {
    if (type.name == "object") return {};
    if (std::string reason = ancestry_problem(type); !reason.empty()) return reason;
    const ManifestType& parent = *ancestry(type)[1];
    if (const std::string& reason = verdict(parent); !reason.empty())
        return "it derives from " + quote(parent.name) + ", which is refused: " + reason;
    for (const Check check :
         {&TypeCheck::property_problem, &TypeCheck::history_problem, &TypeCheck::interface_problem,
          &TypeCheck::outside_problem, &TypeCheck::version_problem})
        if (std::string reason = (this->*check)(type); !reason.empty()) return reason;
    std::string reason = claim(type);
    return reason.empty() ? claim_events(type) : reason;
}

std::string TypeCheck::ancestry_problem(const ManifestType& type) const {
    if (type.parent.empty()) return "it has no parent";
    const std::vector<const ManifestType*>& line = ancestry(type);
    if (line.size() == 1 && !find_(type.parent))
        return "it derives from " + quote(type.parent) + ", which " + missing_(type.parent);
    const TextPart above = line.back()->parent;
    if (above.empty() || find_(above) != &type) return {};
    std::string circle;
    for (const ManifestType* each : line) circle += quote(each->name) + " derives from ";
    return "it is its own ancestor: " + circle + quote(type.name);
}

std::string TypeCheck::property_problem(const ManifestType& type) const {
    const auto which = [](std::string_view name) { return "property " + quote(name); };
    std::vector<std::string_view> names;
    for (const ManifestProperty& property : type.properties) names.push_back(property.name);
    if (const std::string_view name = repeated(std::move(names)); !name.empty())
        return which(name) + " stands there twice";
    for (const ManifestProperty& property : type.properties) {
        if (property.name.empty()) return "it has a property without a name";
        if (!property_kind(property.kind))
            return which(property.name) + " is of kind " + quote(property.kind) +
                   ", which this host does not know";
        if (property.kind == "enum" && property.choices.empty())
            return which(property.name) + " has no choices";
        if (!property.has_default) continue;
        if (const std::string reason = value_problem(property, type.name, property.default_text);
            !reason.empty())
            return "the default of " + reason;
    }
    if (!type.forwards.empty() && !find_(type.forwards))
        return "it is a proxy for " + quote(type.forwards) + ", which " + missing_(type.forwards);
    return {};
}

std::string TypeCheck::history_problem(const ManifestType& type) const {
    for (const ManifestHistoryRow& row : type.history) {
        const std::string which = "its history of property " + quote(row.property);
        if (!Release::parse(row.release))
            return which + " names " + quote(row.release) + ", which is no release";
        const ManifestProperty* property = find_property(type, row.property);
        if (!property) return which + ": it has no such property";
        if (const std::string reason = value_problem(*property, type.name, row.value); !reason.empty())
            return "in its history, " + reason;
    }
    return {};
}

std::string TypeCheck::interface_problem(const ManifestType& type) const {
    if (type.abstract) return {};
    const std::vector<const ManifestType*>& line = ancestry(type);
    const auto offers = [&](std::string_view id) {
        return std::ranges::any_of(line, [&](const ManifestType* each) {
            return std::ranges::find(each->interfaces, id) != each->interfaces.end();
        });
    };
    for (const ManifestType* each : line)
        for (const NeededInterface& needed : kNeeded)
            if (each->name == needed.ancestor && !offers(needed.id))
                return "it derives from " + quote(needed.ancestor) +
                       ", but neither it nor an ancestor offers " + needed.id;
    if (!type.commands.empty() && !offers(CommandHandler::kId))
        return std::string("it has commands, but does not offer ") + CommandHandler::kId;
    const auto has_class_data = [](const ManifestType* each) { return each->has_class_data; };
    if (is_a(type, "machine") && !std::ranges::any_of(line, has_class_data))
        return "it is a board without BoardTraits (class_data)";
    return {};
}

/// What a device shows to its board: regions and wires, its own and its ancestors'.
std::string TypeCheck::outside_problem(const ManifestType& type) const {
    if ((!type.regions.empty() || !type.wires.empty()) && !is_a(type, "device"))
        return "it lists regions or wires, and does not derive from 'device'";
    if (type.regions.empty() && type.wires.empty()) return {};  // its ancestors' were looked at before
    std::vector<std::pair<std::string_view, std::string_view>> taken;
    const auto take = [&taken](std::string_view kind, std::string_view name) {
        const bool first = std::ranges::find(taken, std::pair(kind, name)) == taken.end();
        if (first) taken.emplace_back(kind, name);
        return first;
    };
    for (const ManifestType* each : ancestry(type)) {
        for (const ManifestRegion& region : each->regions) {
            if (region.name.empty()) return "it has a region without a name";
            if (!take("region", region.name)) return "region " + quote(region.name) + " stands there twice";
        }
        for (const ManifestWire& wire : each->wires) {
            if (wire.direction != "output" && wire.direction != "input")
                return "wire " + quote(wire.name) + " is an " + quote(wire.direction) +
                       ", which this host does not know";
            if (!take(wire.direction, wire.name))
                return wire.direction + " " + quote(wire.name) + " stands there twice";
        }
    }
    return {};
}

std::string TypeCheck::version_problem(const ManifestType& type) const {
    std::vector<std::string_view> numbers;
    for (const ManifestVersion& version : type.versions) numbers.push_back(version.version);
    if (const std::string_view number = repeated(std::move(numbers)); !number.empty())
        return "version " + quote(number) + " stands there twice";
    for (const ManifestVersion& version : type.versions) {
        if (!version.release.empty() && !Release::parse(version.release))
            return "version " + quote(version.version) + " names " + quote(version.release) +
                   ", which is no release";
    }
    return {};
}

/// One thing of a name: option names of a family, options, commands.
std::string TypeCheck::claim(const ManifestType& type) {
    std::vector<std::string> claims;
    std::string family;
    for (const ManifestType* each : ancestry(type))
        if (family.empty() && each != &type && each->abstract) family = each->name;
    const auto in_family = [&](std::string_view name) { claims.push_back(family + " " + quote(name)); };
    if (!type.abstract) {
        if (!type.option.empty()) in_family(type.option);
        std::ranges::for_each(type.aliases, in_family);
        for (const ManifestVersion& version : type.versions) {
            in_family(type.version_name(version));
            std::ranges::for_each(version.aliases, in_family);
        }
    }
    for (const ManifestOption& option : type.options) claims.push_back(option_claim(option.name));
    for (const ManifestCommand& command : type.commands)
        std::ranges::copy(command_claims(command), std::back_inserter(claims));
    for (auto each = claims.begin(); each != claims.end(); ++each) {
        const auto [held, first] = owners_.try_emplace(*each, &type);
        if (first) continue;
        const std::string reason =
            held->second == &type ? "stands there twice" : "is taken by " + owner_text(held->second);
        std::for_each(claims.begin(), each, [&](const std::string& claimed) { owners_.erase(claimed); });
        return "its " + *each + " " + reason;
    }
    return {};
}

std::string TypeCheck::claim_events(const ManifestType& type) {
    for (const ManifestEvent& event : type.events) {
        const auto [held, first] =
            event_owners_.try_emplace(event.name, EventOwner{"type " + quote(type.name), event.members});
        if (!first && !same_members(held->second.members, event.members))
            return "its event " + quote(event.name) + " has other members than that of " + held->second.text;
    }
    return {};
}

std::vector<std::string> TypeCheck::warnings(const ManifestType& type,
                                             const std::vector<const ManifestType*>& all) const {
    std::vector<std::string> found;
    for (const ManifestVersion& version : type.versions)
        for (const ManifestDelta& delta : version.deltas)
            if (const std::string reason = delta_warning(delta, all); !reason.empty())
                found.push_back("version " + quote(version.version) + " of type " + quote(type.name) +
                                " changes " + quote(delta.type + "." + delta.property) + ", but " + reason);
    const bool rows = !type.options.empty() || !type.commands.empty();
    if (rows && !is_a(type, "service"))
        found.push_back("type " + quote(type.name) +
                        " has options or commands, but does not derive from 'service': they are not offered");
    return found;
}

/// A delta holds for descendants as well, and a property may be theirs.
std::string TypeCheck::delta_warning(const ManifestDelta& delta,
                                     const std::vector<const ManifestType*>& all) const {
    if (!find_(delta.type)) return "there is no such type";
    std::string reason = "no such type has that property";
    for (const ManifestType* type : all) {
        if (!is_a(*type, delta.type)) continue;
        const ManifestProperty* property = find_property(*type, delta.property);
        if (!property) continue;
        reason = value_problem(*property, type->name, delta.value);
        if (!reason.empty()) return reason;
    }
    return reason;
}

const std::vector<const ManifestType*>& TypeCheck::ancestry(const ManifestType& type) const {
    std::vector<const ManifestType*>& line = ancestries_[&type];
    if (!line.empty()) return line;
    const auto add = [&line](const ManifestType* at) {
        const bool first = std::ranges::find(line, at) == line.end();
        if (first) line.push_back(at);
        return first;
    };
    for (const ManifestType* at = &type; at; at = find_(at->parent)) {
        const auto known = ancestries_.find(at);
        if (at != &type && known != ancestries_.end()) {
            for (const ManifestType* each : known->second)
                if (!add(each)) break;
            break;
        }
        if (!add(at)) break;
    }
    return line;
}

const ManifestProperty* TypeCheck::find_property(const ManifestType& type, std::string_view name) const {
    for (const ManifestType* each : ancestry(type)) {
        const auto found = std::ranges::find(each->properties, name, &ManifestProperty::name);
        if (found != each->properties.end()) return &*found;
    }
    return nullptr;
}

bool TypeCheck::is_a(const ManifestType& type, std::string_view ancestor) const {
    return std::ranges::any_of(ancestry(type),
                               [&](const ManifestType* each) { return each->name == ancestor; });
}

}  // namespace backplane::kernel
