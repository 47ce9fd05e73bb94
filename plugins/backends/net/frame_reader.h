// Cuts a stream into frames: each stands behind its length, 4 bytes in network order.
#pragma once

#include <backplane/abi.h>

#include <cstring>
#include <vector>

namespace backplane::net {

class FrameReader {
  public:
    static constexpr std::size_t kLargest = 0x10000 + 0x100;

    /// Where up to `size` bytes of input go; added() says how many came.
    std::uint8_t* room(std::size_t size) {
        if (first_ > 0) {
            bytes_.erase(bytes_.begin(), bytes_.begin() + std::ptrdiff_t(first_));
            first_ = 0;
        }
        used_ = bytes_.size();
        bytes_.resize(used_ + size);
        return bytes_.data() + used_;
    }
    void added(std::size_t count) { bytes_.resize(used_ + count); }
    /// The frame that is whole and next; empty when there is none.
    Bytes frame() const {
        const std::size_t length = next_length();
        if (bytes_.size() - first_ < kHeader || bytes_.size() - first_ - kHeader < length) return {};
        return {bytes_.data() + first_ + kHeader, length};
    }
    /// It was taken.
    void next() { first_ += kHeader + next_length(); }
    /// The other end does not speak this: no frame is so long, or none at all.
    bool broken() const {
        return bytes_.size() - first_ >= kHeader && (next_length() > kLargest || next_length() == 0);
    }
    void reset() {
        bytes_.clear();
        first_ = 0;
    }

    static constexpr std::size_t kHeader = 4;

  private:
    std::size_t next_length() const {
        if (bytes_.size() - first_ < kHeader) return 0;
        const std::uint8_t* at = bytes_.data() + first_;
        return std::size_t(at[0]) << 24 | std::size_t(at[1]) << 16 | std::size_t(at[2]) << 8 | at[3];
    }
    std::vector<std::uint8_t> bytes_;
    std::size_t first_ = 0;  ///< of what was not taken
    std::size_t used_ = 0;
};

}  // namespace backplane::net
