// CPUs that stand still: while somebody looks at their states, or changes what they read without a lock.
#pragma once

#include "kernel/machine/machine.h"

namespace backplane::kernel {

/// From here to its end none of the machine's CPUs executes. Thread: main, with the machine lock held.
class StoppedCpus {
  public:
    explicit StoppedCpus(Machine& machine)
        : accelerator_(machine.run_state() == RunState::Running ? machine.accelerator() : nullptr) {
        if (accelerator_) accelerator_->stop();
    }
    StoppedCpus(const StoppedCpus&) = delete;
    StoppedCpus& operator=(const StoppedCpus&) = delete;
    ~StoppedCpus() {
        if (accelerator_) accelerator_->start();
    }

  private:
    Accelerator* accelerator_;
};

}  // namespace backplane::kernel
