#include "opening.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace backplane::migration {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_CLOEXEC;

bool fail(Errors& errors, const std::string& what, int error) {
    errors.fail(what + ": " + std::strerror(error));
    return false;
}

bool unix_address(const std::string& path, sockaddr_un& address, Errors& errors) {
    address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errors.fail("path '" + path.substr(0, 200) + "' is longer than a socket's may be (" +
                    std::to_string(sizeof address.sun_path - 1) + " bytes)");
        return false;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return true;
}

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;
Addresses look_up(const Place& place, int flags, Errors& errors) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* list = nullptr;
    const int error =
        getaddrinfo(place.text.empty() ? nullptr : place.text.c_str(), place.port.c_str(), &hints, &list);
    if (error != 0) errors.fail("tcp:" + place.text + ":" + place.port + ": " + gai_strerror(error));
    return {list, freeaddrinfo};
}

/// 0, an errno, or ECANCELED.
int connect_within(int fd, const sockaddr* address, socklen_t size, const BreakSignal& breaking) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (connect(fd, address, size) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!breaking.wait(fd, POLLOUT)) return ECANCELED;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

bool connect_unix(const Place& place, const BreakSignal& breaking, Descriptor& descriptor, Errors& errors) {
    sockaddr_un address;
    if (!unix_address(place.text, address, errors)) return false;
    descriptor = Descriptor(socket(AF_UNIX, kSocketFlags, 0));
    const int error = descriptor
                          ? connect_within(descriptor.get(), reinterpret_cast<const sockaddr*>(&address),
                                           sizeof address, breaking)
                          : errno;
    return error == 0 || fail(errors, "connecting to unix:" + place.text, error);
}

bool connect_tcp(const Place& place, const BreakSignal& breaking, Descriptor& descriptor, Errors& errors) {
    const Addresses list = look_up(place, 0, errors);
    if (!list) return false;
    int error = 0;
    for (const addrinfo* entry = list.get(); entry; entry = entry->ai_next) {
        descriptor = Descriptor(socket(entry->ai_family, kSocketFlags, 0));
        error = descriptor ? connect_within(descriptor.get(), entry->ai_addr, entry->ai_addrlen, breaking)
                           : errno;
        if (error == 0 || error == ECANCELED) break;
    }
    return error == 0 || fail(errors, "connecting to tcp:" + place.text + ":" + place.port, error);
}

/// Starts `/bin/sh -c command` with its input or output at the other end of a pipe.
bool start_command(const std::string& command, Direction direction, Opened& opened, Errors& errors) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail(errors, "exec:", errno);
    const bool save = direction == Direction::Save;
    Descriptor ours(save ? ends[1] : ends[0]), theirs(save ? ends[0] : ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), save ? STDIN_FILENO : STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string shell = "/bin/sh", option = "-c", text = command;
    char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
    pid_t pid = -1;
    const int error = posix_spawn(&pid, shell.c_str(), &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail(errors, "exec: /bin/sh", error);
    opened.descriptor = std::move(ours);
    opened.child = ChildProcess(pid);
    return true;
}

}  // namespace

ChildProcess::~ChildProcess() {
    if (pid_ < 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
}

bool ChildProcess::wait(const BreakSignal& breaking, Errors& errors) {
    if (pid_ < 0) return true;
    const Descriptor watch(int(syscall(SYS_pidfd_open, pid_, 0)));
    if (watch && !breaking.wait(watch.get(), POLLIN)) {
        errors.fail("cancelled");
        return false;
    }
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    errors.fail(WIFEXITED(status) ? "the command ended with status " + std::to_string(WEXITSTATUS(status))
                                  : "the command was ended by signal " + std::to_string(WTERMSIG(status)));
    return false;
}

bool open_place(const Place& place, Direction direction, const BreakSignal& breaking, Opened& opened,
                Errors& errors) {
    switch (place.kind) {
    case Place::Kind::Command: return start_command(place.text, direction, opened, errors);
    case Place::Kind::Unix: return connect_unix(place, breaking, opened.descriptor, errors);
    case Place::Kind::Tcp: return connect_tcp(place, breaking, opened.descriptor, errors);
    case Place::Kind::File:
        opened.descriptor = Descriptor(open(place.text.c_str(), O_RDONLY | O_CLOEXEC));
        return opened.descriptor || fail(errors, "could not open '" + place.text + "'", errno);
    case Place::Kind::Descriptor:
    case Place::Kind::Defer: break;
    }
    errors.fail("there is nothing to open");
    return false;
}

Descriptor listen_at(const Place& place, Errors& errors) {
    Descriptor descriptor;
    const auto listening = [&](const sockaddr* address, socklen_t size) {
        return bind(descriptor.get(), address, size) == 0 && listen(descriptor.get(), 1) == 0;
    };
    if (place.kind == Place::Kind::Unix) {
        sockaddr_un address;
        if (!unix_address(place.text, address, errors)) return Descriptor();
        descriptor = Descriptor(socket(AF_UNIX, kSocketFlags, 0));
        unlink(place.text.c_str());
        if (descriptor && listening(reinterpret_cast<const sockaddr*>(&address), sizeof address))
            return descriptor;
        fail(errors, "listening at unix:" + place.text, errno);
        return Descriptor();
    }
    const Addresses list = look_up(place, AI_PASSIVE, errors);
    if (!list) return Descriptor();
    for (const addrinfo* entry = list.get(); entry; entry = entry->ai_next) {
        descriptor = Descriptor(socket(entry->ai_family, kSocketFlags, 0));
        const int on = 1;
        if (descriptor) setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (descriptor && listening(entry->ai_addr, entry->ai_addrlen)) return descriptor;
    }
    fail(errors, "listening at tcp:" + place.text + ":" + place.port, errno);
    return Descriptor();
}

Descriptor inherited(const std::string& number, Errors& errors) {
    int fd = -1;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), fd);
    if (error != std::errc() || end != number.data() + number.size() || fd < 0 || fcntl(fd, F_GETFD) < 0) {
        errors.fail("fd:" + number + ": this process has no such descriptor");
        return Descriptor();
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return Descriptor(fd);
}

}  // namespace backplane::migration
