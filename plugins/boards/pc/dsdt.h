// The differentiated system description table: what the board has that its guest cannot find by itself.
#pragma once

#include "acpi.h"

#include <lib/aml.h>

namespace backplane::pc {

std::vector<std::uint8_t> make_dsdt(const AcpiContents& contents);

/// Its parts that stand in _SB: processors, with the registers by which a guest hears of them.
aml::Term processor_terms(const AcpiContents& contents);
/// The same of memory modules.
aml::Term memory_terms(const AcpiContents& contents);

}  // namespace backplane::pc
