// Host memory that translated code lives in or reaches: mapped at construction, unmapped at destruction.
#pragma once

#include "backend.h"

#include <vector>

namespace backplane::tcg {

/// The HotArea of one vCPU with its tables, below 2 GiB, of zero pages. There is little room there and there may be
/// hundreds of vCPUs: jump caches come with the variants that use them.
class HotMemory {
  public:
    explicit HotMemory(unsigned modes);
    ~HotMemory();
    HotMemory(const HotMemory&) = delete;
    HotMemory& operator=(const HotMemory&) = delete;
    HotArea* get() const { return area_; }  ///< null: the host had no room there; else it has one jump cache
    /// Makes the jump cache of a variant unless it is there. False: the host has no room.
    bool provide_jumps(unsigned variant);

  private:
    struct Piece {
        std::uint8_t* start;
        std::size_t size;
    };
    bool grow(std::size_t size);
    void* take(std::size_t size);

    std::vector<Piece> pieces_;
    std::size_t used_ = 0;  ///< bytes of the last piece
    HotArea* area_ = nullptr;
};

/// Memory for code, readable, writable and executable (docs/decisions says why).
class MappedCode {
  public:
    explicit MappedCode(std::size_t size);
    ~MappedCode();
    MappedCode(const MappedCode&) = delete;
    MappedCode& operator=(const MappedCode&) = delete;
    CodeMemory get() const { return memory_; }  ///< data is null when the host refused

  private:
    CodeMemory memory_;
};

}  // namespace backplane::tcg
