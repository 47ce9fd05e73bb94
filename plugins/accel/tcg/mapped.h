// Host memory that translated code lives in or reaches: mapped at construction, unmapped at destruction.
#pragma once

#include "backend.h"

namespace backplane::tcg {

/// A HotArea below 2 GiB, of zero pages.
class MappedHotArea {
  public:
    MappedHotArea();
    ~MappedHotArea();
    MappedHotArea(const MappedHotArea&) = delete;
    MappedHotArea& operator=(const MappedHotArea&) = delete;
    HotArea* get() const { return area_; }  ///< null: the host had no room there

  private:
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
