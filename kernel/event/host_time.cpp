#include "kernel/event/host_time.h"

#include <ctime>

namespace backplane::kernel {

namespace {

class SystemTime final : public HostTime {
  public:
    std::uint64_t monotonic_ns() const override { return std::uint64_t(read(CLOCK_MONOTONIC)); }
    std::int64_t realtime_ns() const override { return read(CLOCK_REALTIME); }
    std::int64_t utc_offset_seconds(std::int64_t realtime_ns) const override {
        const std::time_t seconds = std::time_t(realtime_ns / 1'000'000'000);
        std::tm local{};
        return localtime_r(&seconds, &local) ? local.tm_gmtoff : 0;
    }

  private:
    static std::int64_t read(clockid_t clock) {
        timespec now{};
        clock_gettime(clock, &now);
        return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
    }
};

}  // namespace

const HostTime& system_time() {
    static const SystemTime time;
    return time;
}

}  // namespace backplane::kernel
