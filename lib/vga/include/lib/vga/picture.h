// What a VGA's registers and memory look like: draws text, planes and linear modes into a surface, of which only what differs
// from the last time is drawn again.
#pragma once

#include <lib/vga/chip.h>

#include <backplane/screen.h>

#include <array>
#include <vector>

namespace backplane::vga {

/// Display memory read in rows of whole pixels, as adapters beyond the VGA do.
struct Linear {
    std::uint32_t width = 0;  ///< pixels
    std::uint32_t height = 0;
    std::uint32_t bits = 0;   ///< of a pixel: 8 (of the colour table), 15, 16, 24, 32
    std::uint32_t pitch = 0;  ///< bytes
    std::uint64_t start = 0;  ///< bytes
    bool big_endian = false;
    bool operator==(const Linear&) const = default;
};

/// Pages of display memory that were stored to.
class DirtyMemory {
  public:
    explicit DirtyMemory(Slice<const std::uint64_t> pages) : pages_(pages) {
        for (const std::uint64_t word : pages) any_ = any_ || word != 0;
    }
    bool any() const { return any_; }
    /// Within [first, first + size), in bytes.
    bool any(std::uint64_t first, std::uint64_t size) const;

  private:
    Slice<const std::uint64_t> pages_;
    bool any_ = false;
};

class Picture {
  public:
    explicit Picture(const Chip& chip) : chip_(chip) {}
    /// `linear`: in place of what the VGA's registers say; null: as they do.
    void refresh(const Linear* linear, const DirtyMemory& dirty, ScreenChanges& changes);
    ScreenSurface surface() const { return surface_; }
    /// False when the last picture was none of characters.
    bool text(ScreenText& text) const;
    /// The next one is drawn whole, whatever memory says.
    void forget() { kind_ = Kind::None; }

  private:
    enum class Kind : std::uint8_t { None, Blank, Text, Planes, Linear };
    using Colours = std::array<std::uint32_t, 256>;

    /// What registers say of the picture but for where it starts in memory. All modes of the VGA.
    struct Layout {
        std::uint32_t width = 0, height = 0;  ///< pixels
        std::uint32_t characters = 0;         ///< to a line
        std::uint32_t character_dots = 8;
        bool wide = false;             ///< each dot is two pixels
        std::uint32_t scan_lines = 1;  ///< to a row of characters
        std::uint32_t repeats = 1;     ///< of each scan line
        std::uint32_t pitch = 0;       ///< addresses from one row to the next
        std::uint32_t start = 0, preset = 0;
        std::uint32_t split = 0;                     ///< the last line before memory is shown from 0
        std::uint32_t pan = 0;                       ///< dots to the left
        bool pan_below = true;                       ///< the split as well
        std::uint8_t addressing = 0, underline = 0;  ///< CR17, CR14
        std::uint8_t shift = 0;                      ///< GR5: 0 planes, 1 CGA's pairs, 2 bytes
        bool operator==(const Layout&) const = default;
    };
    struct TextLook {
        std::uint8_t mode = 0;   ///< AR10
        std::uint8_t fonts = 0;  ///< SR3
        std::uint16_t cursor = 0;
        std::uint8_t cursor_first = 0, cursor_last = 0;
        bool cursor_on = false, blink_on = false;
        bool operator==(const TextLook&) const = default;
    };
    struct Band {
        std::uint32_t y = 0, lines = 0, row = 0, first_line = 0;
        bool operator==(const Band&) const = default;
    };
    struct Drawn {
        std::uint8_t character = 0, attribute = 0;
        bool cursor = false;
        bool operator==(const Drawn&) const = default;
    };

    Layout layout() const;
    TextLook text_look() const;
    Colours colours(bool bytes) const;
    std::uint32_t address(std::uint32_t counter, std::uint32_t scan_line) const;
    std::uint32_t planes_at(std::uint32_t address) const;
    bool resize(Kind kind, std::uint32_t width, std::uint32_t height, ScreenChanges& changes);

    void refresh_blank(ScreenChanges& changes);
    void refresh_text(const DirtyMemory& dirty, ScreenChanges& changes);
    void refresh_planes(const DirtyMemory& dirty, ScreenChanges& changes);
    void refresh_linear(const Linear& linear, const DirtyMemory& dirty, ScreenChanges& changes);

    bool load_fonts();
    void find_bands();
    void draw_cell(const Band& band, std::uint32_t column, Drawn cell);
    void draw_plane_line(std::uint32_t row, std::uint32_t scan_line, std::uint32_t pan, std::uint32_t* to);
    void draw_linear_line(const Linear& linear, const std::uint8_t* from, std::uint32_t* to) const;
    std::uint32_t* line(std::uint32_t y) { return pixels_.data() + std::size_t{y} * surface_.width; }

    const Chip& chip_;
    Kind kind_ = Kind::None;
    ScreenSurface surface_;
    std::vector<std::uint32_t> pixels_, scratch_;
    Colours colours_{};
    Layout layout_;
    Linear linear_;
    TextLook look_;
    std::vector<Band> bands_;
    std::vector<Drawn> drawn_;
    std::vector<ScreenCell> cells_;
    std::array<std::array<std::uint8_t, 0x2000>, 2> fonts_{};  ///< B, A
};

}  // namespace backplane::vga
