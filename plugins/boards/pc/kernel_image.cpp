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

bool fits_low(const elf::ElfSegment& segment, Errors& errors) {
    if (segment.address < kLoaderEnd)
        return refuse(errors, "has a segment at 0x" + hex(segment.address) +
                                  ": below 32 KiB it would lie over the loader");
    if (segment.address <= kLowestPartsEnd && segment.memory_size <= kLowestPartsEnd - segment.address)
        return true;
    return refuse(errors, "has a segment of " + std::to_string(segment.memory_size) + " bytes at 0x" +
                              hex(segment.address) + ": below 640 KiB there is room to 512 KiB");
}

}  // namespace

std::uint32_t information_place(const KernelPart& kernel) {
    if (kernel.address >= kMebibyte) return kLowestPart;
    return std::uint32_t(round_up(kernel.address + kernel.bytes.size(), kPage));
}

std::uint64_t end_of(const KernelPart& kernel) {
    return std::max(std::uint64_t{kMebibyte}, kernel.address + std::uint64_t{kernel.bytes.size()});
}

bool place_segments(const std::vector<elf::ElfSegment>& segments, std::uint64_t ram, KernelPart& kernel,
                    Errors& errors) {
    std::uint64_t first = ~std::uint64_t{0}, end = 0;
    std::vector<elf::ElfSegment> kept;
    for (const elf::ElfSegment& each : segments) {
        if (each.address < kLowMemoryEnd && !fits_low(each, errors)) return false;
        const elf::ElfSegment segment = each.address < kLowMemoryEnd ? each : above_low_memory(each);
        if (segment.memory_size == 0) continue;
        if (segment.address > ram || segment.memory_size > ram - segment.address)
            return refuse(errors, "has a segment of " + std::to_string(segment.memory_size) + " bytes at 0x" +
                                      hex(segment.address) + ", which passes the " +
                                      std::to_string(ram / kMebibyte) + " MiB of memory below 4 GiB");
        first = std::min(first, segment.address);
        end = std::max(end, segment.address + segment.memory_size);
        kept.push_back(segment);
    }
    if (kept.empty()) return refuse(errors, "has nothing to load");
    if (first < kLowMemoryEnd && end > kMebibyte)
        return refuse(errors, "has segments below 640 KiB and above 1 MiB: it is to be either here or there");
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
