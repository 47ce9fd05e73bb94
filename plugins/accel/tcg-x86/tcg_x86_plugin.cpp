// The plugin tcg-x86_64: the translator's front end for CPUs of the architecture "x86_64".
#include "front_end.h"

#include <backplane/plugin.h>

namespace backplane::x86 {
namespace {

constexpr InterfaceInfo kInterfaces[] = {offers<X86FrontEnd, tcg::FrontEnd>(),
                                         offers<X86FrontEnd, SystemManagement>(),
                                         offers<X86FrontEnd, PortRegisters>()};
constexpr TypeInfo kTypes[] = {{
    .name = "tcg-x86_64",
    .summary = "translation of x86 code (to AVX2, without virtualisation)",
    .interfaces = kInterfaces,
    .instance_init = make_part<X86FrontEnd>,
    .instance_finalize = free_part<X86FrontEnd>,
}};

}  // namespace
}  // namespace backplane::x86

BACKPLANE_PLUGIN("tcg-x86_64", "1.0", "Backplane", backplane::x86::kTypes)
