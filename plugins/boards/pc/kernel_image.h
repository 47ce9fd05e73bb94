// Kernels that are segments at addresses of their own: one run of bytes is made of them.
#pragma once

#include "kernel_plan.h"

#include <lib/elf.h>

namespace backplane::pc {

/// From the first segment to the end of the last one, with zeros between: all of it above 1 MiB, or all in the lowest 512 KiB,
/// behind the option ROM's. What lies in the 384 KiB below 1 MiB is left out: linkers put their headers in front of a
/// program that begins where memory does.
bool place_segments(const std::vector<elf::ElfSegment>& segments, std::uint64_t ram, KernelPart& kernel,
                    Errors& errors);
/// Where there is room in the lowest 512 KiB for what tells of its surroundings.
std::uint32_t information_place(const KernelPart& kernel);
/// Where the kernel ends, or 1 MiB: what is to be above it goes there.
std::uint64_t end_of(const KernelPart& kernel);
/// Does the kernel begin within itself?
bool check_entry(const KernelPlan& plan, Errors& errors);

}  // namespace backplane::pc
