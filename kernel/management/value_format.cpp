#include "kernel/management/value_format.h"

#include "kernel/management/command.h"

#include <cstdio>

namespace backplane::kernel {

ValueFormat read_value_format(const std::string& text, unsigned usual_size) {
    ValueFormat format{.size = usual_size};
    std::size_t at = 0;
    if (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        format.count = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' &&
               format.count <= ValueFormat::kMaximumCount)
            format.count = format.count * 10 + std::uint64_t(text[at++] - '0');
    }
    if (format.count == 0 || format.count > ValueFormat::kMaximumCount)
        fail_command("the count in '/" + text + "' is from 1 to " +
                     std::to_string(ValueFormat::kMaximumCount));
    for (; at < text.size(); ++at) {
        switch (text[at]) {
        case 'x':
        case 'd':
        case 'u':
        case 'o':
        case 'c': format.letter = text[at]; break;
        case 'b': format.size = 1; break;
        case 'h': format.size = 2; break;
        case 'w': format.size = 4; break;
        case 'g': format.size = 8; break;
        default:
            fail_command("invalid char in format: '" + text.substr(at, 1) +
                         "'; letters are x d u o c, sizes b h w g");
        }
    }
    return format;
}

std::string value_text(const ValueFormat& format, std::uint64_t value) {
    char text[40] = {};
    const int bits = int(format.size) * 8;
    const auto extended = std::int64_t(value << (64 - bits)) >> (64 - bits);
    switch (format.letter) {
    case 'd': std::snprintf(text, sizeof text, "%lld", static_cast<long long>(extended)); break;
    case 'u': std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(value)); break;
    case 'o':
        std::snprintf(text, sizeof text, value ? "0%llo" : "%llo", static_cast<unsigned long long>(value));
        break;
    case 'c':
        std::snprintf(text, sizeof text, value >= 0x20 && value < 0x7f ? "'%c'" : "'\\x%02x'",
                      unsigned(value & 0xff));
        break;
    default:
        std::snprintf(text, sizeof text, "0x%0*llx", int(format.size) * 2,
                      static_cast<unsigned long long>(value));
    }
    return text;
}

}  // namespace backplane::kernel
