// Contents that a block of RAM may be given as a whole: memory of the host beside the block's own, until it is
// exchanged with that.
#pragma once

#include <backplane/abi.h>

#include <string_view>

namespace backplane::kernel {

class RamContents {
  public:
    /// Zeros of `size` bytes (whole pages), in a memfd of its own.
    bool make(std::string_view name, std::uint64_t size, Errors& errors);
    /// `size` bytes of a regular file at `offset` (both whole pages), read when they are first used. What is written
    /// stays here. The file may be closed and removed afterwards; who cuts it short ends the process (SIGBUS, with a
    /// message that names the file).
    bool map(int file, std::uint64_t offset, std::uint64_t size, Errors& errors);

    RamContents() = default;
    RamContents(RamContents&& other) noexcept { swap(other); }
    RamContents& operator=(RamContents&& other) noexcept {
        swap(other);
        return *this;
    }
    RamContents(const RamContents&) = delete;
    RamContents& operator=(const RamContents&) = delete;
    ~RamContents();

    MutableBytes bytes() const { return {data_, std::size_t(size_)}; }
    /// The memfd, which holds what the memory holds; -1 for a file's bytes, which do not.
    int descriptor() const { return descriptor_; }

  private:
    friend class RamStorage;
    void swap(RamContents& other) noexcept;
    std::uint8_t* data_ = nullptr;
    std::uint64_t size_ = 0;
    int descriptor_ = -1;
};

}  // namespace backplane::kernel
