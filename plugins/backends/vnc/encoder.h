// How pixels are sent: Raw, Hextile, ZRLE (RFC 6143, 7.7) and Tight ("The RFB Protocol" of the community).
#pragma once

#include "deflater.h"
#include "palette.h"
#include "picture.h"
#include "pixels.h"

#include <array>

namespace backplane::vnc {

enum class Encoding : std::int32_t { Raw = 0, CopyRect = 1, Hextile = 5, Tight = 7, Zrle = 16 };

struct EncoderSettings {
    PixelFormat format;
    Encoding encoding = Encoding::Raw;
    int level = 1;     ///< of compression, 0 to 9
    int quality = -1;  ///< of pictures with more colours than a palette has, 0 to 9; less: all is exact
};

/// Encodes for one client. Thread: one at a time.
class Encoder {
  public:
    EncoderSettings settings;

    /// Appends the part of an update that shows the picture: so many rectangles, with their headers.
    std::size_t put(Buffer& out, const Picture& picture);

  private:
    void put_hextile(Buffer& out, const Block& block) const;
    void put_zrle(Buffer& out, const Block& block);
    std::size_t put_tight(Buffer& out, const Block& block);
    using TightColours = Palette<256>;
    void put_tight_palette(Buffer& out, const Block& block, const TightColours& colours);
    void put_tight_colours(Buffer& out, const Block& block);
    void put_tight_data(Buffer& out, unsigned stream);

    Deflater zrle_;
    std::array<Deflater, 3> tight_;  ///< of true colour, of two colours, of more
    Buffer plain_;                   ///< what is about to be compressed
};

/// x, y, width, height and the number of the encoding.
void put_rectangle(Buffer& out, const ScreenArea& area, std::int32_t encoding);
/// Rectangles of an encoding's own limits: Tight's are no wider than 2048 pixels.
inline constexpr std::uint32_t kWidestRectangle = 2048;

}  // namespace backplane::vnc
