#include "comparator.h"

#include "hpet.h"

#include <algorithm>

namespace backplane::hpet {
namespace {

// 2.3.8: Timer N Configuration and Capabilities.
constexpr std::uint32_t kLevel = 1u << 1;
constexpr std::uint32_t kEnabled = 1u << 2;
constexpr std::uint32_t kPeriodic = 1u << 3;
constexpr std::uint32_t kPeriodicCapable = 1u << 4;
constexpr std::uint32_t kSize64 = 1u << 5;
constexpr std::uint32_t kValueSet = 1u << 6;
constexpr std::uint32_t k32Bits = 1u << 8;
constexpr unsigned kRouteShift = 9;
constexpr std::uint32_t kRouteMask = 31u << kRouteShift;
constexpr std::uint32_t kFsbEnabled = 1u << 14;
constexpr std::uint32_t kFsbCapable = 1u << 15;
constexpr std::uint32_t kStored = kLevel | kEnabled | kPeriodic | k32Bits;

enum Word : unsigned { Configuration, Routes, ComparatorLow, ComparatorHigh, FsbValue, FsbAddress };

/// Ticks. What a guest asks to have more often comes as often as this, so that the host is not kept busy.
constexpr std::uint64_t kShortestPeriod = 1000;

std::uint64_t with_half(std::uint64_t value, unsigned half, std::uint32_t word) {
    const unsigned shift = 32 * half;
    return (value & ~(std::uint64_t{0xffffffff} << shift)) | std::uint64_t{word} << shift;
}

}  // namespace

void Comparator::set_up(Hpet& hpet, unsigned number, Clock& clock) {
    hpet_ = &hpet;
    number_ = number;
    timer_.create(clock);
}

void Comparator::describe_state(StateTable& state) {
    describe(state, "configuration", configuration_);
    describe(state, "comparator", comparator_, ~std::uint64_t{0});
    describe(state, "period", period_);
    describe(state, "fsb_route", fsb_);
    describe(state, "value_set", set_halves_, {.maximum = 3});
}

std::uint64_t Comparator::mask() const { return has(k32Bits) ? 0xffffffff : ~std::uint64_t{0}; }
bool Comparator::periodic() const { return has(kPeriodic) && period_ != 0; }

unsigned Comparator::route() const {
    // 2.3.5: LegacyReplacement routes the first two to where a PC has its PIT and its clock.
    if (hpet_->legacy() && number_ < 2) return number_ == 0 ? kPitRoute : kRtcRoute;
    return configuration_ >> kRouteShift & 31;
}

bool Comparator::raised() const {
    return has(kLevel) && has(kEnabled) && !has(kFsbEnabled) && hpet_->enabled() && hpet_->pending(number_);
}

std::uint32_t Comparator::read(unsigned word) const {
    switch (word) {
    case Configuration:
        return configuration_ | kPeriodicCapable | kSize64 | (hpet_->messages_ ? kFsbCapable : 0);
    case Routes: return hpet_->routes_;
    case ComparatorLow: return std::uint32_t(comparator_);
    case ComparatorHigh: return std::uint32_t(comparator_ >> 32);
    case FsbValue: return std::uint32_t(fsb_);
    case FsbAddress: return std::uint32_t(fsb_ >> 32);
    default: return 0;
    }
}

void Comparator::write(unsigned word, std::uint32_t value) {
    switch (word) {
    case Configuration: return write_configuration(value);
    case ComparatorLow: return write_comparator(0, value);
    case ComparatorHigh: return write_comparator(1, value);
    case FsbValue: fsb_ = with_half(fsb_, 0, value); return;
    case FsbAddress: fsb_ = with_half(fsb_, 1, value); return;
    default: return;
    }
}

void Comparator::write_configuration(std::uint32_t value) {
    std::uint32_t kept = value & kStored;
    if (hpet_->messages_) kept |= value & kFsbEnabled;
    // A route that it has not got does not read back (2.3.8, INT_ROUTE_CNF).
    const unsigned route = value >> kRouteShift & 31;
    kept |= hpet_->routes_ >> route & 1 ? value & kRouteMask : configuration_ & kRouteMask;
    configuration_ = kept;
    set_halves_ = (value & kValueSet) && (value & kPeriodic) ? 3 : 0;
    if (has(k32Bits)) {
        comparator_ &= mask();
        period_ &= mask();
    }
    if (!has(kLevel)) hpet_->set_pending(number_, false);
    hpet_->drive();
    schedule();
}

/// 2.3.9.2: in periodic mode a write is the period; with VAL_SET, which one write clears, it is the next match as well.
void Comparator::write_comparator(unsigned half, std::uint32_t value) {
    if (half == 1 && has(k32Bits)) return;
    const bool sets = !has(kPeriodic) || (set_halves_ >> half & 1);
    if (sets) comparator_ = with_half(comparator_, half, value);
    if (has(k32Bits)) comparator_ &= mask();
    period_ = with_half(period_, half, value) & mask();
    set_halves_ &= std::uint8_t(~(1u << half));
    schedule();
}

void Comparator::arm(bool just_matched) {
    if (!hpet_->enabled()) return timer_.cancel();
    const std::uint64_t counter = hpet_->counter();
    std::uint64_t ahead = (comparator_ - counter) & mask();
    // A comparator of 32 bits matches again when they wrap, one of 64 bits never.
    if (just_matched && ahead == 0) ahead = mask() + 1;
    if (just_matched && ahead == 0) return timer_.cancel();
    if (just_matched && periodic()) ahead = std::max(ahead, kShortestPeriod);
    const std::uint64_t due = hpet_->time_after(ahead);
    if (due == ~std::uint64_t{0}) timer_.cancel();
    else timer_.arm(due);
}

void Comparator::expired() {
    if (periodic()) accumulate(hpet_->counter());
    arm(true);
    interrupt();
}

/// The comparator moves to the first match that is still to come; those that were missed are one.
void Comparator::accumulate(std::uint64_t counter) {
    const std::uint64_t late = (counter - comparator_) & mask();
    comparator_ = (comparator_ + (late / period_ + 1) * period_) & mask();
}

void Comparator::interrupt() {
    if (has(kLevel) && !has(kFsbEnabled)) {
        hpet_->set_pending(number_, true);
        hpet_->drive();
    } else if (has(kEnabled) && has(kFsbEnabled)) {
        hpet_->send(fsb_ >> 32, std::uint32_t(fsb_));
    } else if (has(kEnabled)) {
        hpet_->pulse(route());
    }
}

}  // namespace backplane::hpet
