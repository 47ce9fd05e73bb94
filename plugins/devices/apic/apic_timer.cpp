#include "apic_timer.h"

#include "local_apic.h"

namespace backplane::apic {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
/// ns. What a guest asks to have more often comes as often as this, so that the host is not kept busy.
constexpr std::uint64_t kShortestPeriod = 10'000;
constexpr std::uint32_t kDivideMask = 0x0b;

}  // namespace

ApicTimer::ApicTimer(DeviceContext& context, Owner& owner) : context_(context), owner_(owner) {
    timer_.create(context.clock());
    describe_registers(context.state());
}

/// Figure 11-8: bits 18:17.
ApicTimer::Kind ApicTimer::kind_of(std::uint32_t entry) {
    switch (entry >> 17 & 3) {
    case 1: return Kind::Periodic;
    case 2: return Kind::Deadline;
    default: return Kind::OneShot;
    }
}

void ApicTimer::set_entry(std::uint32_t entry) {
    const Kind kind = kind_of(entry);
    // 11.5.4.1: going into deadline mode or out of it disarms the timer.
    if (kind != kind_ && (kind == Kind::Deadline || kind_ == Kind::Deadline)) initial_count_ = deadline_ = 0;
    kind_ = kind;
    masked_ = (entry & lvt::kMasked) != 0;
    schedule(now());
}

void ApicTimer::resume_counting(std::uint32_t entry) {
    kind_ = kind_of(entry);
    masked_ = (entry & lvt::kMasked) != 0;
    schedule(now());
}

void ApicTimer::set_initial_count(std::uint32_t count) {
    if (kind_ == Kind::Deadline) return;
    initial_count_ = count;
    started_ = now();
    schedule(started_);
}

std::uint32_t ApicTimer::current_count() const {
    if (initial_count_ == 0 || kind_ == Kind::Deadline) return 0;
    const std::uint64_t elapsed = (now() - started_) / divisor();
    if (kind_ == Kind::Periodic) return std::uint32_t(initial_count_ - elapsed % initial_count_);
    return elapsed >= initial_count_ ? 0 : std::uint32_t(initial_count_ - elapsed);
}

/// The count that is left goes on at the new pace.
void ApicTimer::set_divide(std::uint32_t value) {
    const std::uint32_t left = current_count();
    divide_ = value & kDivideMask;
    if (left != 0) {
        const std::uint64_t done = (initial_count_ - left) * divisor();
        started_ = now() >= done ? now() - done : 0;
    }
    schedule(now());
}

void ApicTimer::set_deadline(std::uint64_t tsc) {
    if (kind_ != Kind::Deadline) return;  // 11.5.4.1: ignored in the other modes
    deadline_ = tsc;
    schedule(now());
}

void ApicTimer::stop() {
    initial_count_ = 0;
    deadline_ = 0;
    timer_.cancel();
}

/// The next time to expire that is not before `after`.
void ApicTimer::schedule(std::uint64_t after) {
    std::uint64_t due = kNever;
    if (kind_ == Kind::Deadline) {
        if (deadline_ != 0 && tsc_) due = tsc_->time_of(deadline_);
    } else if (initial_count_ != 0) {
        const std::uint64_t period = initial_count_ * divisor();
        due = started_ + period;
        if (kind_ == Kind::Periodic && due < after) due += (after - due + period - 1) / period * period;
        if (kind_ == Kind::OneShot && due < after) due = kNever;
    }
    if (due == kNever || (masked_ && kind_ != Kind::Deadline)) timer_.cancel();
    else timer_.arm(due);
}

void ApicTimer::expired() {
    if (kind_ == Kind::Deadline) deadline_ = 0;
    if (kind_ == Kind::Periodic)
        schedule(now() + (initial_count_ * divisor() < kShortestPeriod ? kShortestPeriod : 1));
    owner_.timer_expired();
}

}  // namespace backplane::apic
