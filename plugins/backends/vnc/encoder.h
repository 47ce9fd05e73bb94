// How pixels are sent: Raw, Hextile, ZRLE (RFC 6143, 7.7) and Tight ("The RFB Protocol" of the community). Tight's JPEG is
// not there.
#pragma once

#include "picture.h"
#include "pixels.h"

#include <array>
#include <memory>

namespace backplane::vnc {

enum class Encoding : std::int32_t { Raw = 0, Hextile = 5, Tight = 7, Zrle = 16 };

/// One of zlib's streams, which lives as long as its client.
class Deflater {
  public:
    Deflater();
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    void set_level(int level) { level_ = level; }
    /// All of `bytes`, flushed, so that the other end can read it whole.
    Buffer deflate(View bytes);

  private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    int level_ = 1, applied_ = 1;
};

/// Encodes for one client. Thread: one at a time.
class Encoder {
  public:
    PixelFormat format;
    Encoding encoding = Encoding::Raw;
    int level = 1;  ///< of compression, 0 to 9

    /// A rectangle of an update with its header.
    void put(Buffer& out, const Picture& picture);

  private:
    void put_raw(Buffer& out, const Picture& picture) const;
    void put_hextile(Buffer& out, const Picture& picture) const;
    void put_zrle(Buffer& out, const Picture& picture);
    void put_tight(Buffer& out, const Picture& picture);

    Deflater zrle_;
    std::array<Deflater, 3> tight_;  ///< of true colour, of two colours, of more
};

/// x, y, width, height and the number of the encoding.
void put_rectangle(Buffer& out, const ScreenArea& area, std::int32_t encoding);
/// Rectangles of an encoding's own limits: Tight's are no wider than 2048 pixels.
inline constexpr std::uint32_t kWidestRectangle = 2048;

}  // namespace backplane::vnc
