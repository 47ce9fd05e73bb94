// Log categories, as `-d` and `--trace` select them.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Default: Info.
enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warning, Error };

/// Owner: the host. Thread: any.
class Log {
  public:
    static constexpr const char* kId = "backplane.log/1";
    /// Is anybody listening? Ask before formatting a message that is costly.
    virtual bool enabled(Str category) const = 0;
    virtual void write(LogLevel level, Str category, Str message) = 0;
    /// Says once per (object, `key`) that a guest did what it should not: category "guest_errors".
    virtual void guest_error(Str key, Str message) = 0;

  protected:
    ~Log() = default;
};

}  // namespace backplane
