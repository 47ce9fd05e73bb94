// One of zlib's streams (RFC 1950), which lives as long as its client.
#pragma once

#include "bytes.h"

#include <memory>

namespace backplane::vnc {

class Deflater {
  public:
    Deflater();
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    /// Appends all of `bytes`, flushed, so that the other end can read it whole. `level`: 0 to 9.
    void deflate(View bytes, int level, Buffer& out);

  private:
    struct Stream;
    std::unique_ptr<Stream> stream_;  ///< from its first use on
};

}  // namespace backplane::vnc
