// A clock for processors that are tried one instruction at a time.
#pragma once

#include <backplane/clock.h>

#include <cstdlib>

namespace backplane::testing {

class StandingClock final : public Clock {
  public:
    std::uint64_t now_ns() const override { return 1000; }
    Timer* create_timer(TimerHandler&) override { std::abort(); }
};

}  // namespace backplane::testing
