// What becomes of the process itself: its terminal, its user, its root, its memory.
#pragma once

#include "kernel/launch/plan.h"

namespace backplane::kernel {

/// -daemonize: the process that was started ends when the machine is ready, or could not be made; the machine lives
/// on in another one, without a terminal. Nothing when it was not asked for.
class Daemon {
  public:
    /// Forks; returns in the new process alone. Before any thread is made. Throws UserError.
    explicit Daemon(bool wanted);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();
    /// The machine is there: lets go of the terminal, and of who waits.
    void ready();

  private:
    int pipe_ = -1;
};

/// -run-with exit-with-parent=. Before the machine is made. Throws UserError.
void follow_parent(const ProcessPlan& plan);
/// -overcommit, -run-with, -sandbox: when the machine is made, before it runs. Throws UserError.
void confine_process(const ProcessPlan& plan);

}  // namespace backplane::kernel
