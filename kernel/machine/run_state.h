// What a machine is doing, as `query-status` names it.
#pragma once

namespace backplane::kernel {

enum class RunState {
    Prelaunch,
    Running,
    Paused,
    Suspended,  ///< the guest sleeps: processors stand still, clocks and devices go on
    Debug,      ///< a debugger stopped it
    Shutdown,
    GuestPanicked,
    Watchdog,
    InternalError,
    IoError,        ///< the host could not do what a disk was to do
    InMigrate,      ///< a saved machine is expected
    FinishMigrate,  ///< it is being saved
    PostMigrate,    ///< it was saved, and may be going on elsewhere
};
const char* run_state_name(RunState state);

}  // namespace backplane::kernel
