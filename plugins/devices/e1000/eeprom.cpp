#include "eeprom.h"

#include <algorithm>

namespace backplane::e1000 {
namespace {

constexpr std::uint8_t kCommandBits = 9;  // a start bit, two that say what, six of an address
constexpr std::uint16_t kWhat = 7 << 6, kRead = 6 << 6;

constexpr std::uint32_t kStart = 1, kDone = 1 << 4;  // EERD

}  // namespace

void Eeprom::describe(StateTable& table) {
    using backplane::describe;
    describe(table, "clock", clock_);
    describe(table, "selected", selected_);
    describe(table, "output", output_, 1);
    describe(table, "bits", bits_, {.maximum = kCommandBits});
    describe(table, "command", command_);
    describe(table, "shifting", shifting_);
}

/// 5.6.1: the address, the words that say what the device is, and a sum of BABAh.
void Eeprom::set_address(std::span<const std::uint8_t, 6> address) {
    words_.fill(0xffff);
    for (unsigned i = 0; i < 3; ++i) words_[i] = std::uint16_t(address[2 * i] | address[2 * i + 1] << 8);
    constexpr std::uint16_t kFrom3[] = {0,      0xffff, 0,      0,      0,      0x3000, 0x1000,
                                        0x6403, 0x100e, 0x8086, 0x100e, 0x8086, 0x3040};
    std::ranges::copy(kFrom3, words_.begin() + 3);
    constexpr std::uint16_t kSum = 0xbaba;
    std::uint16_t sum = kSum;
    for (unsigned i = 0; i + 1 < kWords; ++i) sum = std::uint16_t(sum - words_[i]);
    words_[kWords - 1] = sum;
}

void Eeprom::drive(bool clock, bool selected, bool data) {
    if (!selected || !selected_) {
        bits_ = 0;
        command_ = 0;
        output_ = true;
    } else if (clock && !clock_) {
        if (bits_ < kCommandBits) {
            if (bits_ == 0 && !data) data = false;  // zeros in front of the start bit
            else {
                command_ = std::uint16_t(command_ << 1 | (data ? 1 : 0));
                ++bits_;
            }
            if (bits_ == kCommandBits) {
                shifting_ = (command_ & kWhat) == kRead ? word(command_) : 0xffff;
                output_ = false;  // a bit of 0 in front of the data
            }
        } else {
            output_ = (shifting_ & 0x8000) != 0;
            shifting_ = std::uint16_t(shifting_ << 1);
        }
    }
    clock_ = clock;
    selected_ = selected;
}

std::uint32_t Eeprom::read(std::uint32_t request) const {
    if (!(request & kStart)) return request & 0xff00;
    const std::uint32_t index = request >> 8 & 0xff;
    return std::uint32_t{index < kWords ? words_[index] : std::uint16_t{0xffff}} << 16 | index << 8 | kDone;
}

}  // namespace backplane::e1000
