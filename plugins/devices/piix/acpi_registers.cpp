#include "acpi_registers.h"

namespace backplane::piix {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t kTimerHz = 3'579'545;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kTimerMask = 0xffffff;   // 24 bits: TMR_VAL_EXT is 0 in the FADT
constexpr std::uint64_t kHalfPeriod = 0x800000;  // the highest bit changes
constexpr std::uint16_t kTimer = 1 << 0;
constexpr std::uint16_t kInterrupting = 0x0521;  // TMR, GBL, PWRBTN, RTC
constexpr std::uint16_t kSciEnable = 1 << 0;
constexpr std::uint16_t kSleepEnable = 1 << 13;
constexpr unsigned kSleepTypeShift = 10;

std::uint8_t byte_of(std::uint16_t value, unsigned index) { return std::uint8_t(value >> 8 * index); }
void set_byte(std::uint16_t& value, unsigned index, std::uint8_t byte) {
    value = std::uint16_t((value & ~(0xff << 8 * index)) | byte << 8 * index);
}
void clear_byte(std::uint16_t& value, unsigned index, std::uint8_t ones) {
    value = std::uint16_t(value & ~(ones << 8 * index));
}

}  // namespace

AcpiRegisters::AcpiRegisters(DeviceContext& context, AcpiOwner& owner) : context_(context), owner_(owner) {
    carry_timer_.create(context.clock());
    StateTable& state = context.state().group({.name = "acpi"});
    describe(state, "PM1_STS", status_);
    describe(state, "PM1_EN", enable_);
    describe(state, "PM1_CNT", control_value_);
    describe(state, "GPE0_STS", gpe_status_);
    describe(state, "GPE0_EN", gpe_enable_);
    describe(state, "carry_tick", carry_tick_, kHalfPeriod);
}

/// The timer runs with the machine's clock, whatever else happens to the chip.
std::uint64_t AcpiRegisters::ticks() const {
    return std::uint64_t(Wide(context_.clock().now_ns()) * kTimerHz / kSecond);
}

std::uint16_t AcpiRegisters::status() const {
    return std::uint16_t(status_ | (ticks() >= carry_tick_ ? kTimer : 0));
}

std::uint64_t AcpiRegisters::TimerBlock::read(Offset, unsigned, Access&) {
    return registers_.ticks() & kTimerMask;
}

std::uint8_t AcpiRegisters::read_event(unsigned offset) {
    return offset < 2 ? byte_of(status(), offset) : byte_of(enable_, offset - 2);
}

void AcpiRegisters::write_event(unsigned offset, std::uint8_t value) {
    if (offset >= 2) set_byte(enable_, offset - 2, value);
    else clear_byte(status_, offset, value);
    if (offset == 0 && (value & kTimer) && ticks() >= carry_tick_)
        carry_tick_ = (ticks() / kHalfPeriod + 1) * kHalfPeriod;
    schedule();
    update();
}

std::uint8_t AcpiRegisters::read_control(unsigned offset) { return byte_of(control_value_, offset); }

void AcpiRegisters::write_control(unsigned offset, std::uint8_t value) {
    set_byte(control_value_, offset, value);
    const bool sleeps = (control_value_ & kSleepEnable) != 0;
    control_value_ &= std::uint16_t(~kSleepEnable);  // 4.8.3.2.1: write-only
    update();
    if (sleeps) owner_.sleep_entered(control_value_ >> kSleepTypeShift & 7);
}

std::uint8_t AcpiRegisters::read_gpe(unsigned offset) {
    return offset < 2 ? byte_of(gpe_status_, offset) : byte_of(gpe_enable_, offset - 2);
}

void AcpiRegisters::write_gpe(unsigned offset, std::uint8_t value) {
    if (offset < 2) clear_byte(gpe_status_, offset, value);
    else set_byte(gpe_enable_, offset - 2, value);
    update();
}

void AcpiRegisters::raise(std::uint16_t events) {
    status_ |= events;
    update();
}

void AcpiRegisters::raise_gpe(unsigned number) {
    if (number < 16) gpe_status_ |= std::uint16_t(1u << number);
    update();
}

void AcpiRegisters::set_sci_enabled(bool enabled) {
    control_value_ = std::uint16_t(enabled ? control_value_ | kSciEnable : control_value_ & ~kSciEnable);
    update();
}

/// Nobody needs to be woken for a carry that interrupts nobody: whoever reads the status sees it.
void AcpiRegisters::schedule() {
    if (!(enable_ & kTimer) || ticks() >= carry_tick_) return carry_timer_.cancel();
    carry_timer_.arm(std::uint64_t((Wide(carry_tick_) * kSecond + kTimerHz - 1) / kTimerHz));
}

void AcpiRegisters::update() {
    const bool fixed = (status() & enable_ & kInterrupting) != 0;
    const bool general = (gpe_status_ & gpe_enable_) != 0;
    owner_.sci_changed((control_value_ & kSciEnable) && (fixed || general));
}

}  // namespace backplane::piix
