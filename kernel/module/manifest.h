// Manifests: what a plugin provides, read from its ELF note without loading it.
#pragma once

#include <backplane/type.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

struct ManifestProperty {
    std::string name{};
    std::string kind{};  ///< "bool", "int", "uint", "size", "str", "enum", "link"
    std::string summary{};
    std::string default_text{};
    bool has_default = false;
    std::string choices{};
    std::uint64_t minimum = PropertyInfo{}.minimum;
    std::uint64_t maximum = PropertyInfo{}.maximum;
    bool required = false;
    bool settable_when_realized = false;
    bool read_only = false;
};

struct ManifestRegion {
    std::string name{};
    std::string summary{};
    std::uint64_t size = 0;  ///< bytes; 0: as properties say
    bool optional = false;
};

struct ManifestWire {
    std::string name{};
    std::string direction{};  ///< "output", "input"
    std::string summary{};
    std::uint64_t count = 1;  ///< 0: as properties say
    bool optional = false;
};

/// A row of MachineVersion::deltas.
struct ManifestDelta {
    std::string type{};
    std::string property{};
    std::string value{};
};

struct ManifestVersion {
    std::string version{};
    std::string release{};     ///< empty: the present
    std::string deprecated{};  ///< why; empty: it is not
    std::vector<std::string> aliases{};
    std::vector<ManifestDelta> deltas{};
};

struct ManifestHistoryRow {
    std::string release{};
    std::string property{};
    std::string value{};
};

struct ManifestArgument {
    std::string name{};
    ArgumentKind kind = ArgumentKind::Text;
    bool required = true;
    std::string summary{};
    std::string choices{};  ///< "a|b|c"
};

struct ManifestOption {
    std::string name{};
    std::string argument{};  ///< empty: it takes none
    std::string summary{};
    std::string group{};
    std::string first_property{};
    std::string fixed{};
    bool repeatable = false;
    bool verbatim = false;
};

struct ManifestCommand {
    std::string name{};   ///< for programs; empty: for people only
    std::string human{};  ///< for people, alternatives with '|' between; empty: for programs only
    std::string summary{};
    std::vector<ManifestArgument> arguments{};
    std::string returns{};  ///< empty: an empty object
    std::uint8_t when = 0;  ///< command_when
    std::vector<ManifestArgument> results{};
};

struct ManifestEvent {
    std::string name{};
    std::string summary{};
    std::vector<ManifestArgument> members{};
};

struct ManifestType {
    std::string name{};
    std::string parent{};
    std::string summary{};
    bool abstract = false;
    bool user_creatable = false;
    std::string option{};  ///< the name in its own option; empty: `name`
    std::vector<std::string> aliases{};
    bool is_default = false;
    std::string bus{};
    std::string category{};
    std::string architecture{};  ///< empty: its parent's
    std::string forwards{};
    bool has_class_data = false;
    std::vector<std::string> interfaces{};
    std::vector<ManifestProperty> properties{};
    std::vector<ManifestRegion> regions{};
    std::vector<ManifestWire> wires{};
    std::vector<ManifestVersion> versions{};  ///< machines: newest first
    std::vector<ManifestHistoryRow> history{};
    std::vector<ManifestOption> options{};
    std::vector<ManifestCommand> commands{};
    std::vector<ManifestEvent> events{};

    /// The name in its own option.
    const std::string& option_name() const { return option.empty() ? name : option; }
    /// What users call one of `versions`, besides its aliases.
    std::string version_name(const ManifestVersion& version) const {
        return option_name() + "-" + version.version;
    }
    /// All that users call it: the name in its own option, those of its versions, and the aliases of both.
    std::vector<std::string> option_names() const;
    /// The type that stands for one of `versions`.
    std::string version_type(const ManifestVersion& version) const {
        return version_name(version) + "-machine";
    }
};

struct Manifest {
    std::string plugin{};
    std::string version{};
    std::string vendor{};
    std::uint64_t sdk_major = 0;
    std::uint64_t sdk_minor = 0;
    bool draft = false;  ///< one of its files includes a draft header
    std::string build{};
    std::string compiler{};
    std::vector<ManifestType> types{};
};

/// As messages show a name.
inline std::string quote(std::string_view text) { return "'" + std::string(text) + "'"; }
/// "a|b|c", part by part.
std::vector<std::string> split_alternatives(std::string_view text);
/// The kind that a manifest's word names; none where this host does not know it.
std::optional<PropertyKind> property_kind(std::string_view name);

/// Reads the manifest of a file. False and a reason that starts with what the file is ("not an ELF file",
/// "no manifest", …). Any bytes are safe.
bool read_manifest(const std::filesystem::path& file, Manifest& manifest, Errors& errors);
/// The same from a file's bytes, and from the note's JSON text (which does not say `draft`).
bool read_manifest(Bytes elf, Manifest& manifest, Errors& errors);
bool parse_manifest(std::string_view json, Manifest& manifest, Errors& errors);

}  // namespace backplane::kernel
