// The manifest reader: a bounds-checked walk through ELF64 section headers (System V ABI, "Object Files") to the
// note, and its JSON text. Nothing of the file is trusted.
#include "kernel/module/manifest.h"

#include <nlohmann/json.hpp>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace backplane::kernel {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaximumText = 1 << 20;
constexpr int kMaximumDepth = 8;
constexpr std::string_view kNoteName{"Backplane\0", 10};
constexpr std::uint32_t kNoteType = 1;

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

/// The description of our note in one note section, if it is there.
bool find_note(Bytes section, std::string_view& text) {
    for (std::uint64_t at = 0;;) {
        Elf64_Nhdr header;
        if (!fetch(section, at, header)) return false;
        const std::uint64_t name = at + sizeof header;
        const std::uint64_t description = name + ((std::uint64_t{header.n_namesz} + 3) & ~std::uint64_t{3});
        const std::uint64_t end = description + ((std::uint64_t{header.n_descsz} + 3) & ~std::uint64_t{3});
        if (end > section.size) return false;
        const std::string_view found(reinterpret_cast<const char*>(section.data + name), header.n_namesz);
        if (header.n_type == kNoteType && found == kNoteName) {
            text = {reinterpret_cast<const char*>(section.data + description), header.n_descsz};
            return true;
        }
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

std::vector<std::string> texts_of(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it == object.end() ? std::vector<std::string>() : it->get<std::vector<std::string>>();
}

ManifestProperty property_of(const Json& json) {
    ManifestProperty property;
    property.name = json.at("name").get<std::string>();
    property.kind = json.at("kind").get<std::string>();
    property.summary = text_of(json, "summary");
    property.has_default = json.contains("default");
    property.default_text = text_of(json, "default");
    property.choices = text_of(json, "choices");
    property.required = flag_of(json, "required");
    return property;
}

ManifestType type_of(const Json& json) {
    ManifestType type;
    type.name = json.at("name").get<std::string>();
    type.parent = json.at("parent").get<std::string>();
    type.summary = text_of(json, "summary");
    type.abstract = flag_of(json, "abstract");
    type.user_creatable = flag_of(json, "user_creatable");
    type.option = text_of(json, "option");
    type.is_default = flag_of(json, "default");
    type.bus = text_of(json, "bus");
    type.category = text_of(json, "category");
    type.forwards = text_of(json, "forwards");
    type.interfaces = texts_of(json, "interfaces");
    type.versions = texts_of(json, "versions");
    const std::string aliases = text_of(json, "aliases");
    for (std::size_t at = 0; at < aliases.size();) {
        const std::size_t bar = std::min(aliases.find('|', at), aliases.size());
        type.aliases.push_back(aliases.substr(at, bar - at));
        at = bar + 1;
    }
    if (const auto it = json.find("properties"); it != json.end())
        for (const Json& property : *it) type.properties.push_back(property_of(property));
    return type;
}

}  // namespace

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
        manifest.draft = flag_of(root, "draft");
        manifest.build = text_of(root, "build");
        manifest.compiler = text_of(root, "compiler");
        for (const Json& type : root.at("types")) manifest.types.push_back(type_of(type));
        if (manifest.plugin.empty()) return fail(errors, "its manifest names no plugin");
        return true;
    } catch (const Json::exception& error) {
        return fail(errors, std::string("its manifest is damaged: ") + error.what());
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
    for (unsigned i = 0; i < header.e_shnum; ++i) {
        Elf64_Shdr section;
        if (!fetch(elf, header.e_shoff + std::uint64_t{i} * sizeof section, section))
            return fail(errors, "it is truncated");
        Bytes bytes;
        std::string_view text;
        if (section.sh_type != SHT_NOTE) continue;
        if (!section_bytes(elf, section.sh_offset, section.sh_size, bytes))
            return fail(errors, "it is truncated");
        if (find_note(bytes, text)) return parse_manifest(text, manifest, errors);
    }
    return fail(errors, "it carries no manifest: it is no Backplane plugin");
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
