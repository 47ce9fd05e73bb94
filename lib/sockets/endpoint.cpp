#include <lib/sockets.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace backplane::sockets {

namespace {

std::vector<Target> unix_target(const Endpoint& endpoint, std::string& problem) {
    sockaddr_un address{};
    const std::size_t first = endpoint.abstract ? 1 : 0;
    const std::size_t limit = sizeof address.sun_path - 1;
    if (endpoint.path.size() > limit - first) {
        problem = "path '" + endpoint.path + "' is longer than a socket's may be (" +
                  std::to_string(limit - first) + " bytes)";
        return {};
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + first, endpoint.path.c_str(), endpoint.path.size());
    Target target{};
    std::memcpy(&target.address, &address, sizeof address);
    target.size = sizeof address;
    if (endpoint.abstract && endpoint.tight)
        target.size = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + endpoint.path.size());
    return {target};
}

/// A port in digits that no port can be; a name is left to the services of the host.
bool impossible_port(const std::string& port) {
    const bool digits = std::ranges::all_of(port, [](unsigned char c) { return c >= '0' && c <= '9'; });
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return digits && !port.empty() && (error != std::errc() || number > 65535);
}

/// One question to the resolver; 0 or its error.
int ask(const Endpoint& endpoint, const std::string& port, int flags, std::vector<Target>& targets) {
    addrinfo hints{};
    hints.ai_socktype = endpoint.type;
    hints.ai_flags = flags;
    hints.ai_family = endpoint.ipv4 && endpoint.ipv6 ? AF_UNSPEC : endpoint.ipv4 ? AF_INET : AF_INET6;
    addrinfo* list = nullptr;
    const int error =
        getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(), port.c_str(), &hints, &list);
    if (error != 0) return error;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
    for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
        Target& target = targets.emplace_back();
        target.size = entry->ai_addrlen;
        std::memcpy(&target.address, entry->ai_addr, entry->ai_addrlen);
    }
    return 0;
}

/// The port of a target, where it stands in its address.
void set_port(Target& target, std::uint16_t port) {
    if (target.address.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(target.address).sin_port = htons(port);
    else if (target.address.ss_family == AF_INET6)
        reinterpret_cast<sockaddr_in6&>(target.address).sin6_port = htons(port);
}
std::uint16_t port_of(const Target& target) {
    if (target.address.ss_family == AF_INET)
        return ntohs(reinterpret_cast<const sockaddr_in&>(target.address).sin_port);
    if (target.address.ss_family == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6&>(target.address).sin6_port);
    return 0;
}

const sockaddr* generic(const Target& target) { return reinterpret_cast<const sockaddr*>(&target.address); }

int new_socket(const Target& target, int type) {
    return socket(target.address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/// A socket file that nobody listens on.
bool left_behind(const std::string& path, const Target& target, int type) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    const int probe = new_socket(target, type);
    const bool refused = connect(probe, generic(target), target.size) != 0 && errno == ECONNREFUSED;
    close(probe);
    return refused;
}

/// A socket at this very target; -1 and errno.
int bind_to(const Endpoint& endpoint, const Target& target) {
    const int fd = new_socket(target, endpoint.type);
    if (fd < 0) return -1;
    const int on = 1;
    if (endpoint.path.empty()) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    else if (!endpoint.abstract && left_behind(endpoint.path, target, endpoint.type))
        unlink(endpoint.path.c_str());
    // An IPv6 socket takes IPv4 as well, unless that was ruled out.
    const int only = endpoint.ipv4 ? 0 : 1;
    if (target.address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    if (bind(fd, generic(target), target.size) == 0 && (endpoint.type != SOCK_STREAM || listen(fd, 1) == 0))
        return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

}  // namespace

struct Lookup::Question {
    Endpoint endpoint;
    bool passive = false;
    int event = -1;  ///< while a thread asks
    std::mutex mutex;
    std::vector<Target> targets;
    std::string problem;

    ~Question() {
        if (event >= 0) close(event);
    }
    void answer(int error, std::vector<Target> found) {
        const std::lock_guard guard(mutex);
        targets = std::move(found);
        if (error != 0)
            problem = "address resolution of '" + endpoint.host + ":" + endpoint.port +
                      "' failed: " + gai_strerror(error);
    }
};

Lookup::Lookup(const Endpoint& endpoint, bool passive) : question_(std::make_shared<Question>()) {
    Question& question = *question_;
    question.endpoint = endpoint;
    question.passive = passive;
    if (!endpoint.path.empty()) {
        question.targets = unix_target(endpoint, question.problem);
        return;
    }
    for (const std::string& port : {endpoint.port, endpoint.last_port})
        if (impossible_port(port)) {
            question.problem = "port " + port + " is not from 0 to 65535";
            return;
        }
    if (!endpoint.ipv4 && !endpoint.ipv6) {
        question.problem = "ipv4=off and ipv6=off: nothing is left";
        return;
    }
    const int flags = passive ? AI_PASSIVE : 0;
    std::vector<Target> found;
    if (ask(endpoint, endpoint.port, flags | AI_NUMERICHOST | AI_NUMERICSERV, found) == 0) {
        question.targets = std::move(found);
        return;
    }
    question.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (question.event < 0) {
        question.problem = std::strerror(errno);
        return;
    }
    // Signals belong to the loop's thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([shared = question_, flags] {
            std::vector<Target> targets;
            const int error = ask(shared->endpoint, shared->endpoint.port, flags, targets);
            shared->answer(error, std::move(targets));
            eventfd_write(shared->event, 1);
        }).detach();
    } catch (const std::system_error& error) {
        question.problem = error.what();
        close(question.event);
        question.event = -1;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Lookup::~Lookup() = default;

int Lookup::fd() const { return question_->event; }

std::vector<Target> Lookup::targets(std::string& problem) {
    const std::lock_guard guard(question_->mutex);
    problem = question_->problem;
    return question_->targets;
}

std::string await_answer(Lookup& lookup, Lifetime& lifetime) {
    if (lookup.fd() < 0) return {};
    if (lifetime.running())
        return "looking up a name would hold up the machine, which runs; give the address in numbers";
    return lifetime.wait_for(lookup.fd(), true, false) == Lifetime::Outcome::Ready ? ""
                                                                                   : "the program is to end";
}

std::string Endpoint::text() const {
    if (!path.empty()) return "unix:" + path + (abstract ? ",abstract=on" : "");
    return (type == SOCK_DGRAM ? "udp:" : "tcp:") + host + ":" + port;
}

SocketResult listen_at(const Endpoint& endpoint, const std::vector<Target>& targets) {
    std::string problem = "there is no address to listen at";
    for (Target target : targets) {
        unsigned last = port_of(target);
        if (!endpoint.last_port.empty())
            std::from_chars(endpoint.last_port.data(), endpoint.last_port.data() + endpoint.last_port.size(),
                            last);
        for (unsigned port = port_of(target);; ++port) {
            set_port(target, std::uint16_t(port));
            const int fd = bind_to(endpoint, target);
            if (fd >= 0) return {fd, {}};
            problem = std::string("cannot listen: ") + std::strerror(errno);
            if (errno != EADDRINUSE || port >= last) break;
        }
    }
    return {-1, problem};
}

SocketResult start_connecting(const Target& target, int type) {
    const int fd = new_socket(target, type);
    if (fd < 0) return {-1, std::strerror(errno)};
    if (connect(fd, generic(target), target.size) == 0 || errno == EINPROGRESS) return {fd, {}};
    // A UNIX socket whose queue is full takes nobody, and says nothing when it does.
    const std::string problem = errno == EAGAIN ? "the server's queue is full" : std::strerror(errno);
    close(fd);
    return {-1, problem};
}

int connection_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

bool out_of_resources(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

std::string end_of(int fd, bool peer) {
    Target target{};
    target.size = sizeof target.address;
    auto* address = reinterpret_cast<sockaddr*>(&target.address);
    if ((peer ? getpeername(fd, address, &target.size) : getsockname(fd, address, &target.size)) != 0)
        return {};
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (target.address.ss_family == AF_UNIX || getnameinfo(address, target.size, host, sizeof host, port,
                                                           sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return {};
    const bool brackets = target.address.ss_family == AF_INET6;
    return (brackets ? "[" : "") + std::string(host) + (brackets ? "]:" : ":") + port;
}

}  // namespace backplane::sockets
