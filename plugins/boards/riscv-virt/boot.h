// What is in memory when the first hart starts: reset vector, firmware, kernel, initial ramdisk.
//
// Follows OpenSBI, "docs/firmware/fw_dynamic.md" (version 2 of its structure) and Linux,
// Documentation/riscv/boot.rst. Not supported: kernels that are packed (gzip, EFI zboot); they are refused.
#pragma once

#include "device_tree.h"

#include <backplane/board.h>
#include <backplane/fw_cfg.h>

#include <string>

namespace backplane::riscv_virt {

struct BootFiles {
    std::string firmware;  ///< empty or "default": the machine's own; "none": none
    std::string kernel;
    std::string initrd;
    std::string arguments;
    bool flash0 = false;  ///< there is an image in the first flash
    std::uint64_t tree_room =
        0;  ///< bytes for the device tree at the end of RAM, which stay free when they can
};

/// Where the files went, and so where to start.
struct BootPlan {
    std::uint64_t start = 0;    ///< the first instruction after the reset vector
    std::uint64_t payload = 0;  ///< what firmware starts in S-mode; 0: nothing
    std::uint64_t initrd_start = 0;
    std::uint64_t initrd_end = 0;
};

/// Puts the files into memory; under firmware in flash, the kernel's into `fw_cfg`, from where that fetches them.
///
/// An image in the first flash is what firmware starts in S-mode; without firmware it starts itself, in M-mode. The
/// second flash is storage.
bool load_files(BoardContext& context, FwCfg& fw_cfg, const BootFiles& files, BootPlan& plan, Errors& errors);
/// Where the device tree goes: below the end of RAM.
std::uint64_t tree_address(std::uint64_t ram_size, std::uint64_t tree_size);
/// The code at the reset address, with the structure that fw_dynamic is given.
TreeBytes reset_vector(const BootPlan& plan, std::uint64_t tree);

}  // namespace backplane::riscv_virt
