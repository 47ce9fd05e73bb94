// The manifest reader: a bounds-checked walk through ELF64 section headers (System V ABI, "Object Files") to the
// note, and its JSON text. Nothing of the file is trusted.
#include "kernel/module/manifest.h"

#include <backplane/detail/manifest.h>
#include <backplane/text.h>

#include <nlohmann/json.hpp>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace backplane::kernel {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaximumText = 1 << 20;
constexpr int kMaximumDepth = 8;
const std::string_view kNoteName(manifest::kNoteName, 10);

bool fail(Errors& errors, const std::string& message) {
    errors.fail(message);
    return false;
}

/// Copies a T out of `bytes`; false when it does not lie inside.
template <class T>
bool fetch(Bytes bytes, std::uint64_t offset, T& value) {
    if (offset > bytes.size || bytes.size - offset < sizeof(T)) return false;
    std::memcpy(&value, bytes.data + offset, sizeof(T));
    return true;
}

bool section_bytes(Bytes elf, std::uint64_t offset, std::uint64_t size, Bytes& section) {
    if (offset > elf.size || elf.size - offset < size) return false;
    section = {elf.data + offset, std::size_t(size)};
    return true;
}

struct Notes {
    std::vector<std::string_view> manifests;
    bool draft = false;
};

/// Collects our notes of one note section.
void collect_notes(Bytes section, Notes& notes) {
    for (std::uint64_t at = 0;;) {
        Elf64_Nhdr header;
        if (!fetch(section, at, header)) return;
        const std::uint64_t name = at + sizeof header;
        const std::uint64_t description = name + ((std::uint64_t{header.n_namesz} + 3) & ~std::uint64_t{3});
        const std::uint64_t end = description + ((std::uint64_t{header.n_descsz} + 3) & ~std::uint64_t{3});
        if (end > section.size) return;
        const std::string_view found(reinterpret_cast<const char*>(section.data + name), header.n_namesz);
        if (found == kNoteName && header.n_type == manifest::kManifestNote)
            notes.manifests.emplace_back(reinterpret_cast<const char*>(section.data + description),
                                         header.n_descsz);
        notes.draft |= found == kNoteName && header.n_type == manifest::kDraftNote;
        at = end;
    }
}

/// Nesting outside of strings; a parser that recurses is safe below kMaximumDepth.
bool too_deep(std::string_view json) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (quoted) {
            if (c == '\\') ++i;
            else if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaximumDepth) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

std::string text_of(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it == object.end() ? std::string() : it->get<std::string>();
}

bool flag_of(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->get<bool>();
}

std::uint64_t number_of(const Json& object, const char* key, std::uint64_t otherwise) {
    const auto it = object.find(key);
    return it == object.end() ? otherwise : it->get<std::uint64_t>();
}

std::vector<std::string> names_of(const Json& object, const char* key) {
    return split_alternatives(text_of(object, key));
}

/// Each element of an array member, as `read` makes it.
template <class Row>
std::vector<Row> rows_of(const Json& object, const char* key, Row (*read)(const Json&)) {
    std::vector<Row> rows;
    const auto it = object.find(key);
    if (it != object.end())
        for (const Json& row : it->get_ref<const Json::array_t&>()) rows.push_back(read(row));
    return rows;
}

ArgumentKind argument_kind(const std::string& name) {
    for (unsigned kind = 0; kind <= unsigned(ArgumentKind::Format); ++kind)
        if (name == manifest::kind_name(ArgumentKind(kind))) return ArgumentKind(kind);
    throw std::invalid_argument("it has an argument of kind '" + name + "', which this host does not know");
}

ManifestProperty property_of(const Json& json) {
    ManifestProperty property;
    property.name = json.at("name").get<std::string>();
    property.kind = json.at("kind").get<std::string>();
    property.summary = text_of(json, "summary");
    property.has_default = json.contains("default");
    property.default_text = text_of(json, "default");
    property.choices = text_of(json, "choices");
    property.minimum = number_of(json, "minimum", property.minimum);
    property.maximum = number_of(json, "maximum", property.maximum);
    property.required = flag_of(json, "required");
    property.settable_when_realized = flag_of(json, "live");
    property.read_only = flag_of(json, "read_only");
    return property;
}

ManifestVersion version_of(const Json& json) {
    return {json.at("version").get<std::string>(), text_of(json, "release"), text_of(json, "deprecated"),
            names_of(json, "aliases"), rows_of<ManifestDelta>(json, "deltas", [](const Json& row) {
                return ManifestDelta{row.at(0).get<std::string>(), row.at(1).get<std::string>(),
                                     row.at(2).get<std::string>()};
            })};
}

ManifestArgument argument_of(const Json& json) {
    return {json.at("name").get<std::string>(), argument_kind(json.at("kind").get<std::string>()),
            !flag_of(json, "optional"), text_of(json, "summary"), text_of(json, "choices")};
}

ManifestOption option_of(const Json& json) {
    return {json.at("name").get<std::string>(),
            text_of(json, "argument"),
            text_of(json, "summary"),
            text_of(json, "group"),
            text_of(json, "first"),
            text_of(json, "fixed"),
            flag_of(json, "repeatable"),
            flag_of(json, "verbatim")};
}

ManifestCommand command_of(const Json& json) {
    return {text_of(json, "name"),
            text_of(json, "human"),
            text_of(json, "summary"),
            rows_of(json, "arguments", argument_of),
            text_of(json, "returns"),
            std::uint8_t(number_of(json, "when", 0)),
            rows_of(json, "results", argument_of)};
}

ManifestType type_of(const Json& json) {
    ManifestType type;
    type.name = json.at("name").get<std::string>();
    type.parent = json.at("parent").get<std::string>();
    type.summary = text_of(json, "summary");
    type.abstract = flag_of(json, "abstract");
    type.user_creatable = flag_of(json, "user_creatable");
    type.option = text_of(json, "option");
    type.aliases = names_of(json, "aliases");
    type.is_default = flag_of(json, "default");
    type.bus = text_of(json, "bus");
    type.category = text_of(json, "category");
    type.forwards = text_of(json, "forwards");
    type.has_class_data = flag_of(json, "class_data");
    type.interfaces =
        rows_of<std::string>(json, "interfaces", [](const Json& id) { return id.get<std::string>(); });
    type.properties = rows_of(json, "properties", property_of);
    type.regions = rows_of<ManifestRegion>(json, "regions", [](const Json& row) {
        return ManifestRegion{row.at("name").get<std::string>(), text_of(row, "summary"),
                              number_of(row, "size", 0), flag_of(row, "optional")};
    });
    type.wires = rows_of<ManifestWire>(json, "wires", [](const Json& row) {
        return ManifestWire{text_of(row, "name"), row.at("direction").get<std::string>(),
                            text_of(row, "summary"), number_of(row, "count", 1), flag_of(row, "optional")};
    });
    type.versions = rows_of(json, "versions", version_of);
    type.history = rows_of<ManifestHistoryRow>(json, "history", [](const Json& row) {
        return ManifestHistoryRow{row.at(0).get<std::string>(), row.at(1).get<std::string>(),
                                  row.at(2).get<std::string>()};
    });
    type.options = rows_of(json, "options", option_of);
    type.commands = rows_of(json, "commands", command_of);
    type.events = rows_of<ManifestEvent>(json, "events", [](const Json& event) {
        return ManifestEvent{event.at("name").get<std::string>(), text_of(event, "summary"),
                             rows_of(event, "members", argument_of)};
    });
    return type;
}

}  // namespace

std::vector<std::string> split_alternatives(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t bar = std::min(text.find('|', at), text.size());
        parts.emplace_back(text.substr(at, bar - at));
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
    if (json.size() > kMaximumText) return fail(errors, "its manifest is larger than 1 MiB");
    if (too_deep(json)) return fail(errors, "its manifest nests deeper than a manifest does");
    try {
        const Json root = Json::parse(json);
        manifest = {};
        manifest.plugin = root.at("plugin").get<std::string>();
        manifest.version = text_of(root, "version");
        manifest.vendor = text_of(root, "vendor");
        manifest.sdk_major = root.at("sdk_major").get<std::uint64_t>();
        manifest.sdk_minor = root.at("sdk_minor").get<std::uint64_t>();
        manifest.build = text_of(root, "build");
        manifest.compiler = text_of(root, "compiler");
        for (const Json& type : root.at("types").get_ref<const Json::array_t&>())
            manifest.types.push_back(type_of(type));
        if (manifest.plugin.empty()) return fail(errors, "its manifest names no plugin");
        return true;
    } catch (const Json::exception& error) {
        return fail(errors, std::string("its manifest is damaged: ") + error.what());
    } catch (const std::invalid_argument& error) {
        return fail(errors, error.what());
    }
}

bool read_manifest(Bytes elf, Manifest& manifest, Errors& errors) {
    Elf64_Ehdr header;
    if (!fetch(elf, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail(errors, "it is not an ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
        return fail(errors, "it was built for another kind of host than x86-64");
    if (header.e_type != ET_DYN) return fail(errors, "it is not a shared object");
    if (header.e_shentsize != sizeof(Elf64_Shdr)) return fail(errors, "its section headers are damaged");
    // The table stands at the end: a file that was cut short lacks part of it, wherever the note is.
    if (Bytes table; !section_bytes(elf, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr), table))
        return fail(errors, "it is truncated");
    Notes notes;
    for (unsigned i = 0; i < header.e_shnum; ++i) {
        Elf64_Shdr section;
        if (!fetch(elf, header.e_shoff + std::uint64_t{i} * sizeof section, section))
            return fail(errors, "it is truncated");
        Bytes bytes;
        if (section.sh_type != SHT_NOTE) continue;
        if (!section_bytes(elf, section.sh_offset, section.sh_size, bytes))
            return fail(errors, "it is truncated");
        collect_notes(bytes, notes);
    }
    if (notes.manifests.empty()) return fail(errors, "it carries no manifest: it is no Backplane plugin");
    if (!parse_manifest(notes.manifests.front(), manifest, errors)) return false;
    manifest.draft = notes.draft;
    if (notes.manifests.size() == 1) return true;
    Manifest second;
    IgnoredErrors ignored;
    const bool named = parse_manifest(notes.manifests[1], second, ignored);
    return fail(errors, "it declares two plugins, '" + manifest.plugin + "' and '" +
                            (named ? second.plugin : "?") +
                            "'; a shared object is one: keep one BACKPLANE_PLUGIN, with the types of both");
}

bool read_manifest(const std::filesystem::path& file, Manifest& manifest, Errors& errors) {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail(errors, std::string("it cannot be read: ") + std::strerror(errno));
    struct stat status {};
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        close(fd);
        return fail(errors, "it is not an ELF file");
    }
    // Headers and notes only are touched: a map reads a few pages of a large file. A plugin is replaced by
    // renaming; one that is truncated in place while it is read would be lost anyway when it is loaded.
    const std::size_t size = std::size_t(status.st_size);
    void* map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED) return fail(errors, std::string("it cannot be read: ") + std::strerror(errno));
    const bool ok = read_manifest(Bytes(static_cast<const std::uint8_t*>(map), size), manifest, errors);
    munmap(map, size);
    return ok;
}

}  // namespace backplane::kernel
