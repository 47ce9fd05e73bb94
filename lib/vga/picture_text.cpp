// Characters: plane 0 has their numbers, plane 1 their attributes, plane 2 the fonts.
#include <lib/vga/picture.h>

#include <algorithm>

namespace backplane::vga {
namespace {

constexpr unsigned kGlyphBytes = 32;
constexpr unsigned kCursorPictures = 8, kBlinkPictures = 16;
constexpr std::uint8_t kMono = 0x02, kLineGraphics = 0x04, kBlinks = 0x08;  // AR10
/// Whose ninth dot is as their eighth. The adapter of the PS/2 does so from C0h on; with B0h to BFh shades are even.
constexpr std::uint8_t kFirstJoined = 0xb0, kLastJoined = 0xdf;
constexpr std::uint8_t kUnderlined = 0x01;  // an attribute's foreground, where the adapter is monochrome

/// SR3: three bits of a font's number, of which the highest stands apart.
std::uint32_t font_at(std::uint8_t select, bool font_a) {
    const unsigned number = font_a ? (select >> 2 & 3) | (select >> 3 & 4) : (select & 3) | (select >> 2 & 4);
    return (number & 3) * 0x4000 + (number & 4 ? 0x2000 : 0);
}

}  // namespace

Picture::TextLook Picture::text_look() const {
    const std::uint64_t picture = chip_.now_ns() / kPicture;
    TextLook look;
    look.mode = chip_.ar(0x10);
    look.fonts = chip_.sr(3);
    look.cursor = std::uint16_t(chip_.cr(0x0e) << 8 | chip_.cr(0x0f));
    look.cursor_first = chip_.cr(0x0a) & 0x1f;
    look.cursor_last = chip_.cr(0x0b) & 0x1f;
    look.cursor_on = !(chip_.cr(0x0a) & 0x20) && picture / kCursorPictures % 2 == 0;
    look.blink_on = picture / kBlinkPictures % 2 == 0;
    return look;
}

/// True when a glyph changed.
bool Picture::load_fonts() {
    bool changed = false;
    const std::uint8_t* memory = chip_.memory().data;
    for (const bool font_a : {false, true}) {
        const std::uint8_t* from = memory + std::size_t{font_at(chip_.sr(3), font_a)} * 4 + 2;
        for (std::uint8_t& byte : fonts_[font_a]) {
            changed = changed || byte != *from;
            byte = *from;
            from += 4;
        }
    }
    return changed;
}

/// The rows of characters, from the top; the split screen begins a new one.
void Picture::find_bands() {
    bands_.clear();
    std::uint32_t row = layout_.start, scan = layout_.preset;
    for (std::uint32_t y = 0; y < layout_.height;) {
        std::uint32_t lines = std::min((layout_.scan_lines - scan) * layout_.repeats, layout_.height - y);
        const bool split = y <= layout_.split && y + lines > layout_.split;
        if (split) lines = layout_.split + 1 - y;
        bands_.push_back({y, lines, row, scan});
        y += lines;
        row = split ? 0 : row + layout_.pitch;
        scan = 0;
    }
}

void Picture::refresh_text(const DirtyMemory& dirty, ScreenChanges& changes) {
    const Layout now = layout();
    const TextLook look = text_look();
    const Colours palette = colours(false);
    bool whole = now != layout_ || palette != colours_ || look.mode != look_.mode ||
                 look.fonts != look_.fonts || look.cursor_first != look_.cursor_first ||
                 look.cursor_last != look_.cursor_last || kind_ != Kind::Text;
    if (!whole && !dirty.any() && look == look_) return;
    // Blinking changes cells, of which those that have it are drawn again.
    const bool blinked = look.blink_on != look_.blink_on && (look.mode & kBlinks);
    layout_ = now;
    look_ = look;
    colours_ = palette;
    if (resize(Kind::Text, now.width, now.height, changes)) whole = true;
    if (load_fonts()) whole = true;
    find_bands();
    drawn_.resize(bands_.size() * now.characters);
    cells_.resize(drawn_.size());
    std::size_t at = 0;
    for (const Band& band : bands_) {
        std::uint32_t first = now.characters, last = 0;
        for (std::uint32_t column = 0; column < now.characters; ++column, ++at) {
            const std::uint32_t counter = (band.row + column) & 0xffff;
            const std::uint32_t planes = planes_at(address(counter, 0));
            const Drawn cell{std::uint8_t(planes), std::uint8_t(planes >> 8),
                             look.cursor_on && counter == look.cursor};
            if (!whole && cell == drawn_[at] && !(blinked && cell.attribute & 0x80)) continue;
            drawn_[at] = cell;
            draw_cell(band, column, cell);
            first = std::min(first, column);
            last = column;
            const bool blinks = (look.mode & kBlinks) != 0;
            cells_[at] = {cell.character, std::uint8_t(cell.attribute & 0x0f),
                          std::uint8_t(cell.attribute >> 4 & (blinks ? 7 : 15)),
                          blinks && (cell.attribute & 0x80)};
        }
        const std::uint32_t width = now.character_dots * (now.wide ? 2 : 1);
        if (first > last || whole) continue;
        const std::uint32_t left =
            first * width - std::min(first * width, now.pan * (width / now.character_dots));
        changes.drawn({left, band.y, (last + 1) * width - left, band.lines});
    }
    if (whole) changes.drawn({0, 0, now.width, now.height});
}

void Picture::draw_cell(const Band& band, std::uint32_t column, Drawn cell) {
    const Layout& now = layout_;
    const bool blinks = (look_.mode & kBlinks) != 0;
    std::uint8_t foreground = cell.attribute & 0x0f;
    const std::uint8_t background = cell.attribute >> 4 & (blinks ? 7 : 15);
    const bool font_a = (cell.attribute & 0x08) != 0;
    const bool joined =
        (look_.mode & kLineGraphics) && cell.character >= kFirstJoined && cell.character <= kLastJoined;
    const bool underlined = (look_.mode & kMono) && (cell.attribute & 0x07) == kUnderlined;
    if (blinks && (cell.attribute & 0x80) && !look_.blink_on) foreground = background;
    const std::uint8_t* glyph = &fonts_[font_a][cell.character * kGlyphBytes];
    const std::uint32_t dots = now.character_dots, scale = now.wide ? 2 : 1;
    // The dots of panning come from the column that follows: whole columns move, and what they uncover is cut off.
    const std::int64_t left = std::int64_t(column) * dots - now.pan;
    for (std::uint32_t y = 0; y < band.lines; ++y) {
        const std::uint32_t scan = band.first_line + y / now.repeats;
        std::uint32_t bits = std::uint32_t{glyph[scan % kGlyphBytes]} << 1;
        if (joined) bits |= bits >> 1 & 1;
        if (underlined && scan == (now.underline & 0x1fu)) bits = 0x1ff;
        if (cell.cursor && scan >= look_.cursor_first && scan <= look_.cursor_last) bits = 0x1ff;
        std::uint32_t* to = line(band.y + y);
        for (std::uint32_t dot = 0; dot < dots; ++dot) {
            const std::int64_t x = (left + dot) * scale;
            if (x < 0 || x + scale > now.width) continue;
            const std::uint32_t colour = colours_[bits >> (8 - dot) & 1 ? foreground : background];
            for (std::uint32_t i = 0; i < scale; ++i) to[x + i] = colour;
        }
    }
}

bool Picture::text(ScreenText& text) const {
    if (kind_ != Kind::Text) return false;
    ScreenText made;
    made.columns = layout_.characters;
    made.rows = std::uint32_t(bands_.size());
    made.cells = cells_;
    made.cursor = !(chip_.cr(0x0a) & 0x20);
    for (std::uint32_t row = 0; row < bands_.size(); ++row) {
        const std::uint32_t column = (look_.cursor - bands_[row].row) & 0xffff;
        if (column >= layout_.characters) continue;
        made.cursor_row = row;
        made.cursor_column = column;
        break;
    }
    text = made;
    return true;
}

}  // namespace backplane::vga
