#include "mapped.h"

#include <sys/mman.h>

namespace backplane::tcg {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kJumpBytes = kJumpSize * sizeof(JumpEntry);
constexpr std::size_t kAreaBytes = (sizeof(HotArea) + kPage - 1) / kPage * kPage;
constexpr unsigned kFirstJumps =
    4;  // caches that the first piece has room for, and that each further one has
constexpr unsigned kMoreJumps = 8;
static_assert(sizeof(TlbTable) % kPage == 0 && kJumpBytes % kPage == 0);

/// The kernel's own search covers the second GiB; the first is searched here, above what a program might have at its
/// start. Null when there is no room.
std::uint8_t* map_low(std::size_t size) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, kFlags | MAP_32BIT, -1, 0);
    constexpr std::uintptr_t kFirst = 16 << 20;
    constexpr std::uintptr_t kEnd = 1 << 30;
    for (std::uintptr_t at = kFirst; p == MAP_FAILED && at + size <= kEnd; at += size)
        p = mmap(reinterpret_cast<void*>(at), size, PROT_READ | PROT_WRITE, kFlags | MAP_FIXED_NOREPLACE, -1,
                 0);
    return p == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(p);
}

}  // namespace

HotMemory::HotMemory(unsigned modes) {
    if (!grow(kAreaBytes + modes * sizeof(TlbTable) + kFirstJumps * kJumpBytes)) return;
    area_ = static_cast<HotArea*>(take(kAreaBytes));
    for (unsigned mode = 0; mode < modes; ++mode)
        area_->tlb[mode] = static_cast<TlbTable*>(take(sizeof(TlbTable)));
    provide_jumps(0);
}

HotMemory::~HotMemory() {
    for (const Piece& piece : pieces_) munmap(piece.start, piece.size);
}

bool HotMemory::provide_jumps(unsigned variant) {
    if (area_->jumps[variant]) return true;
    if (pieces_.back().size - used_ < kJumpBytes && !grow(kMoreJumps * kJumpBytes)) return false;
    area_->jumps[variant] = static_cast<JumpEntry*>(take(kJumpBytes));
    return true;
}

bool HotMemory::grow(std::size_t size) {
    std::uint8_t* start = map_low(size);
    if (!start) return false;
    pieces_.push_back({start, size});
    used_ = 0;
    return true;
}

void* HotMemory::take(std::size_t size) {
    used_ += size;
    return pieces_.back().start + (used_ - size);
}

MappedCode::MappedCode(std::size_t size) {
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return;
    madvise(p, size, MADV_HUGEPAGE);  // an instruction TLB's reach; not having it is no error
    memory_ = {static_cast<std::uint8_t*>(p), size};
}

MappedCode::~MappedCode() {
    if (memory_.data) munmap(memory_.data, memory_.size);
}

}  // namespace backplane::tcg
