// The plugin tcg-riscv64: the translator's front end for CPUs of the architecture "riscv64".
#include "front_end.h"

#include <backplane/plugin.h>

namespace backplane::riscv {
namespace {

constexpr InterfaceInfo kInterfaces[] = {offers<RiscvFrontEnd, tcg::FrontEnd>()};
constexpr TypeInfo kTypes[] = {{
    .name = "tcg-riscv64",
    .summary = "translation of RISC-V code (RV64GC, Zba, Zbb, Zbc, Zbs)",
    .interfaces = kInterfaces,
    .instance_init = make_part<RiscvFrontEnd>,
    .instance_finalize = free_part<RiscvFrontEnd>,
}};

}  // namespace
}  // namespace backplane::riscv

BACKPLANE_PLUGIN("tcg-riscv64", "1.0", "Backplane", backplane::riscv::kTypes)
