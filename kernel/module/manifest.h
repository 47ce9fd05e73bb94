// Manifests: what a plugin provides, read from its ELF note without loading it.
#pragma once

#include <backplane/type.h>

#include <filesystem>
#include <string>
#include <vector>

namespace backplane::kernel {

struct ManifestProperty {
    std::string name;
    std::string kind;  ///< "bool", "int", "uint", "size", "str", "enum", "link"
    std::string summary;
    std::string default_text;
    bool has_default = false;
    std::string choices;
    bool required = false;
};

struct ManifestType {
    std::string name;
    std::string parent;
    std::string summary;
    bool abstract = false;
    bool user_creatable = false;
    std::string option;  ///< the name in its own option; empty: `name`
    std::vector<std::string> aliases;
    bool is_default = false;
    std::string bus;
    std::string category;
    std::string forwards;
    std::vector<std::string> interfaces;
    std::vector<ManifestProperty> properties;
    std::vector<std::string> versions;  ///< machines: newest first
};

struct Manifest {
    std::string plugin;
    std::string version;
    std::string vendor;
    std::uint64_t sdk_major = 0;
    std::uint64_t sdk_minor = 0;
    bool draft = false;
    std::string build;
    std::string compiler;
    std::vector<ManifestType> types;
};

/// Reads the manifest of a file. False and a reason that starts with what the file is ("not an ELF file",
/// "no manifest", …). Any bytes are safe.
bool read_manifest(const std::filesystem::path& file, Manifest& manifest, Errors& errors);
/// The same from a file's bytes, and from the note's JSON text.
bool read_manifest(Bytes elf, Manifest& manifest, Errors& errors);
bool parse_manifest(std::string_view json, Manifest& manifest, Errors& errors);

}  // namespace backplane::kernel
