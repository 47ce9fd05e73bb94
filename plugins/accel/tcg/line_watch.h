// A line of memory that a CPU waits at: whoever stores there is seen as one who stores into code is.
#pragma once

#include "code_pages.h"

#include <lib/vcpu_thread.h>

#include <atomic>

namespace backplane::tcg {

class LineWatch final : public CodeOwner {
  public:
    LineWatch(CodePages& pages, VcpuThread& vcpu) : pages_(pages), vcpu_(vcpu) {}
    ~LineWatch() { pages_.strike(*this); }
    LineWatch(const LineWatch&) = delete;
    LineWatch& operator=(const LineWatch&) = delete;

    /// Bytes [from, to) of page `index` of `block`, instead of what was watched before. False: another vCPU may still store
    /// there unseen. Thread: the vCPU's.
    bool watch(RamBlock& block, std::uint64_t index, std::uint32_t from, std::uint32_t to) {
        const std::uint64_t page = block.base_id + index;
        if (watching_ && page != page_) pages_.remove(*this, page_);
        watching_ = true;
        page_ = page;
        from_ = from;
        to_ = to;
        written_ = false;
        return pages_.settled(pages_.add(*this, page, block, index));
    }
    bool written() const { return written_; }

    // ---- CodeOwner
    void post_invalidation(std::uint64_t page, std::uint32_t from, std::uint32_t to) override {
        if (page != page_ || to <= from_ || from >= to_) return;
        written_ = true;
        vcpu_.kick();
    }
    void post_protection(std::uint64_t) override {}
    std::uint64_t posted() const override { return 0; }
    std::uint64_t applied() const override { return 0; }

  private:
    CodePages& pages_;
    VcpuThread& vcpu_;
    bool watching_ = false;
    std::atomic<std::uint64_t> page_{0};
    std::atomic<std::uint32_t> from_{0}, to_{0};
    std::atomic<bool> written_{false};
};

}  // namespace backplane::tcg
