#include "kernel/machine/message_style.h"

#include "kernel/event/host_time.h"

#include <cstdio>
#include <ctime>

namespace backplane::kernel {

std::string MessageStyle::prefix() const {
    std::string text;
    if (timestamp) {
        const std::int64_t now = system_time().realtime_ns();
        const std::time_t seconds = std::time_t(now / 1'000'000'000);
        std::tm date{};
        gmtime_r(&seconds, &date);
        char stamp[64];
        const std::size_t length = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &date);
        std::snprintf(stamp + length, sizeof stamp - length, ".%06ldZ ", long(now % 1'000'000'000 / 1000));
        text += stamp;
    }
    if (!guest_name.empty()) text += guest_name + " ";
    return text + "backplane: ";
}

}  // namespace backplane::kernel
