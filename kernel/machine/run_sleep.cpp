// RunControl, as far as the guest's sleep goes.
#include "kernel/machine/machine_parts.h"
#include "kernel/machine/run_control.h"

#include <utility>

namespace backplane::kernel {

/// All of the machine that offer `Interface`.
template <class Interface, class Call>
void RunControl::tell_all(const char* name, const Call& call) const {
    machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
        if (auto* part = query<Interface>(instance)) contained(instance.callee(), name, [&] { call(*part); });
    });
}

bool RunControl::can_sleep() const {
    bool can = false;
    tell_all<SleepControl>("SleepControl::can_sleep()",
                           [&](const SleepControl& control) { can |= control.can_sleep(); });
    return can;
}

/// A machine that somebody stopped meanwhile sleeps as soon as it goes on.
void RunControl::fall_asleep() {
    if (asleep_ || state_ == RunState::Shutdown || state_ == RunState::InternalError) return;
    asleep_ = true;
    if (state_ == RunState::Running) {
        machine_.processors.stop();
        set_state(RunState::Suspended);
    }
    tell_all<SleepListener>("SleepListener::falls_asleep()",
                            [](SleepListener& listener) { listener.falls_asleep(); });
    emit("SUSPEND", "{}");
}

void RunControl::wake(WakeCause cause) {
    if (state_ != RunState::Suspended) return;
    bool wanted = cause != WakeCause::Clock;
    if (!wanted)
        tell_all<SleepControl>("SleepControl::wakes_on()",
                               [&](const SleepControl& control) { wanted |= control.wakes_on(cause); });
    if (!wanted) return;
    waking_ = true;
    machine_.reset_all();
    waking_ = false;
    asleep_ = false;
    tell_all<SleepControl>("SleepControl::woke()", [&](SleepControl& control) { control.woke(cause); });
    set_state(RunState::Running);
    machine_.processors.start();
    emit("WAKEUP", "{}");
}

/// The processor that asks goes no further: what it does next it does awake.
void RunControl::request_sleep() {
    if (state_ == RunState::Running && !asleep_) machine_.processors.request_stop();
    request([](Requests& r) { r.sleep = true; });
}

/// What comes while it is about to fall asleep wakes it as well: nothing else might.
void RunControl::request_wake(WakeCause cause) {
    if (state_ == RunState::Running && !asleep_) {
        const std::lock_guard guard(mutex_);
        if (!requests_.sleep) return;
    }
    request([&](Requests& r) { r.wake = cause; });
}

}  // namespace backplane::kernel
