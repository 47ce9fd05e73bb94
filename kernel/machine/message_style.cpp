#include "kernel/machine/message_style.h"

#include <cstdio>
#include <ctime>

namespace backplane::kernel {

std::string MessageStyle::prefix() const {
    std::string text;
    if (timestamp) {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        std::tm date{};
        gmtime_r(&now.tv_sec, &date);
        char stamp[64];
        const std::size_t length = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &date);
        std::snprintf(stamp + length, sizeof stamp - length, ".%06ldZ ", now.tv_nsec / 1000);
        text += stamp;
    }
    if (!guest_name.empty()) text += guest_name + " ";
    return text + "backplane: ";
}

}  // namespace backplane::kernel
