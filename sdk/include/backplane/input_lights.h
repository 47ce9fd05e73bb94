// The lights of keyboards: what a guest says of their locks, which displays show to people.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// A set.
namespace input_lights {
inline constexpr std::uint32_t kScrollLock = 1;
inline constexpr std::uint32_t kNumLock = 2;
inline constexpr std::uint32_t kCapsLock = 4;
}  // namespace input_lights

/// Offered by the part of a device that is a keyboard (<backplane/input.h>) with such lights. Thread: main, or holding the
/// machine lock.
class InputLights {
  public:
    static constexpr const char* kId = "backplane.input-lights/1";
    /// Those that are on, of input_lights.
    virtual std::uint32_t lights() const = 0;

  protected:
    ~InputLights() = default;
};

}  // namespace backplane
