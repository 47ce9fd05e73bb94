// How a thread that is in the guest is made to leave it: a signal whose handler sets the flag with which the kernel does not
// enter (again), so that none is lost between a look at requests and KVM_RUN (api 5, immediate_exit).
#pragma once

#include "kernel_interface.h"
#include <pthread.h>

namespace backplane::kvm {

/// Called by the vCPU's thread before it first runs.
void take_kicks(kvm_run& run);
/// Thread: any, while `thread` is not joined.
void kick(pthread_t thread);

}  // namespace backplane::kvm
