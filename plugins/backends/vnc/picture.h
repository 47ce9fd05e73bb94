// A part of a picture that is on its way to a client, with the pixels that it had.
#pragma once

#include <backplane/screen.h>

#include <vector>

namespace backplane::vnc {

struct Picture {
    ScreenArea area;
    std::vector<std::uint32_t> pixels;  ///< width * height, 0x00rrggbb

    std::uint32_t at(std::uint32_t x, std::uint32_t y) const {
        return pixels[std::size_t{y} * area.width + x];
    }
};

}  // namespace backplane::vnc
