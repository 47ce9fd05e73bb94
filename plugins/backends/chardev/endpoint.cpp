#include "endpoint.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

bool unix_target(const std::string& path, Target& target, std::string& problem) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        problem = "path '" + path + "' is longer than a socket's may be (" +
                  std::to_string(sizeof address.sun_path - 1) + " bytes)";
        return false;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    target = {};
    std::memcpy(&target.address, &address, sizeof address);
    target.size = sizeof address;
    return true;
}

std::vector<Target> lookup(const Endpoint& endpoint, bool passive, std::string& problem) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    addrinfo* list = nullptr;
    const int error = getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(),
                                  endpoint.port.c_str(), &hints, &list);
    if (error != 0) {
        problem = "address resolution of '" + endpoint.host + ":" + endpoint.port +
                  "' failed: " + gai_strerror(error);
        return {};
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
    std::vector<Target> targets;
    for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
        Target& target = targets.emplace_back();
        target.size = entry->ai_addrlen;
        std::memcpy(&target.address, entry->ai_addr, entry->ai_addrlen);
    }
    return targets;
}

int new_socket(const Target& target) {
    return socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

const sockaddr* generic(const Target& target) { return reinterpret_cast<const sockaddr*>(&target.address); }

/// A socket file that nobody listens on.
bool left_behind(const std::string& path, const Target& target) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    const int probe = new_socket(target);
    const bool refused = connect(probe, generic(target), target.size) != 0 && errno == ECONNREFUSED;
    close(probe);
    return refused;
}

}  // namespace

std::string Endpoint::text() const { return path.empty() ? "tcp:" + host + ":" + port : "unix:" + path; }

std::vector<Target> targets_of(const Endpoint& endpoint, std::string& problem) {
    if (endpoint.path.empty()) return lookup(endpoint, false, problem);
    std::vector<Target> targets(1);
    if (!unix_target(endpoint.path, targets[0], problem)) targets.clear();
    return targets;
}

SocketResult listen_at(const Endpoint& endpoint) {
    std::string problem;
    const std::vector<Target> targets =
        endpoint.path.empty() ? lookup(endpoint, true, problem) : targets_of(endpoint, problem);
    for (const Target& target : targets) {
        const int fd = new_socket(target);
        const int on = 1;
        if (endpoint.path.empty()) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        else if (left_behind(endpoint.path, target)) unlink(endpoint.path.c_str());
        if (fd >= 0 && bind(fd, generic(target), target.size) == 0 && listen(fd, 1) == 0) return {fd, {}};
        problem = std::string("cannot listen: ") + std::strerror(errno);
        if (fd >= 0) close(fd);
    }
    return {-1, problem};
}

SocketResult start_connecting(const Target& target) {
    const int fd = new_socket(target);
    if (fd < 0) return {-1, std::strerror(errno)};
    if (connect(fd, generic(target), target.size) == 0 || errno == EINPROGRESS || errno == EAGAIN)
        return {fd, {}};
    const std::string problem = std::strerror(errno);
    close(fd);
    return {-1, problem};
}

int connection_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace backplane::chardev
