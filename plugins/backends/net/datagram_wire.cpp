#include "frame_wire.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

namespace backplane::net {

namespace {

using namespace sockets;

constexpr std::size_t kLargestDatagram = 65536;
constexpr unsigned kAtOnce = 64;

bool given(const Endpoint& endpoint) { return !endpoint.path.empty() || !endpoint.port.empty(); }

class DatagramWire final : public FrameWire, FdHandler, Work {
  public:
    DatagramWire(const WireParts& parts, const DatagramOptions& options)
        : parts_(parts), options_(options), buffer_(kLargestDatagram) {}
    ~DatagramWire() override {
        if (watch_) watch_->release();
        parts_.loop.cancel(*this);
        if (fd_ >= 0) ::close(fd_);
        const Endpoint& local = options_.local;
        if (bound_ && !local.path.empty() && !local.abstract) unlink(local.path.c_str());
    }

    std::string open() {
        std::string problem = options_.fd >= 0 ? adopt() : make_socket();
        if (!problem.empty()) return problem;
        watch_ = parts_.loop.watch(fd_, *this, true, false);
        return watch_ ? "" : "the host has no file descriptors left";
    }
    void send(Bytes frame) override {
        const auto* to = remote_.size ? reinterpret_cast<const sockaddr*>(&remote_.address) : nullptr;
        static_cast<void>(sendto(fd_, frame.data, frame.size, MSG_NOSIGNAL, to, remote_.size));
    }
    void resume() override { parts_.loop.post(*this); }

  private:
    std::string adopt() {
        int type = 0;
        socklen_t size = sizeof type;
        if (getsockopt(options_.fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_DGRAM)
            return "descriptor " + std::to_string(options_.fd) + " is no datagram socket";
        fd_ = options_.fd;
        fcntl(fd_, F_SETFD, FD_CLOEXEC);
        fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
        return {};
    }
    std::string look_up(const Endpoint& endpoint, bool passive, std::vector<Target>& targets) {
        Lookup lookup(endpoint, passive);
        std::string problem = await_answer(lookup, parts_.lifetime);
        if (problem.empty()) targets = lookup.targets(problem);
        return targets.empty() ? endpoint.text() + ": " + problem : std::string();
    }
    std::string make_socket() {
        std::vector<Target> remote;
        if (std::string problem = look_up(options_.remote, false, remote); !problem.empty()) return problem;
        remote_ = remote.front();
        const auto& address = reinterpret_cast<const sockaddr_in&>(remote_.address);
        if (address.sin_family == AF_INET && IN_MULTICAST(ntohl(address.sin_addr.s_addr)))
            return join_group(address);
        if (!given(options_.local)) return "a local address is missing; only a multicast group needs none";
        std::vector<Target> local;
        if (std::string problem = look_up(options_.local, true, local); !problem.empty()) return problem;
        const SocketResult result = listen_at(options_.local, local);
        if (result.fd < 0) return options_.local.text() + ": " + result.problem;
        fd_ = result.fd;
        bound_ = true;
        return {};
    }
    /// All members of a group bind its port, and hear each other, also on one host.
    std::string join_group(const sockaddr_in& group) {
        const auto reason = [&](const char* what) {
            return options_.remote.text() + ": cannot " + what + ": " + std::strerror(errno);
        };
        ip_mreq membership{};
        membership.imr_multiaddr = group.sin_addr;
        if (!options_.local.host.empty() &&
            inet_pton(AF_INET, options_.local.host.c_str(), &membership.imr_interface) != 1)
            return "'" + options_.local.host + "' is no IPv4 address of an interface";
        fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd_ < 0) return reason("make a socket");
        const int on = 1;
        setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on);
        if (bind(fd_, reinterpret_cast<const sockaddr*>(&group), sizeof group) != 0) return reason("bind");
        if (setsockopt(fd_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0)
            return reason("join the group");
        if (membership.imr_interface.s_addr != 0 &&
            setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_IF, &membership.imr_interface,
                       sizeof membership.imr_interface) != 0)
            return reason("send from that interface");
        return {};
    }

    void fd_ready(int, bool, bool) override {
        for (unsigned count = 0; count < kAtOnce && waiting_ == 0; ++count) {
            const ssize_t size = recv(fd_, buffer_.data(), buffer_.size(), 0);
            if (size < 0) break;
            waiting_ = std::size_t(size);
            deliver();
        }
        watch_->want(waiting_ == 0, false);
    }
    void run() override {
        deliver();
        watch_->want(waiting_ == 0, false);
    }
    void deliver() {
        if (waiting_ > 0 && parts_.receiver.take_frame({buffer_.data(), waiting_})) waiting_ = 0;
    }

    WireParts parts_;
    DatagramOptions options_;
    Target remote_{};
    int fd_ = -1;
    bool bound_ = false;
    FdWatch* watch_ = nullptr;
    std::vector<std::uint8_t> buffer_;
    std::size_t waiting_ = 0;  ///< bytes of a datagram that the receiver had no room for
};

}  // namespace

std::unique_ptr<FrameWire> make_datagrams(const WireParts& parts, const DatagramOptions& options,
                                          std::string& problem) {
    auto wire = std::make_unique<DatagramWire>(parts, options);
    problem = wire->open();
    if (!problem.empty()) wire.reset();
    return wire;
}

}  // namespace backplane::net
