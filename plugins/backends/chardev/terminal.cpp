// What is static here is what signal handlers reach: a terminal belongs to the process, not to a machine.
#include "terminal.h"

#include <atomic>
#include <csignal>
#include <cstdlib>

#include <termios.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

termios saved_modes;
termios raw_modes;
std::atomic<bool> raw{false};

/// Setting the modes of the controlling terminal from the background would stop the process.
bool in_foreground() {
    const pid_t group = tcgetpgrp(STDIN_FILENO);
    return group < 0 || group == getpgrp();
}

void restore() {
    if (raw.exchange(false)) tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
}

/// Signals that end the process past its destructors.
constexpr int kFatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGINT, SIGTERM, SIGHUP};

/// Who handled a signal before.
struct sigaction before[NSIG];

void die(int signal, siginfo_t* info, void* context) {
    restore();
    sigaction(signal, &before[signal], nullptr);
    if (before[signal].sa_flags & SA_SIGINFO) before[signal].sa_sigaction(signal, info, context);
    else raise(signal);
}

void continued(int) {
    if (raw && in_foreground()) tcsetattr(STDIN_FILENO, TCSANOW, &raw_modes);
}

/// Restores the terminal when the signal comes, and then goes on as it would have. A handler that cannot be gone on
/// with as a last word (one that only takes the number) is left alone.
void catch_fatal(int signal) {
    sigaction(signal, nullptr, &before[signal]);
    if (!(before[signal].sa_flags & SA_SIGINFO) && before[signal].sa_handler != SIG_DFL) return;
    struct sigaction action {};
    action.sa_sigaction = die;
    action.sa_flags = int(SA_SIGINFO | SA_NODEFER | SA_ONSTACK);
    sigaction(signal, &action, nullptr);
}

void let_go(int signal) {
    struct sigaction current {};
    sigaction(signal, nullptr, &current);
    if ((current.sa_flags & SA_SIGINFO) && current.sa_sigaction == die)
        sigaction(signal, &before[signal], nullptr);
}

}  // namespace

bool RawTerminal::enter(bool signals) {
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &raw_modes) != 0) return true;
    if (raw) return false;
    saved_modes = raw_modes;
    raw_modes.c_iflag &= tcflag_t(~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON));
    raw_modes.c_lflag &= tcflag_t(~(ECHO | ECHONL | ICANON | IEXTEN));
    if (!signals) raw_modes.c_lflag &= tcflag_t(~ISIG);
    raw_modes.c_cflag = (raw_modes.c_cflag & tcflag_t(~(CSIZE | PARENB))) | CS8;
    raw_modes.c_cc[VMIN] = 1;
    raw_modes.c_cc[VTIME] = 0;
    // Once in a process; the plugin is never unloaded.
    static const int registered = std::atexit(restore);
    static_cast<void>(registered);
    for (const int signal : kFatal) catch_fatal(signal);
    struct sigaction current {};
    sigaction(SIGCONT, nullptr, &current);
    if (current.sa_handler == SIG_DFL) {
        current.sa_handler = continued;
        current.sa_flags = SA_RESTART;
        sigaction(SIGCONT, &current, nullptr);
    }
    raw = true;
    entered_ = true;
    // In the background they are set when the process is brought to the foreground.
    if (in_foreground()) tcsetattr(STDIN_FILENO, TCSANOW, &raw_modes);
    return true;
}

void RawTerminal::leave() {
    if (!entered_) return;
    entered_ = false;
    restore();
    for (const int signal : kFatal) let_go(signal);
    struct sigaction current {};
    sigaction(SIGCONT, nullptr, &current);
    if (current.sa_handler == continued) std::signal(SIGCONT, SIG_DFL);
}

}  // namespace backplane::chardev
