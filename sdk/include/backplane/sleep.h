// Machines that sleep with their memory kept (ACPI's S3): how a guest lets its machine fall asleep, and what wakes it.
//
// Asleep, processors stand still while clocks and devices go on. Waking is a reset that keeps memory; firmware and the guest's
// system then find out by themselves that they slept. `system_wakeup` wakes a machine as well.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Why a machine wakes. Default: like Other.
enum class WakeCause : std::uint8_t {
    Other,        ///< a key, a monitor's user: always
    PowerButton,  ///< always
    Clock,        ///< the alarm of a clock: where a SleepControl has it switched on
};

/// The host interface "backplane.machine-sleep/1" (DeviceContext::host_interface).
class MachineSleep {
  public:
    static constexpr const char* kId = "backplane.machine-sleep/1";
    /// The guest wants to sleep. Thread: any; it happens on the host loop.
    virtual void request_sleep() = 0;
    /// Something happened that wakes; nothing comes of it in a machine that is awake. Thread: any; it happens on the
    /// host loop.
    virtual void request_wake(WakeCause cause) = 0;
    /// Thread: any.
    virtual bool asleep() const = 0;
    /// Is the reset that goes on one of waking? What only a start puts into memory is left out then. Thread: holding
    /// the machine lock.
    virtual bool waking() const = 0;

  protected:
    ~MachineSleep() = default;
};

/// Offered by the device that guests sleep through. Thread: main, holding the machine lock.
class SleepControl {
  public:
    static constexpr const char* kId = "backplane.sleep-control/1";
    /// Has a guest a way to sleep here?
    virtual bool can_sleep() const = 0;
    /// Has the guest switched `cause` on? Asked for WakeCause::Clock alone.
    virtual bool wakes_on(WakeCause cause) const = 0;
    /// The machine woke: it was reset, and its processors do not run yet.
    virtual void woke(WakeCause cause) = 0;

  protected:
    ~SleepControl() = default;
};

/// Offered by who has to do with the machine's falling asleep (a board that leaves a note for its firmware). Thread: main,
/// holding the machine lock; processors do not run any more.
class SleepListener {
  public:
    static constexpr const char* kId = "backplane.sleep-listener/1";
    virtual void falls_asleep() = 0;

  protected:
    ~SleepListener() = default;
};

}  // namespace backplane
