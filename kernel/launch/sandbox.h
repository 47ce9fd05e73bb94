// -sandbox: a filter of system calls, for the case that a guest gets hold of this process.
#pragma once

namespace backplane::kernel {

struct SandboxPlan {
    bool on = false;
    bool deny_obsolete = true;
    bool deny_elevation = false;  ///< changes of user and group
    bool deny_spawn = false;      ///< other processes and programs
    bool deny_resources = false;  ///< priorities and CPU affinity
    bool operator==(const SandboxPlan&) const = default;
};

/// From here on, in all threads there are and will be, what the plan denies fails with EPERM, and what no emulator has
/// any business with ends the process. Throws UserError when the kernel does not filter.
void enter_sandbox(const SandboxPlan& plan);

}  // namespace backplane::kernel
