#include <lib/edid.h>

#include <algorithm>
#include <numeric>

namespace backplane {
namespace {

struct EstablishedMode {
    std::uint32_t width, height;
    unsigned byte, bit;  ///< 3.8; all at 60 pictures a second
};
constexpr EstablishedMode kEstablished[] = {{640, 480, 35, 5}, {800, 600, 35, 0}, {1024, 768, 36, 3}};

enum Shape : std::uint8_t { k16To10, k4To3, k5To4, k16To9 };
/// Those that standard timings can say (3.9): the width and one of four shapes.
struct StandardMode {
    std::uint32_t width, height;
    Shape shape;
};
constexpr StandardMode kStandard[] = {{2048, 1152, k16To9}, {1920, 1080, k16To9},  {1920, 1200, k16To10},
                                      {1600, 1200, k4To3},  {1680, 1050, k16To10}, {1440, 900, k16To10},
                                      {1280, 1024, k5To4},  {1280, 960, k4To3}};

constexpr unsigned kDescriptors = 54, kDescriptorSize = 18, kStandardTimings = 38;
constexpr std::uint32_t kMost = 4095;
constexpr std::uint8_t kRange = 0xfd, kName = 0xfc, kNothing = 0x10;

std::uint32_t millimetres(std::uint32_t pixels, std::uint32_t dots_per_inch) {
    return std::min<std::uint32_t>(pixels * 254 / (std::max(dots_per_inch, 1u) * 10), kMost);
}

/// 3.10.2: a mode in full. Its blanking is what VESA's coordinated video timings leave with reduced blanking.
void put_timing(std::uint8_t* to, const Monitor& monitor, std::uint32_t width_mm, std::uint32_t height_mm) {
    constexpr std::uint32_t kFront = 48, kSync = 32, kBlank = 160, kFrontLines = 3, kSyncLines = 6;
    const std::uint32_t blank_lines =
        std::clamp(monitor.height * 35 / 1000, kFrontLines + kSyncLines + 1, kMost);
    const std::uint64_t clock = std::uint64_t{monitor.refresh_mhz} * (monitor.width + kBlank) *
                                (monitor.height + blank_lines) / 10'000'000;  // 10 kHz
    const auto stored_clock = std::uint16_t(std::min<std::uint64_t>(clock, 0xffff));
    to[0] = std::uint8_t(stored_clock);
    to[1] = std::uint8_t(stored_clock >> 8);
    to[2] = std::uint8_t(monitor.width);
    to[3] = std::uint8_t(kBlank);
    to[4] = std::uint8_t((monitor.width >> 8 & 15) << 4 | kBlank >> 8);
    to[5] = std::uint8_t(monitor.height);
    to[6] = std::uint8_t(blank_lines);
    to[7] = std::uint8_t((monitor.height >> 8 & 15) << 4 | (blank_lines >> 8 & 15));
    to[8] = kFront;
    to[9] = kSync;
    to[10] = kFrontLines << 4 | kSyncLines;
    to[12] = std::uint8_t(width_mm);
    to[13] = std::uint8_t(height_mm);
    to[14] = std::uint8_t((width_mm >> 8 & 15) << 4 | (height_mm >> 8 & 15));
    to[17] = 0x18;  // digital, separate sync
}

/// 3.10.3: text of up to 13 bytes, ended by a line feed and filled up with blanks.
void put_text(std::uint8_t* to, std::uint8_t tag, std::string_view text) {
    to[3] = tag;
    const std::size_t size = std::min<std::size_t>(text.size(), 13);
    std::fill_n(to + 5, 13, ' ');
    std::copy_n(text.begin(), size, to + 5);
    if (size < 13) to[5 + size] = '\n';
}

void put_standard(EdidBlock& block, std::uint32_t most_width, std::uint32_t most_height) {
    std::size_t at = kStandardTimings;
    for (const StandardMode& mode : kStandard) {
        if (mode.width > most_width || mode.height > most_height) continue;
        block[at++] = std::uint8_t(mode.width / 8 - 31);
        block[at++] = std::uint8_t(mode.shape << 6);
    }
    while (at < kDescriptors) block[at++] = 1;  // unused
}

}  // namespace

EdidBlock edid_of(const Monitor& given) {
    Monitor monitor = given;
    monitor.width = std::clamp(monitor.width, 1u, kMost);
    monitor.height = std::clamp(monitor.height, 1u, kMost);
    const std::uint32_t most_width = std::max(monitor.width, monitor.greatest_width);
    const std::uint32_t most_height = std::max(monitor.height, monitor.greatest_height);
    const std::uint32_t width_mm = millimetres(monitor.width, monitor.dots_per_inch);
    const std::uint32_t height_mm = millimetres(monitor.height, monitor.dots_per_inch);

    EdidBlock block{};
    std::fill_n(block.begin() + 1, 6, 0xff);
    constexpr std::uint32_t kMaker =
        ('B' - '@') << 10 | ('K' - '@') << 5 | ('P' - '@');  // 3.4.1: five bits each
    block[8] = kMaker >> 8;
    block[9] = kMaker & 0xff;
    block[10] = 1;   // product
    block[16] = 0;   // week: none
    block[17] = 36;  // 2026
    block[18] = 1;
    block[19] = 4;
    block[20] = 0xa5;  // digital, 8 bits a primary, DisplayPort
    block[21] = std::uint8_t(std::min<std::uint32_t>(width_mm / 10, 255));
    block[22] = std::uint8_t(std::min<std::uint32_t>(height_mm / 10, 255));
    block[23] = 120;   // a gamma of 2.2
    block[24] = 0x06;  // sRGB; the first timing is the monitor's own
    constexpr std::uint8_t kSrgb[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    std::copy(std::begin(kSrgb), std::end(kSrgb), block.begin() + 25);
    for (const EstablishedMode& mode : kEstablished)
        if (mode.width <= most_width && mode.height <= most_height)
            block[mode.byte] = std::uint8_t(block[mode.byte] | 1u << mode.bit);
    put_standard(block, most_width, most_height);

    std::uint8_t* descriptor = block.data() + kDescriptors;
    put_timing(descriptor, monitor, width_mm, height_mm);
    descriptor += kDescriptorSize;
    descriptor[3] = kRange;  // 3.10.3.3
    constexpr std::uint8_t kLimits[] = {50, 125, 30, 160, 255, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' '};
    std::copy(std::begin(kLimits), std::end(kLimits), descriptor + 5);
    put_text(descriptor + kDescriptorSize, kName, monitor.name);
    descriptor[2 * kDescriptorSize + 3] = kNothing;
    block[127] = std::uint8_t(-std::accumulate(block.begin(), block.end() - 1, 0));
    return block;
}

}  // namespace backplane
