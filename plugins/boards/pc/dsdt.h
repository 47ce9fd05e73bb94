// The differentiated system description table: what the board has that its guest cannot find by itself.
#pragma once

#include "acpi.h"

namespace backplane::pc {

std::vector<std::uint8_t> make_dsdt(const AcpiContents& contents);

}  // namespace backplane::pc
