#include "kernel_image.h"

#include "kernel_bytes.h"

#include <backplane/text.h>

#include <algorithm>

namespace backplane::pc {
namespace {

constexpr std::uint64_t kLowMemoryEnd = 0xa0000;

/// What is left of a segment above 1 MiB.
elf::ElfSegment above_low_memory(elf::ElfSegment segment) {
    if (segment.address >= kMebibyte) return segment;
    const std::uint64_t below = std::min(kMebibyte - segment.address, segment.memory_size);
    const std::size_t bytes = std::size_t(std::min<std::uint64_t>(below, segment.bytes.size));
    return {segment.address + below,
            segment.memory_size - below,
            {segment.bytes.data + bytes, segment.bytes.size - bytes}};
}

}  // namespace

bool place_segments(const std::vector<elf::ElfSegment>& segments, std::uint64_t ram, KernelPart& kernel,
                    Errors& errors) {
    std::uint64_t first = ~std::uint64_t{0}, end = 0;
    std::vector<elf::ElfSegment> kept;
    for (const elf::ElfSegment& each : segments) {
        if (each.address < kLowMemoryEnd)
            return refuse(errors, "has a segment at 0x" + hex(each.address) +
                                      ": below 640 KiB it would lie over the loader");
        const elf::ElfSegment segment = above_low_memory(each);
        if (segment.memory_size == 0) continue;
        if (segment.address > ram || segment.memory_size > ram - segment.address)
            return refuse(errors, "has a segment of " + std::to_string(segment.memory_size) + " bytes at 0x" +
                                      hex(segment.address) + ", which passes the " +
                                      std::to_string(ram / kMebibyte) + " MiB of memory below 4 GiB");
        first = std::min(first, segment.address);
        end = std::max(end, segment.address + segment.memory_size);
        kept.push_back(segment);
    }
    if (kept.empty()) return refuse(errors, "has nothing to load above 1 MiB");
    kernel.address = std::uint32_t(first);
    kernel.bytes.assign(std::size_t(end - first), 0);
    for (const elf::ElfSegment& segment : kept)
        std::copy_n(segment.bytes.data, segment.bytes.size,
                    kernel.bytes.begin() + std::ptrdiff_t(segment.address - first));
    return true;
}

bool check_entry(const KernelPlan& plan, Errors& errors) {
    const KernelPart& kernel = plan.kernel;
    if (plan.entry >= kernel.address && plan.entry - kernel.address < kernel.bytes.size()) return true;
    return refuse(errors, "starts at 0x" + hex(plan.entry) + ", outside of what is loaded of it: 0x" +
                              hex(kernel.address) + " to 0x" + hex(kernel.address + kernel.bytes.size() - 1));
}

}  // namespace backplane::pc
