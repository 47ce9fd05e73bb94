// JPEG (ITU-T T.81), by libjpeg.
#pragma once

#include "bytes.h"
#include "picture.h"

namespace backplane::vnc {

/// Appends a baseline picture. `quality`: 0 to 9.
void put_jpeg(Buffer& out, const Block& block, int quality);

}  // namespace backplane::vnc
