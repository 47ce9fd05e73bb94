// A manifest's JSON text, read into its rows. Nothing of it is trusted.
#include "kernel/module/manifest.h"

#include "kernel/module/json_reader.h"

#include <backplane/detail/manifest.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace backplane::kernel {
namespace {

constexpr std::size_t kMaximumText = 1 << 20;

/// Each element of the array that comes next, as `read` makes it.
template <class Row>
std::vector<Row> rows_of(JsonReader& in, Row (*read)(JsonReader&)) {
    std::vector<Row> rows;
    in.array([&] { rows.push_back(read(in)); });
    return rows;
}

std::vector<TextPart> names_of(JsonReader& in) { return split_alternatives(in.string()); }

std::array<std::string_view, 3> three_texts(JsonReader& in) {
    std::array<std::string_view, 3> texts;
    std::size_t count = 0;
    in.array([&] {
        const std::string_view text = in.string();
        if (count < texts.size()) texts[count] = text;
        ++count;
    });
    if (count < texts.size()) throw JsonFault("a row has fewer than three texts");
    return texts;
}

/// What bears no name is nothing.
void require(std::string_view value, const char* what) {
    if (value.empty()) throw JsonFault(std::string(what) + " is missing");
}

ArgumentKind argument_kind(std::string_view name) {
    for (unsigned kind = 0; kind <= unsigned(ArgumentKind::Switch); ++kind)
        if (name == manifest::kind_name(ArgumentKind(kind))) return ArgumentKind(kind);
    throw std::invalid_argument("it has an argument of kind " + quote(name) +
                                ", which this host does not know");
}

ManifestProperty property_of(JsonReader& in) {
    ManifestProperty property;
    in.object([&](std::string_view key) {
        if (key == "name") property.name = in.string();
        else if (key == "kind") property.kind = in.string();
        else if (key == "summary") property.summary = in.string();
        else if (key == "default") property.default_text = in.string(), property.has_default = true;
        else if (key == "choices") property.choices = in.string();
        else if (key == "minimum") property.minimum = in.number();
        else if (key == "maximum") property.maximum = in.number();
        else if (key == "required") property.required = in.boolean();
        else if (key == "live") property.settable_when_realized = in.boolean();
        else if (key == "read_only") property.read_only = in.boolean();
        else in.skip();
    });
    return property;
}

ManifestRegion region_of(JsonReader& in) {
    ManifestRegion region;
    in.object([&](std::string_view key) {
        if (key == "name") region.name = in.string();
        else if (key == "summary") region.summary = in.string();
        else if (key == "size") region.size = in.number();
        else if (key == "optional") region.optional = in.boolean();
        else in.skip();
    });
    return region;
}

ManifestWire wire_of(JsonReader& in) {
    ManifestWire wire;
    in.object([&](std::string_view key) {
        if (key == "name") wire.name = in.string();
        else if (key == "direction") wire.direction = in.string();
        else if (key == "summary") wire.summary = in.string();
        else if (key == "count") wire.count = in.number();
        else if (key == "optional") wire.optional = in.boolean();
        else in.skip();
    });
    return wire;
}

ManifestDelta delta_of(JsonReader& in) {
    const auto [type, property, value] = three_texts(in);
    return {type, property, value};
}

ManifestHistoryRow history_of(JsonReader& in) {
    const auto [release, property, value] = three_texts(in);
    return {release, property, value};
}

ManifestVersion version_of(JsonReader& in) {
    ManifestVersion version;
    in.object([&](std::string_view key) {
        if (key == "version") version.version = in.string();
        else if (key == "release") version.release = in.string();
        else if (key == "deprecated") version.deprecated = in.string();
        else if (key == "aliases") version.aliases = names_of(in);
        else if (key == "deltas") version.deltas = rows_of(in, delta_of);
        else in.skip();
    });
    require(version.version, "the number of a version");
    return version;
}

ManifestArgument argument_of(JsonReader& in) {
    ManifestArgument argument;
    std::string_view kind;
    in.object([&](std::string_view key) {
        if (key == "name") argument.name = in.string();
        else if (key == "kind") kind = in.string();
        else if (key == "optional") argument.required = !in.boolean();
        else if (key == "summary") argument.summary = in.string();
        else if (key == "choices") argument.choices = in.string();
        else in.skip();
    });
    require(argument.name, "the name of an argument");
    argument.kind = argument_kind(kind);
    return argument;
}

ManifestOption option_of(JsonReader& in) {
    ManifestOption option;
    in.object([&](std::string_view key) {
        if (key == "name") option.name = in.string();
        else if (key == "argument") option.argument = in.string();
        else if (key == "summary") option.summary = in.string();
        else if (key == "group") option.group = in.string();
        else if (key == "first") option.first_property = in.string();
        else if (key == "fixed") option.fixed = in.string();
        else if (key == "repeatable") option.repeatable = in.boolean();
        else if (key == "verbatim") option.verbatim = in.boolean();
        else in.skip();
    });
    require(option.name, "the name of an option");
    return option;
}

ManifestCommand command_of(JsonReader& in) {
    ManifestCommand command;
    in.object([&](std::string_view key) {
        if (key == "name") command.name = in.string();
        else if (key == "human") command.human = in.string();
        else if (key == "summary") command.summary = in.string();
        else if (key == "arguments") command.arguments = rows_of(in, argument_of);
        else if (key == "returns") command.returns = in.string();
        else if (key == "when") command.when = std::uint8_t(in.number());
        else if (key == "results") command.results = rows_of(in, argument_of);
        else in.skip();
    });
    return command;
}

ManifestEvent event_of(JsonReader& in) {
    ManifestEvent event;
    in.object([&](std::string_view key) {
        if (key == "name") event.name = in.string();
        else if (key == "summary") event.summary = in.string();
        else if (key == "members") event.members = rows_of(in, argument_of);
        else in.skip();
    });
    require(event.name, "the name of an event");
    return event;
}

/// A member of a type that holds rows. False: `key` is none.
bool read_rows(ManifestType& type, std::string_view key, JsonReader& in) {
    if (key == "interfaces")
        type.interfaces = rows_of<TextPart>(in, [](JsonReader& from) -> TextPart { return from.string(); });
    else if (key == "properties") type.properties = rows_of(in, property_of);
    else if (key == "regions") type.regions = rows_of(in, region_of);
    else if (key == "wires") type.wires = rows_of(in, wire_of);
    else if (key == "versions") type.versions = rows_of(in, version_of);
    else if (key == "history") type.history = rows_of(in, history_of);
    else if (key == "options") type.options = rows_of(in, option_of);
    else if (key == "commands") type.commands = rows_of(in, command_of);
    else if (key == "events") type.events = rows_of(in, event_of);
    else return false;
    return true;
}

ManifestType type_of(JsonReader& in) {
    ManifestType type;
    in.object([&](std::string_view key) {
        if (key == "name") type.name = in.string();
        else if (key == "parent") type.parent = in.string();
        else if (key == "summary") type.summary = in.string();
        else if (key == "abstract") type.abstract = in.boolean();
        else if (key == "user_creatable") type.user_creatable = in.boolean();
        else if (key == "option") type.option = in.string();
        else if (key == "aliases") type.aliases = names_of(in);
        else if (key == "default") type.is_default = in.boolean();
        else if (key == "bus") type.bus = in.string();
        else if (key == "category") type.category = in.string();
        else if (key == "architecture") type.architecture = in.string();
        else if (key == "forwards") type.forwards = in.string();
        else if (key == "class_data") type.has_class_data = in.boolean();
        else if (!read_rows(type, key, in)) in.skip();
    });
    require(type.name, "the name of a type");
    return type;
}

}  // namespace

std::vector<std::string> ManifestType::option_names() const {
    std::vector<std::string> names{option_name()};
    names.insert(names.end(), aliases.begin(), aliases.end());
    for (const ManifestVersion& version : versions) {
        names.push_back(version_name(version));
        names.insert(names.end(), version.aliases.begin(), version.aliases.end());
    }
    return names;
}

std::vector<TextPart> split_alternatives(std::string_view text) {
    std::vector<TextPart> parts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t bar = std::min(text.find('|', at), text.size());
        parts.push_back(text.substr(at, bar - at));
        at = bar + 1;
    }
    return parts;
}

std::optional<PropertyKind> property_kind(std::string_view name) {
    for (unsigned kind = 0; kind <= unsigned(PropertyKind::Link); ++kind)
        if (name == manifest::kind_name(PropertyKind(kind))) return PropertyKind(kind);
    return std::nullopt;
}

bool parse_manifest(std::string_view json, Manifest& manifest, Errors& errors) {
    const auto fail = [&errors](const std::string& why) {
        errors.fail(why);
        return false;
    };
    if (json.size() > kMaximumText) return fail("its manifest is larger than 1 MiB");
    try {
        manifest = {};
        manifest.text.assign(json.begin(), json.end());
        JsonReader in(manifest.text);
        bool has_types = false;
        std::optional<std::uint64_t> major, minor;
        in.object([&](std::string_view key) {
            if (key == "plugin") manifest.plugin = in.string();
            else if (key == "version") manifest.version = in.string();
            else if (key == "vendor") manifest.vendor = in.string();
            else if (key == "sdk_major") major = in.number();
            else if (key == "sdk_minor") minor = in.number();
            else if (key == "build") manifest.build = in.string();
            else if (key == "compiler") manifest.compiler = in.string();
            else if (key == "types") manifest.types = rows_of(in, type_of), has_types = true;
            else in.skip();
        });
        in.end();
        if (manifest.plugin.empty()) return fail("its manifest names no plugin");
        if (!major || !minor) return fail("its manifest does not say for which SDK it was built");
        if (!has_types) return fail("its manifest has no types");
        manifest.sdk_major = *major;
        manifest.sdk_minor = *minor;
        return true;
    } catch (const JsonFault& fault) {
        return fail(std::string("its manifest is damaged: ") + fault.what());
    } catch (const std::invalid_argument& error) {
        return fail(error.what());
    }
}

}  // namespace backplane::kernel
