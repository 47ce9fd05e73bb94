#include "kernel/vocabulary/manifest_text.h"

#include <algorithm>

namespace backplane::kernel {

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size() + 1, width), ' ');
    return text;
}

std::string kind_text(const ManifestProperty& property) {
    return property.kind == "enum" ? property.choices : property.kind;
}

std::string region_text(const ManifestRegion& region) {
    return region.name + (region.size ? " (" + std::to_string(region.size) + " bytes)" : " (memory)");
}

std::string wire_text(const ManifestWire& wire) {
    const std::string name = wire.name.empty() ? "''" : wire.name;
    if (wire.count == 1) return name + " (" + wire.direction + ")";
    return name + " (" + (wire.count ? std::to_string(wire.count) + " " : "") + wire.direction + "s)";
}

}  // namespace backplane::kernel
