#include "kernel/program/process.h"

#include "kernel/program/sandbox.h"
#include "kernel/vocabulary/suboptions.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

constexpr char kReady = 'r';

[[noreturn]] void fail(const std::string& option, const std::string& what, int error) {
    throw UserError(option + ": " + what + ": " + std::strerror(error));
}

/// The first process: ends with the other's success, or with its status.
[[noreturn]] void wait_for(pid_t child, int pipe) {
    char answer = 0;
    ssize_t got;
    do got = read(pipe, &answer, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1 && answer == kReady) _exit(0);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
}

/// The group and user that "name", "name:group" or "uid:gid" stand for.
struct Identity {
    uid_t user = 0;
    gid_t group = 0;
    std::string name;  ///< whose further groups are taken; empty: none
};

Identity identity_of(const std::string& option, const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string user = text.substr(0, colon);
    if (const passwd* entry = getpwnam(user.c_str()); entry && colon == std::string::npos)
        return {entry->pw_uid, entry->pw_gid, user};
    if (colon == std::string::npos)
        throw UserError(option + ": there is no user '" + user + "'; give a name, or UID:GID");
    try {
        return {uid_t(number_value("uid", user, 0xffff'fffe)),
                gid_t(number_value("gid", text.substr(colon + 1), 0xffff'fffe)), ""};
    } catch (const UserError& error) {
        throw UserError(option + ": " + error.what());
    }
}

void become(const std::string& option, const Identity& identity) {
    const bool groups = identity.name.empty() ? setgroups(1, &identity.group) == 0
                                              : initgroups(identity.name.c_str(), identity.group) == 0;
    if (!groups || setgid(identity.group) != 0 || setuid(identity.user) != 0)
        fail(option, "cannot become that user", errno);
    if (identity.user != 0 && setuid(0) == 0) throw UserError(option + ": the old user could be had back");
}

void lock_memory(const ProcessPlan& plan) {
    if (plan.memory_lock == ProcessPlan::MemoryLock::Off) return;
    int flags = MCL_CURRENT | MCL_FUTURE;
    if (plan.memory_lock == ProcessPlan::MemoryLock::OnFault) flags |= MCL_ONFAULT;
    if (mlockall(flags) != 0)
        fail(plan.memory_lock_option, "cannot keep all memory from being swapped (ulimit -l)", errno);
}

}  // namespace

Daemon::Daemon(bool wanted) {
    if (!wanted) return;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("-daemonize", "cannot make a pipe", errno);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) fail("-daemonize", "cannot start another process", errno);
    if (child > 0) {
        close(ends[1]);
        wait_for(child, ends[0]);
    }
    close(ends[0]);
    pipe_ = ends[1];
    setsid();
}

Daemon::~Daemon() {
    if (pipe_ >= 0) close(pipe_);
}

void Daemon::ready() {
    if (pipe_ < 0) return;
    if (chdir("/") != 0) fail("-daemonize", "cannot go to /", errno);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) fail("-daemonize", "cannot open /dev/null", errno);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, stream);
    close(null);
    // Who waits may be gone.
    if (write(pipe_, &kReady, 1) < 0) {}
    close(pipe_);
    pipe_ = -1;
}

void follow_parent(const ProcessPlan& plan) {
    if (!plan.exit_with_parent) return;
    const pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) fail("-run-with exit-with-parent=on", "refused", errno);
    // It may have ended just before.
    if (getppid() != parent) raise(SIGTERM);
}

void confine_process(const ProcessPlan& plan) {
    lock_memory(plan);
    // A user's name is looked up while its files can be seen.
    Identity identity;
    if (!plan.user.empty()) identity = identity_of(plan.user_option, plan.user);
    if (!plan.root.empty() && (chroot(plan.root.c_str()) != 0 || chdir("/") != 0))
        fail(plan.root_option, "cannot make '" + plan.root + "' the root", errno);
    if (!plan.user.empty()) become(plan.user_option, identity);
    enter_sandbox(plan.sandbox);
}

}  // namespace backplane::kernel
