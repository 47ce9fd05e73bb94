#include "kernel/event/wall_clock.h"

#include <limits>

namespace backplane::kernel {

namespace {

/// Wraps, as a saved machine may have any offset.
std::int64_t sum(std::int64_t a, std::int64_t b) { return std::int64_t(std::uint64_t(a) + std::uint64_t(b)); }

}  // namespace

void RtcClock::set(const RtcOptions& options) {
    const std::int64_t host = time_.realtime_ns();
    std::int64_t start = host;
    if (options.base == RtcOptions::Base::LocalTime) start += time_.utc_offset_seconds(host) * 1'000'000'000;
    if (options.base == RtcOptions::Base::Date) start = options.date_ns;
    virtual_clock_ = options.virtual_clock;
    slew_ = options.slew;
    offset_ = virtual_clock_ ? start - std::int64_t(clock_.now_ns()) : start - host;
}

void RtcClock::restore(std::int64_t offset_ns, bool on_virtual_clock) {
    const auto driver = [this](bool on_virtual) {
        return on_virtual ? std::int64_t(clock_.now_ns()) : time_.realtime_ns();
    };
    offset_ = offset_ns;
    if (on_virtual_clock != virtual_clock_)
        offset_ = sum(offset_, driver(on_virtual_clock) - driver(virtual_clock_));
}

std::int64_t RtcClock::now_ns() const {
    return sum(offset_, virtual_clock_ ? std::int64_t(clock_.now_ns()) : time_.realtime_ns());
}

std::uint64_t RtcClock::deadline_for(std::int64_t wall_ns) const {
    const std::uint64_t now = clock_.now_ns();
    std::int64_t wait = 0;
    if (__builtin_sub_overflow(wall_ns, now_ns(), &wait)) wait = std::numeric_limits<std::int64_t>::max();
    if (wait >= 0) return now + std::uint64_t(wait);
    const std::uint64_t gone = 0 - std::uint64_t(wait);
    return now < gone ? 0 : now - gone;
}

}  // namespace backplane::kernel
