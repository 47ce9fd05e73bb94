// What the board is made of: chips, where their regions are mapped, and how they are wired. Harts, and what
// there is one of for each hart, are added by the board's code.
#pragma once

#include "map.h"

#include <backplane/abi.h>

namespace backplane::riscv_virt {

struct Setting {
    const char* property;
    const char* value;
};

struct Chip {
    const char* name;
    const char* type;
    Slice<const Setting> settings{};
};

struct Placement {
    const char* chip;
    const char* region;
    std::uint64_t address;
};

/// From a chip's output to a source of the PLIC.
struct InterruptLine {
    const char* chip;
    const char* output;
    unsigned index;
    unsigned source;
};

extern const Slice<const Chip> kChips;
extern const Slice<const Placement> kPlacements;
extern const Slice<const InterruptLine> kInterrupts;

}  // namespace backplane::riscv_virt
