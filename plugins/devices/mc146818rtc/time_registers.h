// The clock's ten registers of time and three of the alarm, as bytes: BCD or binary, 12 or 24 hours.
#pragma once

#include <cstdint>
#include <optional>

namespace backplane::mc146818 {

// Register numbers (MC146818A, figure 11), and where PCs keep the century.
inline constexpr unsigned kSeconds = 0x00;
inline constexpr unsigned kSecondsAlarm = 0x01;
inline constexpr unsigned kMinutes = 0x02;
inline constexpr unsigned kMinutesAlarm = 0x03;
inline constexpr unsigned kHours = 0x04;
inline constexpr unsigned kHoursAlarm = 0x05;
inline constexpr unsigned kDayOfWeek = 0x06;
inline constexpr unsigned kDayOfMonth = 0x07;
inline constexpr unsigned kMonth = 0x08;
inline constexpr unsigned kYear = 0x09;
inline constexpr unsigned kCentury = 0x32;

/// How register B says that numbers are written.
struct Format {
    bool binary = false;
    bool hours_24 = true;
};

/// Everything between a count of seconds since 1970 and the registers. Dates that do not exist roll over.
class TimeRegisters {
  public:
    /// Years are counted from `base_year`.
    explicit TimeRegisters(std::uint32_t base_year) : base_year_(base_year) {}

    static bool is_time(unsigned index);
    /// The byte of a time register at that time. `weekday_offset`: days that the guest's week is ahead of the calendar's.
    std::uint8_t encode(unsigned index, std::int64_t seconds, unsigned weekday_offset, Format format) const;
    /// The time that the registers in `bytes` (indexed by their numbers) say, and how far the day of the week is ahead.
    struct Decoded {
        std::int64_t seconds;
        unsigned weekday_offset;
    };
    Decoded decode(const std::uint8_t* bytes, Format format) const;

    /// The first second after `after` that fits the three alarm registers; none when no time ever does.
    static std::optional<std::int64_t> next_alarm(const std::uint8_t* bytes, Format format,
                                                  std::int64_t after);

  private:
    std::uint32_t base_year_;
};

}  // namespace backplane::mc146818
