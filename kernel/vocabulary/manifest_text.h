// Rows of manifests in words, for listings.
#pragma once

#include "kernel/module/manifest.h"

#include <string>

namespace backplane::kernel {

/// With blanks up to a column; at least one.
std::string padded(std::string text, std::size_t width);
/// "uint", or the choices of an enumeration.
std::string kind_text(const ManifestProperty& property);
/// "registers (8 bytes)"
std::string region_text(const ManifestRegion& region);
/// "irq (output)", "line (32 inputs)"
std::string wire_text(const ManifestWire& wire);

}  // namespace backplane::kernel
