#include "phy.h"

namespace backplane::e1000 {
namespace {

// MDIC (13.4.7)
constexpr std::uint32_t kReady = 1u << 28, kError = 1u << 30;
constexpr std::uint32_t kWrite = 1, kRead = 2, kOurs = 1;

// Registers (13.5; IEEE 802.3, 22.2.4)
enum : unsigned {
    kControl,
    kStatus,
    kIdentifier1,
    kIdentifier2,
    kAdvertisement,
    kPartner,
    kExpansion,
    kGigabitControl = 9,
    kGigabitStatus = 10,
    kSpecificControl = 16,
    kSpecificStatus = 17,
    kExtendedControl = 20
};
constexpr std::uint16_t kControlReset = 0x8000, kRestart = 0x0200;
constexpr std::uint16_t kStatusBits = 0x7949, kLink = 0x0004, kNegotiated = 0x0020;
constexpr std::uint16_t kSpecific = 0xa800, kRealTimeLink = 0x0400;  // 1000 Mb/s, full duplex, resolved

}  // namespace

void Phy::describe(StateTable& table) {
    using backplane::describe;
    describe(table, "control", control_);
    describe(table, "advertisement", advertisement_);
    describe(table, "gigabit_control", gigabit_control_);
    describe(table, "specific_control", specific_control_);
    describe(table, "extended_control", extended_control_);
}

void Phy::reset() {
    control_ = 0x1140;
    advertisement_ = 0x0de1;
    gigabit_control_ = 0x0e00;
    specific_control_ = 0x0360;
    extended_control_ = 0x0d60;
}

std::uint32_t Phy::access(std::uint32_t command) {
    const unsigned reg = command >> 16 & 31, address = command >> 21 & 31, operation = command >> 26 & 3;
    command &= 0x2fffffff;
    if (address != kOurs || !exists(reg) || (operation != kRead && operation != kWrite))
        return command | kReady | kError;
    if (operation == kWrite) write(reg, std::uint16_t(command));
    else command = (command & 0xffff0000) | read(reg);
    return command | kReady;
}

bool Phy::exists(unsigned reg) {
    return reg <= kExpansion || reg == kGigabitControl || reg == kGigabitStatus || reg == kSpecificControl ||
           reg == kSpecificStatus || reg == kExtendedControl;
}

std::uint16_t Phy::read(unsigned reg) const {
    switch (reg) {
    case kControl: return control_;
    case kStatus: return std::uint16_t(kStatusBits | (link_ ? kLink | kNegotiated : 0));
    case kIdentifier1: return 0x0141;
    case kIdentifier2: return 0x0c20;
    case kAdvertisement: return advertisement_;
    case kPartner: return link_ ? 0x45e1 : 0x01e0;
    case kGigabitControl: return gigabit_control_;
    case kGigabitStatus: return 0x3c00;
    case kSpecificControl: return specific_control_;
    case kSpecificStatus: return std::uint16_t(kSpecific | (link_ ? kRealTimeLink : 0));
    case kExtendedControl: return extended_control_;
    default: return 0;
    }
}

void Phy::write(unsigned reg, std::uint16_t value) {
    switch (reg) {
    case kControl:
        if (value & kControlReset) return reset();
        control_ = value & std::uint16_t(~kRestart);
        break;
    case kAdvertisement: advertisement_ = value; break;
    case kGigabitControl: gigabit_control_ = value; break;
    case kSpecificControl: specific_control_ = value; break;
    case kExtendedControl: extended_control_ = value; break;
    default: break;
    }
}

}  // namespace backplane::e1000
