// Keyboards and pointers of a machine: what people do with them, and who hears it.
//
// A device hears what it offers InputDevice for; nothing needs to be registered. The service "input" (offered by the
// host as InputHub) finds the devices of the machine by that interface and hands each event to the one that is
// meant. Displays and monitors are where events come from.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// What happened. Default: a kind that a device does not know is not for it.
enum class InputKind : std::uint8_t {
    Key,       ///< `code`: a key's number (<backplane/input_keys.h>); `value`: 1 went down, 0 up
    Button,    ///< `code`: an InputButton; `value`: 1 went down, 0 up
    Relative,  ///< `code`: an InputAxis; `value`: how far it moved, in counts; right and down are positive
    Absolute,  ///< `code`: an InputAxis; `value`: 0 (left, top) to kInputAbsoluteMaximum
};
/// Default: a button that a device does not know is not for it.
enum class InputButton : std::uint16_t {
    Left,
    Middle,
    Right,
    WheelUp,
    WheelDown,
    Side,
    Extra,
    WheelLeft,
    WheelRight
};
/// Default: an axis that a device does not know is not for it.
enum class InputAxis : std::uint16_t { X, Y };
inline constexpr std::int32_t kInputAbsoluteMaximum = 0x7fff;

/// Fixed.
struct InputEvent {
    InputKind kind = InputKind::Key;
    std::uint16_t code = 0;
    std::int32_t value = 0;
};

/// What a device takes, as a set. Buttons go with either pointer.
namespace input_takes {
inline constexpr std::uint32_t kKeys = 1;
inline constexpr std::uint32_t kRelative = 2;
inline constexpr std::uint32_t kAbsolute = 4;
}  // namespace input_takes

/// Offered by the part of a device that is a keyboard or a pointer. Thread: holding the machine lock.
class InputDevice {
  public:
    static constexpr const char* kId = "backplane.input-device/1";
    virtual std::uint32_t takes() const = 0;
    /// Has the guest switched it on? Of several devices that take an event, the last one that listens gets it; if none
    /// does, the last one.
    virtual bool listening() const = 0;
    /// Events that belong together (a movement along both axes). A key that is down already may go down again, as
    /// hosts' keyboards repeat: a device that repeats by itself leaves those out.
    virtual void input(Slice<const InputEvent> events) = 0;

  protected:
    ~InputDevice() = default;
};

/// The host interface through which events come in. Thread: holding the machine lock.
class InputHub {
  public:
    static constexpr const char* kId = "backplane.input-hub/1";
    /// What happened at once. False when no device takes any of it.
    virtual bool send(Slice<const InputEvent> events) = 0;
    /// Does a device take this (a set of input_takes)? So a display knows whether to hold the host's pointer.
    virtual bool taken(std::uint32_t kinds) const = 0;

  protected:
    ~InputHub() = default;
};

}  // namespace backplane
