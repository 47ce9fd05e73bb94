#include "deflater.h"

#include <new>

#include <zlib.h>

namespace backplane::vnc {

struct Deflater::Stream {
    z_stream zlib{};
    int level;
    explicit Stream(int first) : level(first) {
        if (deflateInit(&zlib, level) != Z_OK) throw std::bad_alloc();
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { deflateEnd(&zlib); }
};

Deflater::Deflater() = default;
Deflater::~Deflater() = default;

void Deflater::deflate(View bytes, int level, Buffer& out) {
    if (!stream_) stream_ = std::make_unique<Stream>(level);
    z_stream& zlib = stream_->zlib;
    std::size_t used = out.size();
    out.resize(used + deflateBound(&zlib, uLong(bytes.size())) + 64);
    const auto room = [&] {
        zlib.next_out = out.data() + used;
        zlib.avail_out = uInt(out.size() - used);
    };
    zlib.next_in = const_cast<Bytef*>(bytes.data());
    zlib.avail_in = 0;
    room();
    if (stream_->level != level) deflateParams(&zlib, stream_->level = level, Z_DEFAULT_STRATEGY);
    zlib.avail_in = uInt(bytes.size());
    while (::deflate(&zlib, Z_SYNC_FLUSH) == Z_OK && zlib.avail_out == 0) {
        used = out.size();
        out.resize(2 * used);
        room();
    }
    out.resize(out.size() - zlib.avail_out);
}

}  // namespace backplane::vnc
