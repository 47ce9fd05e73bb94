// Detail of <backplane/plugin.h>: the manifest, JSON text that constexpr code writes from a plugin's own TypeInfo rows.
// Members that say what is the default anyway are left out.
#pragma once

#include <backplane/detail/note.h>
#include <backplane/module.h>
#if __has_include(<backplane/build_stamp.h>)
#    include <backplane/build_stamp.h>
#else
#    define BACKPLANE_BUILD_STAMP ""  // Headers that no build made fit the draft interfaces of no host.
#endif

namespace backplane::manifest {

/// A compile-time text buffer: counts when `Capacity` is 0, stores otherwise.
template <std::size_t Capacity>
struct Writer {
    std::array<char, Capacity == 0 ? 1 : Capacity> text{};
    std::size_t size = 0;
    constexpr void put(char c) {
        if constexpr (Capacity != 0) text[size] = c;
        ++size;
    }
    constexpr void raw(const char* s) {
        while (*s) put(*s++);
    }
    constexpr void quoted(const char* s) {
        put('"');
        for (; *s; ++s) {
            if (*s == '"' || *s == '\\') put('\\');
            put(static_cast<unsigned char>(*s) < 0x20 ? ' ' : *s);
        }
        put('"');
    }
    constexpr void key(const char* name) {
        if (!first_) put(',');
        first_ = false;
        quoted(name);
        put(':');
    }
    constexpr void text_member(const char* name, const char* value) {
        if (!value || !*value) return;
        key(name);
        quoted(value);
    }
    constexpr void flag_member(const char* name, bool value) {
        if (!value) return;
        key(name);
        raw("true");
    }
    constexpr void number_member(const char* name, std::uint64_t value) {
        key(name);
        char digits[20]{};
        int n = 0;
        do digits[n++] = char('0' + value % 10);
        while (value /= 10);
        while (n) put(digits[--n]);
    }
    constexpr void open(char bracket) {
        put(bracket);
        first_ = true;
    }
    constexpr void close(char bracket) {
        put(bracket);
        first_ = false;
    }
    constexpr void item() {
        if (!first_) put(',');
        first_ = false;
    }

  private:
    bool first_ = true;
};

constexpr const char* kind_name(PropertyKind kind) {
    switch (kind) {
    case PropertyKind::Bool: return "bool";
    case PropertyKind::Int: return "int";
    case PropertyKind::UInt: return "uint";
    case PropertyKind::Size: return "size";
    case PropertyKind::String: return "str";
    case PropertyKind::Enum: return "enum";
    case PropertyKind::Link: return "link";
    }
    return "?";
}

constexpr const char* kind_name(ArgumentKind kind) {
    switch (kind) {
    case ArgumentKind::Text: return "text";
    case ArgumentKind::Rest: return "rest";
    case ArgumentKind::Number: return "number";
    case ArgumentKind::Integer: return "integer";
    case ArgumentKind::Flag: return "flag";
    case ArgumentKind::Value: return "value";
    case ArgumentKind::Object: return "object";
    case ArgumentKind::Array: return "array";
    case ArgumentKind::Options: return "options";
    case ArgumentKind::Format: return "format";
    case ArgumentKind::Switch: return "switch";
    }
    return "?";
}

/// A member that is an array, with one call of `write` per row; nothing when there are no rows.
template <class W, class Rows, class Write>
constexpr void array_member(W& w, const char* name, const Rows& rows, Write write) {
    if (rows.empty()) return;
    w.key(name);
    w.open('[');
    for (const auto& row : rows) {
        w.item();
        write(w, row);
    }
    w.close(']');
}

template <class W>
constexpr void write_texts(W& w, const char* first, const char* second, const char* third) {
    w.open('[');
    for (const char* text : {first, second, third}) {
        w.item();
        w.quoted(text ? text : "");
    }
    w.close(']');
}

template <class W>
constexpr void write_property(W& w, const PropertyInfo& property) {
    w.open('{');
    w.text_member("name", property.name);
    w.text_member("kind", kind_name(property.kind));
    w.text_member("summary", property.summary);
    if (property.default_text) {
        w.key("default");
        w.quoted(property.default_text);
    }
    w.text_member("choices", property.choices);
    if (property.minimum != PropertyInfo{}.minimum) w.number_member("minimum", property.minimum);
    if (property.maximum != PropertyInfo{}.maximum) w.number_member("maximum", property.maximum);
    w.flag_member("required", property.required);
    w.flag_member("live", property.settable_when_realized);
    w.flag_member("read_only", !property.set);
    w.close('}');
}

constexpr const char* direction_name(WireDirection direction) {
    switch (direction) {
    case WireDirection::Output: return "output";
    case WireDirection::Input: return "input";
    }
    return "?";
}

template <class W>
constexpr void write_region(W& w, const RegionInfo& region) {
    w.open('{');
    w.text_member("name", region.name);
    w.text_member("summary", region.summary);
    if (region.size) w.number_member("size", region.size);
    w.flag_member("optional", region.optional);
    w.close('}');
}

template <class W>
constexpr void write_wire(W& w, const WireInfo& wire) {
    w.open('{');
    w.text_member("name", wire.name);
    w.text_member("direction", direction_name(wire.direction));
    w.text_member("summary", wire.summary);
    w.number_member("count", wire.count);
    w.flag_member("optional", wire.optional);
    w.close('}');
}

template <class W>
constexpr void write_version(W& w, const MachineVersion& version) {
    w.open('{');
    w.text_member("version", version.version);
    w.text_member("release", version.release);
    w.text_member("deprecated", version.deprecated);
    w.text_member("aliases", version.aliases);
    array_member(w, "deltas", version.deltas, [](W& to, const CompatProperty& row) {
        write_texts(to, row.type, row.property, row.value);
    });
    w.close('}');
}

template <class W>
constexpr void write_argument(W& w, const ArgumentInfo& argument) {
    w.open('{');
    w.text_member("name", argument.name);
    w.text_member("kind", kind_name(argument.kind));
    w.flag_member("optional", !argument.required);
    w.text_member("summary", argument.summary);
    w.text_member("choices", argument.choices);
    w.close('}');
}

template <class W>
constexpr void write_option(W& w, const OptionInfo& option) {
    w.open('{');
    w.text_member("name", option.name);
    w.text_member("argument", option.argument);
    w.text_member("summary", option.summary);
    w.text_member("group", option.group);
    w.text_member("first", option.first_property);
    w.text_member("fixed", option.fixed);
    w.flag_member("repeatable", option.repeatable);
    w.flag_member("verbatim", option.verbatim);
    w.close('}');
}

template <class W>
constexpr void write_command(W& w, const CommandInfo& command) {
    w.open('{');
    w.text_member("name", command.name);
    w.text_member("human", command.human);
    w.text_member("summary", command.summary);
    array_member(w, "arguments", command.arguments, write_argument<W>);
    w.text_member("returns", command.returns);
    w.number_member("when", command.when);
    array_member(w, "results", command.results, write_argument<W>);
    w.close('}');
}

template <class W>
constexpr void write_event(W& w, const EventInfo& event) {
    w.open('{');
    w.text_member("name", event.name);
    w.text_member("summary", event.summary);
    array_member(w, "members", event.members, write_argument<W>);
    w.close('}');
}

template <class W>
constexpr void write_type(W& w, const TypeInfo& type) {
    w.open('{');
    w.text_member("name", type.name);
    w.text_member("parent", type.parent);
    w.text_member("summary", type.summary);
    w.flag_member("abstract", type.abstract);
    w.flag_member("user_creatable", type.user_creatable);
    w.text_member("option", type.option_name);
    w.text_member("aliases", type.aliases);
    w.flag_member("default", type.is_default);
    w.text_member("bus", type.bus);
    w.text_member("category", type.category);
    w.text_member("architecture", type.architecture);
    w.text_member("forwards", type.forwards);
    w.flag_member("class_data", type.class_data);
    array_member(w, "interfaces", type.interfaces,
                 [](W& to, const InterfaceInfo& interface) { to.quoted(interface.id); });
    array_member(w, "properties", type.properties, write_property<W>);
    array_member(w, "regions", type.regions, write_region<W>);
    array_member(w, "wires", type.wires, write_wire<W>);
    array_member(w, "versions", type.versions, write_version<W>);
    array_member(w, "history", type.history,
                 [](W& to, const HistoryRow& row) { write_texts(to, row.release, row.property, row.value); });
    array_member(w, "options", type.options, write_option<W>);
    array_member(w, "commands", type.commands, write_command<W>);
    array_member(w, "events", type.events, write_event<W>);
    w.close('}');
}

struct Identity {
    const char* name;
    const char* version;
    const char* vendor;
};

template <class W>
constexpr void write_manifest(W& w, const Identity& identity, Slice<const TypeInfo> types) {
    w.open('{');
    w.text_member("plugin", identity.name);
    w.text_member("version", identity.version);
    w.text_member("vendor", identity.vendor);
    w.number_member("sdk_major", BACKPLANE_SDK_MAJOR);
    w.number_member("sdk_minor", BACKPLANE_SDK_TARGET_MINOR);
    w.text_member("build", BACKPLANE_BUILD_STAMP);
    w.text_member("compiler", __VERSION__);
    w.key("types");
    w.open('[');
    for (const TypeInfo& type : types) {
        w.item();
        write_type(w, type);
    }
    w.close(']');
    w.close('}');
}

template <const auto& Types, const Identity& Plugin>
constexpr auto manifest_note() {
    constexpr std::size_t size = [] {
        Writer<0> counter;
        write_manifest(counter, Plugin, {Types});
        return counter.size;
    }();
    Writer<size> writer;
    write_manifest(writer, Plugin, {Types});
    return make_note<size>(kManifestNote, writer.text);
}

template <const auto& Types>
bool register_all(TypeRegistry& registry, Errors& errors) {
    return registry.register_types(TypeTable(Types), errors);
}

}  // namespace backplane::manifest

#define BACKPLANE_PLUGIN_IMPLEMENTATION(plugin_name, plugin_version, plugin_vendor, types)                  \
    namespace {                                                                                             \
    constexpr backplane::manifest::Identity backplane_identity{plugin_name, plugin_version, plugin_vendor}; \
    [[gnu::section(".note.backplane"), gnu::used, gnu::aligned(4)]] constexpr auto backplane_note =         \
        backplane::manifest::manifest_note<types, backplane_identity>();                                    \
    constinit backplane::ModuleInitNode backplane_node{nullptr, backplane::ModuleInit::Qom,                 \
                                                       backplane::manifest::register_all<types>};           \
    }                                                                                                       \
    [[gnu::constructor]] static void backplane_queue() noexcept { backplane_module_queue(&backplane_node); }

#define BACKPLANE_TYPE_INIT_IMPLEMENTATION(function, init_phase)                                           \
    static constinit backplane::ModuleInitNode function##_node{nullptr, backplane::ModuleInit::init_phase, \
                                                               function};                                  \
    [[gnu::constructor]] static void function##_queue() noexcept { backplane_module_queue(&function##_node); }
