// The keyboard: reports of the boot protocol's form (HID 1.11, appendix B.1).
#include "hid.h"

#include <algorithm>

namespace backplane::usb {
namespace {

constexpr std::uint8_t kReport[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,                          // generic desktop, keyboard, application
    0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01,  // modifiers: a bit each
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02,                          //
    0x75, 0x08, 0x95, 0x01, 0x81, 0x01,                          // a byte that is kept
    0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x75, 0x01, 0x95, 0x05,  // LEDs, out
    0x91, 0x02, 0x75, 0x03, 0x95, 0x01, 0x91, 0x01,              //
    0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x15, 0x00, 0x26,  // six keys
    0xff, 0x00, 0x75, 0x08, 0x95, 0x06, 0x81, 0x00, 0xc0};

constexpr std::uint8_t kFirstModifier = 0xe0, kLastModifier = 0xe7, kRollOver = 0x01;

/// Usages (HUT 1.12, table 12) of keys by number.
struct KeyUsage {
    std::uint16_t number;
    std::uint8_t usage;
};
constexpr KeyUsage kUsages[] = {
    {1, 0x29},   {2, 0x1e},   {3, 0x1f},   {4, 0x20},   {5, 0x21},   {6, 0x22},   {7, 0x23},   {8, 0x24},
    {9, 0x25},   {10, 0x26},  {11, 0x27},  {12, 0x2d},  {13, 0x2e},  {14, 0x2a},  {15, 0x2b},  {16, 0x14},
    {17, 0x1a},  {18, 0x08},  {19, 0x15},  {20, 0x17},  {21, 0x1c},  {22, 0x18},  {23, 0x0c},  {24, 0x12},
    {25, 0x13},  {26, 0x2f},  {27, 0x30},  {28, 0x28},  {29, 0xe0},  {30, 0x04},  {31, 0x16},  {32, 0x07},
    {33, 0x09},  {34, 0x0a},  {35, 0x0b},  {36, 0x0d},  {37, 0x0e},  {38, 0x0f},  {39, 0x33},  {40, 0x34},
    {41, 0x35},  {42, 0xe1},  {43, 0x31},  {44, 0x1d},  {45, 0x1b},  {46, 0x06},  {47, 0x19},  {48, 0x05},
    {49, 0x11},  {50, 0x10},  {51, 0x36},  {52, 0x37},  {53, 0x38},  {54, 0xe5},  {55, 0x55},  {56, 0xe2},
    {57, 0x2c},  {58, 0x39},  {59, 0x3a},  {60, 0x3b},  {61, 0x3c},  {62, 0x3d},  {63, 0x3e},  {64, 0x3f},
    {65, 0x40},  {66, 0x41},  {67, 0x42},  {68, 0x43},  {69, 0x53},  {70, 0x47},  {71, 0x5f},  {72, 0x60},
    {73, 0x61},  {74, 0x56},  {75, 0x5c},  {76, 0x5d},  {77, 0x5e},  {78, 0x57},  {79, 0x59},  {80, 0x5a},
    {81, 0x5b},  {82, 0x62},  {83, 0x63},  {86, 0x64},  {87, 0x44},  {88, 0x45},  {89, 0x87},  {91, 0x93},
    {92, 0x8a},  {93, 0x88},  {94, 0x8b},  {96, 0x58},  {97, 0xe4},  {98, 0x54},  {99, 0x46},  {100, 0xe6},
    {102, 0x4a}, {103, 0x52}, {104, 0x4b}, {105, 0x50}, {106, 0x4f}, {107, 0x4d}, {108, 0x51}, {109, 0x4e},
    {110, 0x49}, {111, 0x4c}, {113, 0x7f}, {114, 0x81}, {115, 0x80}, {116, 0x66}, {117, 0x67}, {119, 0x48},
    {121, 0x85}, {122, 0x90}, {123, 0x91}, {124, 0x89}, {125, 0xe3}, {126, 0xe7}, {127, 0x65}, {128, 0x78},
    {129, 0x79}, {130, 0x76}, {131, 0x7a}, {132, 0x77}, {133, 0x7c}, {134, 0x74}, {135, 0x7d}, {136, 0x7e},
    {137, 0x7b}, {138, 0x75}, {183, 0x68}, {184, 0x69}, {185, 0x6a}, {186, 0x6b}, {187, 0x6c}, {188, 0x6d},
    {189, 0x6e}, {190, 0x6f}, {191, 0x70}, {192, 0x71}, {193, 0x72}, {194, 0x73},
};

}  // namespace

Keyboard::Keyboard(Object& object) : Hid(object, "QEMU USB Keyboard", 1, Boot::Keyboard, Bytes(kReport)) {
    StateTable& state = context_.state();
    describe_bytes<2 * kMostWaiting>(state, "waiting", waiting_);
    describe_bytes<kMostDown>(state, "down", down_);
    describe(state, "modifiers", modifiers_);
    describe(state, "leds", leds_);
}

void Keyboard::start_over() {
    Hid::start_over();
    waiting_.clear();
    down_.clear();
    modifiers_ = leds_ = 0;
}

void Keyboard::input(Slice<const InputEvent> events) {
    for (const InputEvent& event : events) {
        if (event.kind != InputKind::Key) continue;
        const auto* row = std::ranges::find(kUsages, event.code, &KeyUsage::number);
        if (row == std::end(kUsages) || waiting_.size() >= kMostWaiting) continue;
        waiting_.push_back(std::uint16_t(row->usage | (event.value ? 0 : kUp)));
    }
    if (!waiting_.empty()) wake();
}

/// One key after the other, so that none is missed that goes down and up again.
bool Keyboard::advance() {
    if (waiting_.empty()) return false;
    const std::uint16_t next = waiting_.front();
    waiting_.pop_front();
    const auto usage = std::uint8_t(next);
    const bool goes_up = (next & kUp) != 0;
    if (usage >= kFirstModifier && usage <= kLastModifier) {
        const auto bit = std::uint8_t(1u << (usage - kFirstModifier));
        modifiers_ = std::uint8_t(goes_up ? modifiers_ & ~bit : modifiers_ | bit);
        return true;
    }
    std::erase(down_, usage);
    if (!goes_up && down_.size() < kMostDown) down_.push_back(usage);
    return true;
}

std::vector<std::uint8_t> Keyboard::report() const {
    std::vector<std::uint8_t> bytes{modifiers_, 0};
    // B.1: more than it can tell of.
    if (down_.size() > kKeysAtOnce) bytes.insert(bytes.end(), kKeysAtOnce, kRollOver);
    else bytes.insert(bytes.end(), down_.begin(), down_.end());
    bytes.resize(2 + kKeysAtOnce);
    return bytes;
}

void Keyboard::take_report(Bytes data) {
    if (!data.empty()) leds_ = data[0];
}

/// B.1: the bits of an output report.
std::uint32_t Keyboard::lights() const {
    constexpr unsigned kNumLock = 1, kCapsLock = 2, kScrollLock = 4;
    return (leds_ & kNumLock ? input_lights::kNumLock : 0) |
           (leds_ & kCapsLock ? input_lights::kCapsLock : 0) |
           (leds_ & kScrollLock ? input_lights::kScrollLock : 0);
}

}  // namespace backplane::usb
