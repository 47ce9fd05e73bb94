#include "kernel/memory/ram_storage.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

bool refuse(Errors& errors, std::uint64_t size, const char* what) {
    errors.fail("no memory for " + std::to_string(size) + " bytes of guest RAM: " + what + ": " +
                std::strerror(errno));
    return false;
}

}  // namespace

bool RamContents::make(std::string_view name, std::uint64_t size, Errors& errors) {
    RamContents made;
    made.descriptor_ = memfd_create(("backplane:" + std::string(name.substr(0, 200))).c_str(), MFD_CLOEXEC);
    if (made.descriptor_ < 0) return refuse(errors, size, "memfd_create");
    if (ftruncate(made.descriptor_, off_t(size)) != 0) return refuse(errors, size, "ftruncate");
    void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, made.descriptor_, 0);
    if (data == MAP_FAILED) return refuse(errors, size, "mmap");
    made.data_ = static_cast<std::uint8_t*>(data);
    made.size_ = size;
    swap(made);
    return true;
}

bool RamContents::map(int file, std::uint64_t offset, std::uint64_t size, Errors& errors) {
    void* data =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, off_t(offset));
    if (data == MAP_FAILED) return refuse(errors, size, "mmap");
    RamContents mapped;
    mapped.data_ = static_cast<std::uint8_t*>(data);
    mapped.size_ = size;
    swap(mapped);
    return true;
}

void RamContents::swap(RamContents& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(descriptor_, other.descriptor_);
}

RamContents::~RamContents() {
    if (data_) munmap(data_, size_);
    if (descriptor_ >= 0) close(descriptor_);
}

bool RamStorage::exchange(RamContents& contents, Errors& errors) {
    if (contents.size_ != block_.size) {
        errors.fail("'" + block_.name + "' has " + std::to_string(block_.size) +
                    " bytes, and its new contents " + std::to_string(contents.size_));
        return false;
    }
    if (!(own_ ? exchange_mappings(contents, errors) : exchange_bytes(contents, errors))) return false;
    stored(0, block_.size);
    return true;
}

/// Nothing is read or copied, and what each side held stays as it was. The block's place in the address space is taken at
/// every moment: where it was free, another thread's mapping could come to lie there, and be written over.
bool RamStorage::exchange_mappings(RamContents& contents, Errors& errors) {
    const std::uint64_t size = block_.size;
    constexpr int kMove = MREMAP_MAYMOVE | MREMAP_FIXED;
    void* parked = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (parked == MAP_FAILED) return refuse(errors, size, "mmap");
    if (mremap(block_.host, size, size, kMove | MREMAP_DONTUNMAP, parked) == MAP_FAILED) {
        const bool refused = refuse(errors, size, "mremap");
        munmap(parked, size);
        return refused;
    }
    if (mremap(contents.data_, size, size, kMove, block_.host) == MAP_FAILED) {
        const bool refused = refuse(errors, size, "mremap");
        // It came from there a moment ago.
        if (mremap(parked, size, size, kMove, block_.host) == MAP_FAILED) std::abort();
        return refused;
    }
    contents.data_ = static_cast<std::uint8_t*>(parked);
    std::swap(contents.descriptor_, block_.fd);
    block_.shared = block_.fd >= 0;
    if (size >= kHugePage) madvise(block_.host, size, MADV_HUGEPAGE);
    return true;
}

bool RamStorage::exchange_bytes(RamContents& contents, Errors& errors) {
    if (!read_only_) {
        std::swap_ranges(block_.host, block_.host + block_.size, contents.data_);
        return true;
    }
    if (std::memcmp(block_.host, contents.data_, block_.size) == 0) return true;
    errors.fail("'" + block_.name + "' cannot be written to, and holds other bytes than were saved");
    return false;
}

}  // namespace backplane::kernel
