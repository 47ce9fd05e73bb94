// Manifests: what a plugin provides, read from its ELF note without loading it.
#pragma once

#include <backplane/type.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backplane::kernel {

/// A part of what a row was read from: of a manifest's text, or of what the core says of itself. It joins others as a
/// std::string does. A NUL stands behind whole texts.
class TextPart : public std::string_view {
  public:
    using std::string_view::string_view;
    TextPart(std::string_view part) : std::string_view(part) {}
    operator std::string() const { return std::string(data(), size()); }
    friend std::string operator+(std::string before, TextPart part) { return std::move(before += part); }
    friend std::string operator+(const char* before, TextPart part) { return std::string(before) + part; }
    friend std::string operator+(TextPart part, std::string_view after) {
        return std::string(part).append(after);
    }
};

struct ManifestProperty {
    TextPart name{};
    TextPart kind{};  ///< "bool", "int", "uint", "size", "str", "enum", "link"
    TextPart summary{};
    TextPart default_text{};
    bool has_default = false;
    TextPart choices{};
    std::uint64_t minimum = PropertyInfo{}.minimum;
    std::uint64_t maximum = PropertyInfo{}.maximum;
    bool required = false;
    bool settable_when_realized = false;
    bool read_only = false;
};

struct ManifestRegion {
    TextPart name{};
    TextPart summary{};
    std::uint64_t size = 0;  ///< bytes; 0: as properties say
    bool optional = false;
};

struct ManifestWire {
    TextPart name{};
    TextPart direction{};  ///< "output", "input"
    TextPart summary{};
    std::uint64_t count = 1;  ///< 0: as properties say
    bool optional = false;
};

/// A row of MachineVersion::deltas.
struct ManifestDelta {
    TextPart type{};
    TextPart property{};
    TextPart value{};
};

struct ManifestVersion {
    TextPart version{};
    TextPart release{};     ///< empty: the present
    TextPart deprecated{};  ///< why; empty: it is not
    std::vector<TextPart> aliases{};
    std::vector<ManifestDelta> deltas{};
};

struct ManifestHistoryRow {
    TextPart release{};
    TextPart property{};
    TextPart value{};
};

struct ManifestArgument {
    TextPart name{};
    ArgumentKind kind = ArgumentKind::Text;
    bool required = true;
    TextPart summary{};
    TextPart choices{};  ///< "a|b|c"
};

struct ManifestOption {
    TextPart name{};
    TextPart argument{};  ///< empty: it takes none
    TextPart summary{};
    TextPart group{};
    TextPart first_property{};
    TextPart fixed{};
    bool repeatable = false;
    bool verbatim = false;
};

struct ManifestCommand {
    TextPart name{};   ///< for programs; empty: for people only
    TextPart human{};  ///< for people, alternatives with '|' between; empty: for programs only
    TextPart summary{};
    std::vector<ManifestArgument> arguments{};
    TextPart returns{};     ///< empty: an empty object
    std::uint8_t when = 0;  ///< command_when
    std::vector<ManifestArgument> results{};
};

struct ManifestEvent {
    TextPart name{};
    TextPart summary{};
    std::vector<ManifestArgument> members{};
};

struct ManifestType {
    TextPart name{};
    TextPart parent{};
    TextPart summary{};
    bool abstract = false;
    bool user_creatable = false;
    TextPart option{};  ///< the name in its own option; empty: `name`
    std::vector<TextPart> aliases{};
    bool is_default = false;
    TextPart bus{};
    TextPart category{};
    TextPart architecture{};  ///< empty: its parent's
    TextPart forwards{};
    bool has_class_data = false;
    std::vector<TextPart> interfaces{};
    std::vector<ManifestProperty> properties{};
    std::vector<ManifestRegion> regions{};
    std::vector<ManifestWire> wires{};
    std::vector<ManifestVersion> versions{};  ///< machines: newest first
    std::vector<ManifestHistoryRow> history{};
    std::vector<ManifestOption> options{};
    std::vector<ManifestCommand> commands{};
    std::vector<ManifestEvent> events{};

    /// The name in its own option.
    TextPart option_name() const { return option.empty() ? name : option; }
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
    Manifest() = default;
    Manifest(Manifest&&) noexcept = default;
    Manifest& operator=(Manifest&&) noexcept = default;

    std::vector<char> text{};  ///< what all texts below are parts of
    TextPart plugin{};
    TextPart version{};
    TextPart vendor{};
    std::uint64_t sdk_major = 0;
    std::uint64_t sdk_minor = 0;
    bool draft = false;  ///< one of its files includes a draft header
    TextPart build{};
    TextPart compiler{};
    std::vector<ManifestType> types{};
};

/// As messages show a name.
inline std::string quote(std::string_view text) { return "'" + std::string(text) + "'"; }
/// "a|b|c", part by part.
std::vector<TextPart> split_alternatives(std::string_view text);
/// The kind that a manifest's word names; none where this host does not know it.
std::optional<PropertyKind> property_kind(std::string_view name);

/// Reads the manifest of a file. False and a reason that starts with what the file is ("not an ELF file",
/// "no manifest", …). Any bytes are safe.
bool read_manifest(const std::filesystem::path& file, Manifest& manifest, Errors& errors);
/// The same from a file's bytes, and from the note's JSON text (which does not say `draft`).
bool read_manifest(Bytes elf, Manifest& manifest, Errors& errors);
bool parse_manifest(std::string_view json, Manifest& manifest, Errors& errors);

}  // namespace backplane::kernel
