// "udp": each write is a datagram to one address, and what comes to the local port is input.
#include "char_base.h"

#include <backplane/lifetime.h>
#include <backplane/plugin.h>
#include <lib/sockets.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <unistd.h>

namespace backplane::chardev {

namespace {

using namespace sockets;

constexpr std::size_t kLargestDatagram = 65536;

class UdpChar final : public CharBase, FdHandler {
  public:
    explicit UdpChar(Object& object) : CharBase(object) {}

    std::string host_, port_, local_address_, local_port_;
    std::optional<bool> ipv4_, ipv6_;

    std::string description() const override { return "udp:" + end_of(fd_, false); }
    bool connect(CharFront* front) override {
        if (!CharBase::connect(front)) return false;
        accept_input();
        return true;
    }
    void accept_input() override {
        deliver();
        if (watch_) watch_->want(waiting_.empty() && front() && front()->can_receive() > 0, false);
    }

  private:
    bool start(Errors& errors) override {
        const bool ipv4 = ipv4_.value_or(!ipv6_.value_or(false)),
                   ipv6 = ipv6_.value_or(!ipv4_.value_or(false));
        const Endpoint local{.path = {},
                             .host = local_address_,
                             .port = local_port_.empty() ? "0" : local_port_,
                             .last_port = {},
                             .ipv4 = ipv4,
                             .ipv6 = ipv6,
                             .type = SOCK_DGRAM};
        const Endpoint remote{.path = {},
                              .host = host_.empty() ? "localhost" : host_,
                              .port = port_,
                              .last_port = {},
                              .ipv4 = ipv4,
                              .ipv6 = ipv6,
                              .type = SOCK_DGRAM};
        std::vector<Target> from, to;
        if (!look_up(local, true, from, errors) || !look_up(remote, false, to, errors)) return false;
        std::string problem = "there is no local address of the same kind";
        for (const Target& target : to) {
            std::vector<Target> fitting;
            for (const Target& candidate : from)
                if (candidate.address.ss_family == target.address.ss_family) fitting.push_back(candidate);
            if (fitting.empty()) continue;
            const SocketResult bound = listen_at(local, fitting);
            problem = bound.problem;
            if (bound.fd < 0) continue;
            if (::connect(bound.fd, reinterpret_cast<const sockaddr*>(&target.address), target.size) == 0) {
                fd_ = bound.fd;
                break;
            }
            problem = std::strerror(errno);
            ::close(bound.fd);
        }
        if (fd_ < 0) return fail(errors, remote.text() + ": " + problem);
        watch_ = context().loop().watch(fd_, *this, false, false);
        if (!watch_) {
            stop();
            return fail(errors, "the host has no file descriptors left");
        }
        set_open(true);
        return true;
    }
    bool look_up(const Endpoint& endpoint, bool passive, std::vector<Target>& targets, Errors& errors) {
        Lookup lookup(endpoint, passive);
        auto& lifetime = *static_cast<Lifetime*>(context().host_interface(Lifetime::kId));
        if (const std::string problem = await_answer(lookup, lifetime); !problem.empty())
            return fail(errors, endpoint.text() + ": " + problem);
        std::string problem;
        targets = lookup.targets(problem);
        return !targets.empty() || fail(errors, endpoint.text() + ": " + problem);
    }
    void stop() override {
        if (watch_) watch_->release();
        watch_ = nullptr;
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    /// What cannot be sent is lost, as datagrams are.
    std::size_t send(Bytes bytes) override {
        if (fd_ >= 0) static_cast<void>(::send(fd_, bytes.data, bytes.size, MSG_NOSIGNAL));
        return bytes.size;
    }
    void fd_ready(int, bool, bool) override {
        waiting_.resize(kLargestDatagram);
        const ssize_t count = recv(fd_, waiting_.data(), waiting_.size(), 0);
        waiting_.resize(count > 0 ? std::size_t(count) : 0);
        accept_input();
    }
    void deliver() {
        while (!waiting_.empty() && front()) {
            const std::size_t room = std::min(front()->can_receive(), waiting_.size());
            if (room == 0) return;
            const std::string chunk = waiting_.substr(0, room);
            waiting_.erase(0, room);
            front()->receive({reinterpret_cast<const std::uint8_t*>(chunk.data()), room});
        }
    }

    int fd_ = -1;
    FdWatch* watch_ = nullptr;
    std::string waiting_;  ///< of a datagram that the front did not take whole
};

constexpr PropertyInfo kOwnProperties[] = {
    property<&UdpChar::host_>({.name = "host", .summary = "where output goes (localhost)"}),
    property<&UdpChar::port_>({.name = "port", .summary = "where output goes", .required = true}),
    property<&UdpChar::local_address_>({.name = "localaddr", .summary = "where input comes to (any)"}),
    property<&UdpChar::local_port_>({.name = "localport", .summary = "where input comes to (any)"}),
    optional_flag<&UdpChar::ipv4_>({.name = "ipv4", .summary = "on: IPv4 only; off: no IPv4"}),
    optional_flag<&UdpChar::ipv6_>({.name = "ipv6", .summary = "on: IPv6 only; off: no IPv6"}),
};
constexpr auto kProperties = with_common<UdpChar>(kOwnProperties);
constexpr InterfaceInfo kInterfaces[] = {offers<UdpChar, CharBackend>(), offers<UdpChar, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<UdpChar>({.name = "chardev-udp",
                           .parent = "chardev",
                           .summary = "datagrams to and from an address",
                           .option_name = "udp",
                           .interfaces = kInterfaces,
                           .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-udp", "1.0", "Backplane", backplane::chardev::kTypes)
