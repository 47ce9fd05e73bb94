// -sandbox: a filter of system calls, for the case that a guest gets hold of this process.
#pragma once

#include "kernel/launch/plan.h"

namespace backplane::kernel {

/// From here on, in all threads there are and will be, what the plan denies fails with EPERM, and what no emulator has
/// any business with ends the process. Throws UserError when the kernel does not filter.
void enter_sandbox(const SandboxPlan& plan);

}  // namespace backplane::kernel
