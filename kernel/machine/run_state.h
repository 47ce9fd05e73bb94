// What a machine is doing, as `query-status` names it.
#pragma once

namespace backplane::kernel {

enum class RunState { Prelaunch, InMigrate, Running, Paused, Debug, Shutdown, GuestPanicked, InternalError };
const char* run_state_name(RunState state);

}  // namespace backplane::kernel
