// What makes a shared object a plugin: its types, a constructor that queues their registration, and a manifest
// in an ELF note from which the host lists and resolves names without loading the file.
//
//   constexpr backplane::TypeInfo kTypes[] = {…};
//   BACKPLANE_PLUGIN("acme-blinker", "1.0", "Acme Ltd", kTypes)
//
// The manifest is JSON text that constexpr code writes from the same TypeInfo data (section ".note.backplane",
// name "Backplane", type 1).
#pragma once

#include <backplane/module.h>
#if __has_include(<backplane/build_stamp.h>)
#    include <backplane/build_stamp.h>
#else
#    define BACKPLANE_BUILD_STAMP ""  // Headers that no build made fit the draft interfaces of no host.
#endif

#include <array>

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

template <class W>
constexpr void write_property(W& w, const PropertyInfo& property) {
    w.item();
    w.open('{');
    w.text_member("name", property.name);
    w.text_member("kind", kind_name(property.kind));
    w.text_member("summary", property.summary);
    if (property.default_text) {
        w.key("default");
        w.quoted(property.default_text);
    }
    w.text_member("choices", property.choices);
    w.flag_member("required", property.required);
    w.close('}');
}

template <class W>
constexpr void write_type(W& w, const TypeInfo& type) {
    w.item();
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
    w.text_member("forwards", type.forwards);
    if (!type.interfaces.empty()) {
        w.key("interfaces");
        w.open('[');
        for (const InterfaceInfo& interface : type.interfaces) {
            w.item();
            w.quoted(interface.id);
        }
        w.close(']');
    }
    if (!type.properties.empty()) {
        w.key("properties");
        w.open('[');
        for (const PropertyInfo& property : type.properties) write_property(w, property);
        w.close(']');
    }
    if (!type.versions.empty()) {
        w.key("versions");
        w.open('[');
        for (const MachineVersion& version : type.versions) {
            w.item();
            w.quoted(version.version);
        }
        w.close(']');
    }
    w.close('}');
}

struct Identity {
    const char* name;
    const char* version;
    const char* vendor;
    bool draft;  ///< uses draft interfaces: loads into the very build that it was made with only
};

template <class W>
constexpr void write_manifest(W& w, const Identity& identity, Slice<const TypeInfo> types) {
    w.open('{');
    w.text_member("plugin", identity.name);
    w.text_member("version", identity.version);
    w.text_member("vendor", identity.vendor);
    w.number_member("sdk_major", BACKPLANE_SDK_MAJOR);
    w.number_member("sdk_minor", BACKPLANE_SDK_MINOR);
    w.flag_member("draft", identity.draft);
    w.text_member("build", BACKPLANE_BUILD_STAMP);
    w.text_member("compiler", __VERSION__);
    w.key("types");
    w.open('[');
    for (const TypeInfo& type : types) write_type(w, type);
    w.close(']');
    w.close('}');
}

inline constexpr char kNoteName[12] = "Backplane";  // padded to a multiple of four
inline constexpr std::uint32_t kNoteType = 1;

/// An ELF note (System V ABI, "Note Section") that holds the manifest.
template <std::size_t Size>
struct Note {
    std::uint32_t name_size = 10;
    std::uint32_t description_size = Size;
    std::uint32_t type = kNoteType;
    char name[12]{};
    char description[(Size + 3) / 4 * 4]{};
};

template <const auto& Types, const Identity& Plugin>
constexpr auto make_note() {
    constexpr std::size_t size = [] {
        Writer<0> counter;
        write_manifest(counter, Plugin, {Types});
        return counter.size;
    }();
    Writer<size> writer;
    write_manifest(writer, Plugin, {Types});
    Note<size> note;
    for (std::size_t i = 0; i < sizeof kNoteName; ++i) note.name[i] = kNoteName[i];
    for (std::size_t i = 0; i < size; ++i) note.description[i] = writer.text[i];
    return note;
}

template <const auto& Types>
bool register_all(TypeRegistry& registry, Errors& errors) {
    return registry.register_types(TypeTable(Types), errors);
}

}  // namespace backplane::manifest

#define BACKPLANE_PLUGIN_IMPLEMENTATION(plugin_name, plugin_version, plugin_vendor, is_draft, types)       \
    namespace {                                                                                            \
    constexpr backplane::manifest::Identity backplane_identity{plugin_name, plugin_version, plugin_vendor, \
                                                               is_draft};                                  \
    [[gnu::section(".note.backplane"), gnu::used, gnu::aligned(4)]] constexpr auto backplane_note =        \
        backplane::manifest::make_note<types, backplane_identity>();                                       \
    constinit backplane::ModuleInitNode backplane_node{nullptr, backplane::ModuleInit::Qom,                \
                                                       backplane::manifest::register_all<types>};          \
    }                                                                                                      \
    [[gnu::constructor]] static void backplane_queue() noexcept { backplane_module_queue(&backplane_node); }

/// Declares the plugin of this shared object. `types` names a constexpr array of TypeInfo. Once per shared object.
#define BACKPLANE_PLUGIN(plugin_name, plugin_version, plugin_vendor, types) \
    BACKPLANE_PLUGIN_IMPLEMENTATION(plugin_name, plugin_version, plugin_vendor, false, types)

/// The same for a plugin that uses <backplane/draft/…>: it needs the exact host build.
#define BACKPLANE_DRAFT_PLUGIN(plugin_name, plugin_version, plugin_vendor, types) \
    BACKPLANE_PLUGIN_IMPLEMENTATION(plugin_name, plugin_version, plugin_vendor, true, types)

/// Queues one more initialiser of a plugin, for what constant data cannot say.
#define BACKPLANE_TYPE_INIT(function, init_phase)                                                          \
    static constinit backplane::ModuleInitNode function##_node{nullptr, backplane::ModuleInit::init_phase, \
                                                               function};                                  \
    [[gnu::constructor]] static void function##_queue() noexcept { backplane_module_queue(&function##_node); }
