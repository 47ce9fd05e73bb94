#include "time_registers.h"

#include <chrono>

namespace backplane::mc146818 {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t kDay = 86400;
constexpr std::uint8_t kPm = 0x80;
/// From here on an alarm byte is "don't care".
constexpr std::uint8_t kAnyFrom = 0xc0;

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}
std::int64_t floor_modulo(std::int64_t value, std::int64_t by) {
    return value - by * floor_divide(value, by);
}

std::uint8_t to_register(unsigned value, Format format) {
    return std::uint8_t(format.binary ? value : value / 10 << 4 | value % 10);
}
unsigned from_register(std::uint8_t byte, Format format) {
    return format.binary ? byte : (byte >> 4) * 10u + (byte & 0xf);
}
std::uint8_t hours_to_register(unsigned hour, Format format) {
    if (format.hours_24) return to_register(hour, format);
    const unsigned twelve = hour % 12 == 0 ? 12 : hour % 12;
    return std::uint8_t(to_register(twelve, format) | (hour >= 12 ? kPm : 0));
}
unsigned hours_from_register(std::uint8_t byte, Format format) {
    if (format.hours_24) return from_register(byte, format);
    return from_register(byte & 0x7f, format) % 12 + (byte & kPm ? 12 : 0);
}

/// Monday is the calendar's first day; the register's week begins with Sunday, which is 1.
unsigned weekday(std::int64_t seconds) {
    return std::chrono::weekday(sys_days(days(floor_divide(seconds, kDay)))).c_encoding();
}

}  // namespace

bool TimeRegisters::is_time(unsigned index) {
    return index == kSeconds || index == kMinutes || index == kHours || index == kCentury ||
           (index >= kDayOfWeek && index <= kYear);
}

std::uint8_t TimeRegisters::encode(unsigned index, std::int64_t seconds, unsigned weekday_offset,
                                   Format format) const {
    const auto second_of_day = unsigned(floor_modulo(seconds, kDay));
    const std::chrono::year_month_day date(sys_days(days(floor_divide(seconds, kDay))));
    const auto year = unsigned(floor_modulo(int(date.year()) - std::int64_t(base_year_), 10'000));
    switch (index) {
    case kSeconds: return to_register(second_of_day % 60, format);
    case kMinutes: return to_register(second_of_day / 60 % 60, format);
    case kHours: return hours_to_register(second_of_day / 3600, format);
    case kDayOfWeek: return to_register((weekday(seconds) + weekday_offset) % 7 + 1, format);
    case kDayOfMonth: return to_register(unsigned(date.day()), format);
    case kMonth: return to_register(unsigned(date.month()), format);
    case kYear: return to_register(year % 100, format);
    default: return to_register(year / 100, format);
    }
}

TimeRegisters::Decoded TimeRegisters::decode(const std::uint8_t* bytes, Format format) const {
    const auto value = [&](unsigned index) { return from_register(bytes[index], format); };
    const int month = int(value(kMonth)) + 11;  // of the year before: January is 12
    const int year = int(base_year_ + value(kCentury) * 100 + value(kYear)) + month / 12 - 1;
    const sys_days first = std::chrono::year(year) / (month % 12 + 1) / 1;
    const std::int64_t day = (first + days(int(value(kDayOfMonth)) - 1)).time_since_epoch().count();
    const std::int64_t seconds = day * kDay + hours_from_register(bytes[kHours], format) * 3600 +
                                 value(kMinutes) * 60 + value(kSeconds);
    const unsigned shown = (value(kDayOfWeek) + 6) % 7;
    return {seconds, (shown + 7 - weekday(seconds)) % 7};
}

namespace {

/// What one alarm byte asks for.
struct AlarmField {
    AlarmField(std::uint8_t byte, unsigned value, std::uint8_t written_back)
        : any(byte >= kAnyFrom), possible(any || byte == written_back), wanted(value) {}
    bool fits(unsigned value) const { return any || value == wanted; }
    bool any;
    bool possible;  ///< some time reads so
    unsigned wanted;
};

AlarmField alarm_field(std::uint8_t byte, Format format) {
    const unsigned value = from_register(byte, format);
    return {byte, value, value < 60 ? to_register(value, format) : std::uint8_t(~byte)};
}
AlarmField alarm_hours(std::uint8_t byte, Format format) {
    const unsigned value = hours_from_register(byte, format);
    return {byte, value, value < 24 ? hours_to_register(value, format) : std::uint8_t(~byte)};
}

}  // namespace

std::optional<std::int64_t> TimeRegisters::next_alarm(const std::uint8_t* bytes, Format format,
                                                      std::int64_t after) {
    const AlarmField second = alarm_field(bytes[kSecondsAlarm], format);
    const AlarmField minute = alarm_field(bytes[kMinutesAlarm], format);
    const AlarmField hour = alarm_hours(bytes[kHoursAlarm], format);
    if (!second.possible || !minute.possible || !hour.possible) return {};
    // At most 24 hours, then 60 minutes, then 60 seconds are passed over.
    for (std::int64_t at = after + 1; at <= after + kDay;) {
        const auto of_day = unsigned(floor_modulo(at, kDay));
        if (!hour.fits(of_day / 3600)) at += 3600 - of_day % 3600;
        else if (!minute.fits(of_day / 60 % 60)) at += 60 - of_day % 60;
        else if (!second.fits(of_day % 60)) ++at;
        else return at;
    }
    return {};
}

}  // namespace backplane::mc146818
