// What a monitor says of itself: VESA Enhanced Extended Display Identification Data, release A revision 2 (EDID 1.4).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace backplane {

struct Monitor {
    std::uint32_t width = 1280;  ///< pixels of the mode that it likes best, 1 to 4095
    std::uint32_t height = 800;
    std::uint32_t greatest_width = 0;  ///< 0: none greater than that mode
    std::uint32_t greatest_height = 0;
    std::uint32_t refresh_mhz = 75'000;  ///< thousandths of a picture a second
    std::uint32_t dots_per_inch = 100;
    std::string_view name = "Backplane";  ///< 13 characters at most
};

using EdidBlock = std::array<std::uint8_t, 128>;
EdidBlock edid_of(const Monitor& monitor);

}  // namespace backplane
