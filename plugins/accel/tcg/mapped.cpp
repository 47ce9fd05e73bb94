#include "mapped.h"

#include <sys/mman.h>

namespace backplane::tcg {

MappedHotArea::MappedHotArea() {
    void* p = mmap(nullptr, sizeof(HotArea), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT, -1, 0);
    if (p != MAP_FAILED) area_ = static_cast<HotArea*>(p);
}

MappedHotArea::~MappedHotArea() {
    if (area_) munmap(area_, sizeof(HotArea));
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
