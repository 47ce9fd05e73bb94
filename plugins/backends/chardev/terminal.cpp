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

/// Signals that end the process past its destructors. Their handlers are reset when they come.
constexpr int kFatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGINT, SIGTERM, SIGHUP};

void die(int signal) {
    restore();
    raise(signal);
}

void continued(int) {
    if (raw && in_foreground()) tcsetattr(STDIN_FILENO, TCSANOW, &raw_modes);
}

/// Installs `handler` unless somebody else handles the signal.
void handle(int signal, void (*handler)(int), int flags) {
    struct sigaction current {};
    sigaction(signal, nullptr, &current);
    if ((current.sa_flags & SA_SIGINFO) || current.sa_handler != SIG_DFL) return;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(signal, &action, nullptr);
}

void unhandle(int signal, void (*handler)(int)) {
    struct sigaction current {};
    sigaction(signal, nullptr, &current);
    if (!(current.sa_flags & SA_SIGINFO) && current.sa_handler == handler) std::signal(signal, SIG_DFL);
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
    for (const int signal : kFatal) handle(signal, die, int(SA_RESETHAND | SA_NODEFER));
    handle(SIGCONT, continued, SA_RESTART);
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
    for (const int signal : kFatal) unhandle(signal, die);
    unhandle(SIGCONT, continued);
}

}  // namespace backplane::chardev
