// The manifest reader: a bounds-checked walk through ELF64 program headers (System V ABI, "Program Loading") to the
// note, and its JSON text. Nothing of the file is trusted.
#include "kernel/module/manifest.h"

#include "kernel/module/json_reader.h"

#include <backplane/detail/manifest.h>
#include <backplane/text.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace backplane::kernel {
namespace {

constexpr std::size_t kMaximumText = 1 << 20;
constexpr std::size_t kMaximumNotes = 4 << 20;
const std::string_view kNoteName(manifest::kNoteName, 10);

bool fail(Errors& errors, const std::string& message) {
    errors.fail(message);
    return false;
}

/// A file's bytes, from memory or from a descriptor.
class ElfSource {
  public:
    virtual std::uint64_t size() const = 0;
    /// `length` bytes from `offset`, which lie inside; null when they cannot be read. Valid until the next call.
    virtual const std::uint8_t* bytes(std::uint64_t offset, std::uint64_t length) = 0;

    bool holds(std::uint64_t offset, std::uint64_t length) const {
        return offset <= size() && size() - offset >= length;
    }
    template <class T>
    bool fetch(std::uint64_t offset, T& value) {
        const std::uint8_t* found = holds(offset, sizeof value) ? bytes(offset, sizeof value) : nullptr;
        if (found) std::memcpy(&value, found, sizeof value);
        return found;
    }

  protected:
    ~ElfSource() = default;
};

class MemorySource final : public ElfSource {
  public:
    explicit MemorySource(Bytes all) : all_(all) {}
    std::uint64_t size() const override { return all_.size; }
    const std::uint8_t* bytes(std::uint64_t offset, std::uint64_t) override { return all_.data + offset; }

  private:
    Bytes all_;
};

/// Reads little more than what is asked for: of a large file a start wants the headers and the notes, which linkers put
/// at the beginning.
class FileSource final : public ElfSource {
  public:
    FileSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
    std::uint64_t size() const override { return size_; }
    const std::uint8_t* bytes(std::uint64_t offset, std::uint64_t length) override {
        if (offset < start_ || offset - start_ > window_.size() ||
            window_.size() - (offset - start_) < length) {
            window_.resize(std::size_t(std::min(std::max<std::uint64_t>(length, kWindow), size_ - offset)));
            start_ = offset;
            const ssize_t got = pread(fd_, window_.data(), window_.size(), off_t(offset));
            window_.resize(std::size_t(std::max<ssize_t>(got, 0)));
            if (window_.size() < length) return nullptr;
        }
        return window_.data() + (offset - start_);
    }

  private:
    static constexpr std::uint64_t kWindow = 8192;
    int fd_;
    std::uint64_t size_;
    std::uint64_t start_ = 0;
    std::vector<std::uint8_t> window_;
};

/// Copies a T out of `bytes`; false when it does not lie inside.
template <class T>
bool fetch(Bytes bytes, std::uint64_t offset, T& value) {
    if (offset > bytes.size || bytes.size - offset < sizeof(T)) return false;
    std::memcpy(&value, bytes.data + offset, sizeof(T));
    return true;
}

struct Notes {
    std::vector<std::string> manifests;
    bool draft = false;
};

/// Collects our notes of one note segment.
void collect_notes(Bytes segment, Notes& notes) {
    for (std::uint64_t at = 0;;) {
        Elf64_Nhdr header;
        if (!fetch(segment, at, header)) return;
        const std::uint64_t name = at + sizeof header;
        const std::uint64_t description = name + ((std::uint64_t{header.n_namesz} + 3) & ~std::uint64_t{3});
        const std::uint64_t end = description + ((std::uint64_t{header.n_descsz} + 3) & ~std::uint64_t{3});
        if (end > segment.size) return;
        const std::string_view found(reinterpret_cast<const char*>(segment.data + name), header.n_namesz);
        if (found == kNoteName && header.n_type == manifest::kManifestNote)
            notes.manifests.emplace_back(reinterpret_cast<const char*>(segment.data + description),
                                         header.n_descsz);
        notes.draft |= found == kNoteName && header.n_type == manifest::kDraftNote;
        at = end;
    }
}

/// Each element of the array that comes next, as `read` makes it.
template <class Row>
std::vector<Row> rows_of(JsonReader& in, Row (*read)(JsonReader&)) {
    std::vector<Row> rows;
    in.array([&] { rows.push_back(read(in)); });
    return rows;
}

std::vector<std::string> names_of(JsonReader& in) { return split_alternatives(in.string()); }

std::array<std::string, 3> three_texts(JsonReader& in) {
    std::array<std::string, 3> texts;
    std::size_t count = 0;
    in.array([&] {
        std::string text = in.string();
        if (count < texts.size()) texts[count] = std::move(text);
        ++count;
    });
    if (count < texts.size()) throw JsonFault("a row has fewer than three texts");
    return texts;
}

/// What bears no name is nothing.
void require(const std::string& value, const char* what) {
    if (value.empty()) throw JsonFault(std::string(what) + " is missing");
}

ArgumentKind argument_kind(const std::string& name) {
    for (unsigned kind = 0; kind <= unsigned(ArgumentKind::Format); ++kind)
        if (name == manifest::kind_name(ArgumentKind(kind))) return ArgumentKind(kind);
    throw std::invalid_argument("it has an argument of kind '" + name + "', which this host does not know");
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
    auto [type, property, value] = three_texts(in);
    return {std::move(type), std::move(property), std::move(value)};
}

ManifestHistoryRow history_of(JsonReader& in) {
    auto [release, property, value] = three_texts(in);
    return {std::move(release), std::move(property), std::move(value)};
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
    std::string kind;
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
        type.interfaces = rows_of<std::string>(in, [](JsonReader& from) { return from.string(); });
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
    try {
        JsonReader in(json);
        manifest = {};
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
        if (manifest.plugin.empty()) return fail(errors, "its manifest names no plugin");
        if (!major || !minor) return fail(errors, "its manifest does not say for which SDK it was built");
        if (!has_types) return fail(errors, "its manifest has no types");
        manifest.sdk_major = *major;
        manifest.sdk_minor = *minor;
        return true;
    } catch (const JsonFault& fault) {
        return fail(errors, std::string("its manifest is damaged: ") + fault.what());
    } catch (const std::invalid_argument& error) {
        return fail(errors, error.what());
    }
}

namespace {

bool read_manifest(ElfSource& elf, Manifest& manifest, Errors& errors) {
    Elf64_Ehdr header;
    if (!elf.fetch(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail(errors, "it is not an ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
        return fail(errors, "it was built for another kind of host than x86-64");
    if (header.e_type != ET_DYN) return fail(errors, "it is not a shared object");
    if (header.e_phentsize != sizeof(Elf64_Phdr)) return fail(errors, "its program headers are damaged");
    // Section headers stand at the end, and what is loaded before: a file that was cut short lacks part of either.
    if (!elf.holds(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize))
        return fail(errors, "it is truncated");
    Notes notes;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        if (!elf.fetch(header.e_phoff + std::uint64_t{i} * sizeof segment, segment) ||
            !elf.holds(segment.p_offset, segment.p_filesz))
            return fail(errors, "it is truncated");
        if (segment.p_type != PT_NOTE) continue;
        if (segment.p_filesz > kMaximumNotes) return fail(errors, "its notes are larger than 4 MiB");
        const std::uint8_t* bytes = elf.bytes(segment.p_offset, segment.p_filesz);
        if (!bytes) return fail(errors, "its notes cannot be read");
        collect_notes(Bytes(bytes, std::size_t(segment.p_filesz)), notes);
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

}  // namespace

bool read_manifest(Bytes elf, Manifest& manifest, Errors& errors) {
    MemorySource source(elf);
    return read_manifest(source, manifest, errors);
}

bool read_manifest(const std::filesystem::path& file, Manifest& manifest, Errors& errors) {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail(errors, std::string("it cannot be read: ") + std::strerror(errno));
    struct stat status {};
    const bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    FileSource source(fd, regular ? std::uint64_t(status.st_size) : 0);
    const bool ok = read_manifest(source, manifest, errors);
    close(fd);
    return ok;
}

}  // namespace backplane::kernel
