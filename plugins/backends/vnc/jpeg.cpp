#include "jpeg.h"

#include <bit>
#include <cstdio>
#include <new>

#include <jpeglib.h>

namespace backplane::vnc {
namespace {

/// Where the library writes to: a part of a buffer that grows.
struct Destination {
    jpeg_destination_mgr manager{};
    Buffer* out = nullptr;
    std::size_t used = 0;

    void make_room() {
        out->resize(out->size() * 2 + 4096);
        manager.next_output_byte = out->data() + used;
        manager.free_in_buffer = out->size() - used;
    }
};

Destination& destination_of(j_compress_ptr jpeg) { return *reinterpret_cast<Destination*>(jpeg->dest); }

void begin(j_compress_ptr jpeg) { destination_of(jpeg).make_room(); }
boolean full(j_compress_ptr jpeg) {
    Destination& destination = destination_of(jpeg);
    destination.used = destination.out->size();
    destination.make_room();
    return TRUE;
}
void end(j_compress_ptr jpeg) {
    Destination& destination = destination_of(jpeg);
    destination.out->resize(destination.out->size() - destination.manager.free_in_buffer);
}

}  // namespace

/// Nothing of a picture of our own can be refused: what is left of the library's errors is that there is no memory, which ends
/// the program as everywhere.
void put_jpeg(Buffer& out, const Block& block, int quality) {
    jpeg_error_mgr errors{};
    jpeg_compress_struct jpeg{};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    Destination destination{{}, &out, out.size()};
    destination.manager.init_destination = begin;
    destination.manager.empty_output_buffer = full;
    destination.manager.term_destination = end;
    jpeg.dest = &destination.manager;
    jpeg.image_width = block.width();
    jpeg.image_height = block.height();
    jpeg.input_components = 4;
    jpeg.in_color_space = std::endian::native == std::endian::little ? JCS_EXT_BGRX : JCS_EXT_XRGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 15 + 9 * quality, TRUE);
    jpeg.dct_method = JDCT_ISLOW;
    jpeg_start_compress(&jpeg, TRUE);
    for (std::uint32_t y = 0; y < block.height(); ++y) {
        auto* row = reinterpret_cast<JSAMPLE*>(const_cast<std::uint32_t*>(block.row(y)));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
}

}  // namespace backplane::vnc
