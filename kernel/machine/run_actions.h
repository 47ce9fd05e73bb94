// What follows when the guest resets, powers off or panics, or a watchdog runs out: the user's choice.
#pragma once

#include <backplane/abi.h>

namespace backplane::kernel {

struct RunActions {
    enum class Reboot { Reset, Shutdown } reboot = Reboot::Reset;
    enum class Shutdown { Poweroff, Pause } shutdown = Shutdown::Poweroff;
    enum class Panic { Pause, Shutdown, ExitFailure, None } panic = Panic::Shutdown;
    enum class Watchdog {
        Reset,
        Shutdown,
        Poweroff,
        Pause,
        Debug,
        None,
        InjectNmi
    } watchdog = Watchdog::Reset;
    bool operator==(const RunActions&) const = default;
};

/// The events that have a choice, and their choices, as -action and set-action spell them: "reset|shutdown".
struct RunActionRow {
    const char* event;
    const char* choices;
};
Slice<const RunActionRow> run_action_rows();
/// "reboot", "shutdown", … False and a reason for what there is not.
bool set_run_action(RunActions& actions, Str event, Str choice, Errors& errors);

}  // namespace backplane::kernel
