#include "listener.h"

#include <cerrno>

#include <sys/un.h>
#include <unistd.h>

namespace backplane::vnc {
namespace {

/// How long it rests when the host has nothing left to accept with, in ns.
constexpr std::uint64_t kRest = 500'000'000;
/// Clients that the host keeps until they are accepted.
constexpr int kBacklog = 64;

}  // namespace

Address address_of(int fd, bool peer) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if ((peer ? getpeername : getsockname)(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    if (address.ss_family == AF_UNIX) {
        const auto& path = reinterpret_cast<const sockaddr_un&>(address).sun_path;
        return {"", size > offsetof(sockaddr_un, sun_path) ? path : "", "unix"};
    }
    std::string host = sockets::end_of(fd, peer);
    const std::size_t colon = host.rfind(':');
    if (colon == std::string::npos) return {};
    std::string service = host.substr(colon + 1);
    host.resize(colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    return {std::move(host), std::move(service), address.ss_family == AF_INET6 ? "ipv6" : "ipv4"};
}

bool Listener::open(const sockets::Endpoint& endpoint, Lifetime& lifetime, Errors& errors) {
    const auto refuse = [&](const std::string& problem) {
        errors.fail(endpoint.text() + ": " + problem);
        return false;
    };
    endpoint_ = endpoint;
    sockets::Lookup lookup(endpoint, true);
    if (const std::string waiting = sockets::await_answer(lookup, lifetime); !waiting.empty())
        return refuse(waiting);
    std::string problem;
    const std::vector<sockets::Target> targets = lookup.targets(problem);
    if (targets.empty()) return refuse(problem);
    const sockets::SocketResult result = sockets::listen_at(endpoint, targets);
    if (result.fd < 0) return refuse(result.problem);
    fd_ = result.fd;
    ::listen(fd_, kBacklog);
    rest_.create(loop_.host_clock());
    listen();
    return true;
}

void Listener::close() {
    if (watch_) watch_->release();
    watch_ = nullptr;
    rest_.cancel();
    if (fd_ < 0) return;
    ::close(fd_);
    fd_ = -1;
    if (!endpoint_.path.empty()) unlink(endpoint_.path.c_str());
}

Address Listener::address() const { return address_of(fd_, false); }

void Listener::listen() {
    watch_ = loop_.watch(fd_, *this, true, false);
    if (!watch_) rest();
}

void Listener::rest() {
    if (watch_) watch_->release();
    watch_ = nullptr;
    rest_.arm(loop_.host_clock().now_ns() + kRest);
}

void Listener::accept() {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) owner_.connected(fd);
    else if (sockets::out_of_resources(errno)) rest();
}

}  // namespace backplane::vnc
