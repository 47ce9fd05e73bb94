#include <lib/interval_counter.h>

namespace backplane::i8254 {

std::uint32_t Counter::written_count() const {
    std::uint32_t count = register_;
    if (bcd_) {
        count = 0;
        for (int shift = 12; shift >= 0; shift -= 4) count = count * 10 + (register_ >> shift & 0xf);
        count %= modulus();
    }
    return count ? count : modulus();
}

std::uint16_t Counter::as_register(std::uint32_t value) const {
    value %= modulus();
    if (!bcd_) return std::uint16_t(value);
    return std::uint16_t(value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10);
}

/// Ticks since the count was loaded, which is one after it was written.
Tick Counter::elapsed(Tick now) const {
    if (!running_) return held_;
    return now > start_ ? now - start_ : 0;
}

std::uint32_t Counter::value(Tick now) const {
    const Tick at = elapsed(now);
    const Tick count = count_;
    switch (mode()) {
    case 2: return std::uint32_t(count - at % count);
    case 3: {
        // Decremented by two; an odd count begins one below.
        const Tick high = (count + 1) / 2;
        const Tick position = at % count;
        return std::uint32_t((count & ~Tick{1}) - 2 * (position < high ? position : position - high));
    }
    default: return std::uint32_t((count - at % modulus() + modulus()) % modulus());
    }
}

bool Counter::output(Tick now) const {
    if (null_count_ && running_) {
        Counter settled = *this;
        settled.settle(now);
        if (!settled.null_count_) return settled.output(now);
    }
    if (!loaded_) return mode() != 0;
    const Tick at = elapsed(now);
    switch (mode()) {
    case 0:
    case 1: return at >= count_;
    case 2: return !running_ || at % count_ != count_ - 1;
    case 3: return !running_ || at % count_ < (Tick{count_} + 1) / 2;
    default: return at != count_;
    }
}

std::optional<Tick> Counter::next_rise(Tick now) const {
    if (!loaded_ || !running_) return {};
    const Tick at = elapsed(now);
    const Tick count = count_;
    switch (mode()) {
    case 0:
    case 1:
        if (at >= count) return {};
        return start_ + count;
    case 2:
    case 3: {
        const Tick end = start_ + (at / count + 1) * count;
        if (const auto change = pending_change(); change && mode() == 3 && change->start != change->at) {
            // The half that is low is of the new count.
            const Tick next = written_count();
            if (next < 2) return {};
            return change->start + next;
        }
        if (count < 2) return {};
        return end;
    }
    default:
        if (at > count) return {};
        return start_ + count + 1;
    }
}

std::optional<Counter::Change> Counter::pending_change() const {
    if (!null_count_ || !loaded_ || !running_ || (mode() != 2 && mode() != 3)) return {};
    const Tick count = count_;
    const Tick at = written_at_ > start_ ? written_at_ - start_ : 0;
    const Tick period = start_ + at / count * count;
    const Tick high = (count + 1) / 2;
    // Mode 3: at the end of the half cycle.
    if (mode() == 3 && at % count < high)
        return Change{period + high, period + high - (Tick{written_count()} + 1) / 2};
    return Change{period + count, period + count};
}

void Counter::settle(Tick now) {
    const auto change = pending_change();
    if (!change || now < change->at) return;
    count_ = written_count();
    start_ = change->start;
    null_count_ = false;
}

void Counter::load(Tick now) {
    count_ = written_count();
    null_count_ = false;
    loaded_ = true;
    start_ = now + 1;
    held_ = 0;
    running_ = gate_ || mode() == 1 || mode() == 5;
}

void Counter::stop(Tick now) {
    held_ = elapsed(now);
    running_ = false;
}

void Counter::write_control(std::uint8_t control, Tick now) {
    settle(now);
    stop(now);
    access_ = control >> 4 & 3;
    mode_ = control >> 1 & 7;
    bcd_ = control & 1;
    loaded_ = ever_written_ = false;
    null_count_ = true;
    write_high_ = read_high_ = status_latched_ = false;
    latched_bytes_ = 0;
}

void Counter::write(std::uint8_t value, Tick now) {
    settle(now);
    if (access_ == 3 && !write_high_) {
        low_byte_ = value;
        write_high_ = true;
        // Mode 0: "writing the first byte disables counting; OUT is set low immediately".
        if (mode() == 0) {
            stop(now);
            loaded_ = false;
        }
        return;
    }
    write_high_ = false;
    register_ = access_ == 1 ? value : std::uint16_t(value << 8 | (access_ == 3 ? low_byte_ : 0));
    count_written(now);
}

void Counter::count_written(Tick now) {
    ever_written_ = true;
    null_count_ = true;
    written_at_ = now;
    const bool by_trigger = mode() == 1 || mode() == 5;
    const bool periodic = mode() == 2 || mode() == 3;
    if (!by_trigger && !(periodic && loaded_)) load(now);
}

void Counter::set_gate(bool level, Tick now) {
    if (level == gate_) return;
    settle(now);
    gate_ = level;
    const bool periodic = mode() == 2 || mode() == 3;
    if (mode() == 1 || mode() == 5) {
        if (level && ever_written_) load(now);
    } else if (!level) {
        stop(now);
    } else if (loaded_ && periodic) {
        load(now);
    } else if (loaded_) {
        start_ = now - held_;
        running_ = true;
    }
}

void Counter::latch_count(Tick now) {
    settle(now);
    if (latched_bytes_) return;  // "ignored": the first one stands
    latched_count_ = as_register(value(now));
    latched_bytes_ = access_ == 3 ? 2 : 1;
}

std::uint8_t Counter::status(Tick now) const {
    const bool waiting = null_count_ || (running_ && now < start_);
    return std::uint8_t(output(now) << 7 | waiting << 6 | access_ << 4 | mode_ << 1 | bcd_);
}

void Counter::latch_status(Tick now) {
    settle(now);
    if (status_latched_) return;
    latched_status_ = status(now);
    status_latched_ = true;
}

std::uint8_t Counter::read(Tick now) {
    settle(now);
    if (status_latched_) {
        status_latched_ = false;
        return latched_status_;
    }
    const std::uint16_t count = latched_bytes_ ? latched_count_ : as_register(value(now));
    if (latched_bytes_) --latched_bytes_;
    const bool high = access_ == 2 || (access_ == 3 && read_high_);
    if (access_ == 3) read_high_ = !read_high_;
    return std::uint8_t(high ? count >> 8 : count);
}

void Counter::power_on(bool gate, Tick now) {
    *this = Counter();
    gate_ = gate;
    count_written(now - 1);
}

void Counter::describe(StateTable& table, std::uint32_t count) {
    StateTable& each =
        table.group({.name = "counter", .first = this, .count = count, .stride = sizeof(Counter)});
    using backplane::describe;
    describe(each, "RW", access_, {.reset_value = 3, .maximum = 3});
    describe(each, "mode", mode_, {.reset_value = 3, .maximum = 7});
    describe(each, "BCD", bcd_);
    describe(each, "gate", gate_);
    describe(each, "running", running_);
    describe(each, "loaded", loaded_);
    describe(each, "null_count", null_count_, 1);
    describe(each, "ever_written", ever_written_);
    describe(each, "CR", register_);
    describe(each, "count", count_, {.reset_value = 0x10000, .maximum = 0x10000});
    describe(each, "start", start_);
    describe(each, "held", held_);
    describe(each, "written_at", written_at_);
    describe(each, "write_high", write_high_);
    describe(each, "low_byte", low_byte_);
    describe(each, "read_high", read_high_);
    describe(each, "latched_bytes", latched_bytes_, {.maximum = 2});
    describe(each, "OL", latched_count_);
    describe(each, "status_latched", status_latched_);
    describe(each, "latched_status", latched_status_);
}

/// Sums of these stay far from the ends of their range.
bool Counter::plausible() const {
    constexpr Tick kEnd = Tick{1} << 56;
    const auto fits = [](Tick tick) { return tick > -kEnd && tick < kEnd; };
    return count_ != 0 && fits(start_) && held_ >= 0 && fits(held_) && fits(written_at_);
}

}  // namespace backplane::i8254
