#include "picture_file.h"

#include <png.h>

#include <algorithm>
#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <sys/stat.h>

namespace backplane::screens {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Red, green, blue of each pixel, with the pointer's picture over them.
std::vector<std::uint8_t> flattened(const ScreenSurface& surface, const ScreenPointer& pointer) {
    std::vector<std::uint32_t> row(surface.width);
    std::vector<std::uint8_t> bytes;
    bytes.reserve(std::size_t{surface.width} * surface.height * 3);
    const std::int64_t left = std::int64_t{pointer.x} - pointer.hot_x,
                       top = std::int64_t{pointer.y} - pointer.hot_y;
    for (std::uint32_t y = 0; y < surface.height; ++y) {
        std::memcpy(row.data(), surface.row(y), row.size() * 4);
        const std::int64_t line = std::int64_t{y} - top;
        if (pointer.visible && line >= 0 && line < pointer.height)
            for (std::uint32_t x = 0; x < pointer.width; ++x) {
                const std::int64_t at = left + x;
                const std::uint32_t over = pointer.pixels[line * pointer.width + x], alpha = over >> 24;
                if (at < 0 || at >= surface.width || !alpha) continue;
                std::uint32_t mixed = 0;
                for (unsigned shift = 0; shift < 24; shift += 8)
                    mixed |=
                        ((over >> shift & 255) * alpha + (row[at] >> shift & 255) * (255 - alpha) + 127) / 255
                        << shift;
                row[at] = mixed;
            }
        for (const std::uint32_t pixel : row)
            for (const unsigned shift : {16, 8, 0}) bytes.push_back(std::uint8_t(pixel >> shift));
    }
    return bytes;
}

bool write_ppm(std::FILE* file, const ScreenSurface& surface, const std::vector<std::uint8_t>& bytes) {
    std::fprintf(file, "P6\n%u %u\n255\n", surface.width, surface.height);
    return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
}

[[noreturn]] void give_up(png_structp png, png_const_charp) { png_longjmp(png, 1); }
void say_nothing(png_structp, png_const_charp) {}

bool write_png(std::FILE* file, const ScreenSurface& surface, const std::vector<std::uint8_t>& bytes) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, give_up, say_nothing);
    if (!png) return false;
    png_infop info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_init_io(png, file);
    png_set_IHDR(png, info, surface.width, surface.height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (std::uint32_t y = 0; y < surface.height; ++y)
        png_write_row(png, bytes.data() + std::size_t{y} * surface.width * 3);
    png_write_end(png, nullptr);
    png_destroy_write_struct(&png, &info);
    return true;
}

/// IBM's code page 437 in Unicode; what has no picture of its own is a blank.
constexpr char32_t kCodePage[] =
    U" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
    U" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~⌂"
    U"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    U"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";
static_assert(std::size(kCodePage) == 257);

void append(std::string& text, char32_t character) {
    if (character < 0x80) text += char(character);
    else if (character < 0x800) {
        text += char(0xc0 | character >> 6);
        text += char(0x80 | (character & 0x3f));
    } else {
        text += char(0xe0 | character >> 12);
        text += char(0x80 | (character >> 6 & 0x3f));
        text += char(0x80 | (character & 0x3f));
    }
}

}  // namespace

bool write_picture(const std::string& path, FileFormat format, const ScreenSurface& surface,
                   const ScreenPointer& pointer, Errors& errors) {
    const std::vector<std::uint8_t> bytes = flattened(surface, pointer);
    const std::string unfinished = path + ".unfinished";
    // What is there and no regular file (a pipe, a terminal, a link to a file) is written to as it is.
    struct stat there {};
    const bool plain = lstat(path.c_str(), &there) != 0 || S_ISREG(there.st_mode);
    const std::string& target = plain ? unfinished : path;
    errno = 0;
    File file(std::fopen(target.c_str(), "wbe"));
    bool ok = file != nullptr;
    if (ok)
        ok = format == FileFormat::Png ? write_png(file.get(), surface, bytes)
                                       : write_ppm(file.get(), surface, bytes);
    if (ok) ok = std::fflush(file.get()) == 0;
    if (ok && plain) ok = std::rename(unfinished.c_str(), path.c_str()) == 0;
    if (ok) return true;
    errors.fail("cannot write '" + path +
                "': " + (errno ? std::strerror(errno) : "no PNG can be made of it"));
    if (plain) std::remove(unfinished.c_str());
    return false;
}

std::string lines_of(const ScreenText& text) {
    std::string all;
    for (std::uint32_t row = 0; row < text.rows; ++row) {
        std::string line;
        for (std::uint32_t column = 0; column < text.columns; ++column)
            append(line, kCodePage[text.cells[std::size_t{row} * text.columns + column].character]);
        line.erase(line.find_last_not_of(' ') + 1);
        all += line + "\n";
    }
    return all;
}

}  // namespace backplane::screens
