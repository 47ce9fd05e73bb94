// Where a file has its manifest: a bounds-checked walk through ELF64 program headers (System V ABI, "Program Loading") to
// the notes. Nothing of the file is trusted.
#include "kernel/module/manifest.h"

#include <backplane/detail/manifest.h>
#include <backplane/text.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace backplane::kernel {
namespace {

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
        if (offset < start_ || offset - start_ > length_ || length_ - (offset - start_) < length) {
            const auto wanted =
                std::size_t(std::min(std::max<std::uint64_t>(length, kWindow), size_ - offset));
            if (wanted > room_) window_ = std::make_unique_for_overwrite<std::uint8_t[]>(room_ = wanted);
            start_ = offset;
            length_ = std::size_t(std::max<ssize_t>(pread(fd_, window_.get(), wanted, off_t(offset)), 0));
            if (length_ < length) return nullptr;
        }
        return window_.get() + (offset - start_);
    }

  private:
    static constexpr std::uint64_t kWindow = 8192;
    int fd_;
    std::uint64_t size_;
    std::uint64_t start_ = 0;
    std::size_t length_ = 0, room_ = 0;  ///< of the window: what was read, and what it can hold
    std::unique_ptr<std::uint8_t[]> window_;
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
    return fail(errors, "it declares two plugins, " + quote(manifest.plugin) + " and " +
                            quote(named ? second.plugin : "?") +
                            "; a shared object is one: keep one BACKPLANE_PLUGIN, with the types of both");
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
