#include "kick.h"

#include <csignal>

namespace backplane::kvm {

namespace {

thread_local kvm_run* this_run = nullptr;

/// Beside the one that the core's crash reports use.
int kick_signal() { return SIGRTMIN + 1; }

void leave_guest(int) {
    if (this_run) __atomic_store_n(&this_run->immediate_exit, 1, __ATOMIC_RELAXED);
}

}  // namespace

void take_kicks(kvm_run& run) {
    this_run = &run;
    struct sigaction action {};
    action.sa_handler = leave_guest;
    sigemptyset(&action.sa_mask);
    sigaction(kick_signal(), &action, nullptr);
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, kick_signal());
    pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
}

void kick(pthread_t thread) { pthread_kill(thread, kick_signal()); }

}  // namespace backplane::kvm
