// "socket": a stream socket, which listens or connects. One peer at a time; a server that lost its peer listens for
// the next, a client connects again after `reconnect` seconds. Not here: TLS, websockets, passing of descriptors.
#include "char_base.h"
#include "endpoint.h"
#include "telnet.h"

#include <backplane/clock.h>
#include <backplane/plugin.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;  // ns

class SocketChar final : public StreamChar, FdHandler {
  public:
    explicit SocketChar(Object& object) : StreamChar(object) {}

    std::string path_, host_, port_;
    std::int64_t fd_ = -1;
    bool server_ = false, wait_ = true, telnet_ = false, no_delay_ = false;
    std::uint32_t reconnect_ = 0;

    bool complete(Errors& errors) override {
        endpoint_ = {path_, host_, port_};
        retry_.create(context().loop().host_clock());
        if (fd_ >= 0) return adopt(errors);
        if (path_.empty() == port_.empty()) return fail(errors, "give either path= or host= and port=");
        if (server_ && reconnect_) return fail(errors, "reconnect= is for clients; leave server=on off");
        return server_ ? serve(errors) : connect_at_start(errors);
    }
    void shut_down() override {
        retry_.cancel();
        StreamChar::shut_down();
        drop_watch();
        if (listener_ >= 0) {
            ::close(listener_);
            if (!path_.empty() && fd_ < 0) unlink(path_.c_str());
        }
        if (connecting_ >= 0) ::close(connecting_);
        listener_ = connecting_ = -1;
    }

    std::size_t write(Bytes bytes) override {
        if (!telnet_ || !stream_.is_open()) return stream_.write(bytes);
        if (!send_pending()) return 0;
        // Taken as a whole: a client could not tell half of a doubled byte from a command.
        pending_ = TelnetFilter::encode(bytes);
        send_pending();
        return bytes.size;
    }

  private:
    // --- a descriptor that was passed in ---
    bool adopt(Errors& errors) {
        int listening = 0;
        socklen_t size = sizeof listening;
        const int fd = int(fd_);
        if (fd_ > 0x7fffffff || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
            return fail(errors, "fd=" + std::to_string(fd_) + " is no socket", errno);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        if (!listening) {
            established(fd);
            return true;
        }
        listener_ = fd;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        return await_peer(errors);
    }

    // --- server ---
    bool serve(Errors& errors) {
        const SocketResult result = listen_at(endpoint_);
        if (result.fd < 0) return fail(errors, endpoint_.text() + ": " + result.problem);
        listener_ = result.fd;
        return await_peer(errors);
    }
    bool await_peer(Errors& errors) {
        if (!wait_) {
            listen_for_peer();
            return true;
        }
        context().log().write(LogLevel::Info, "chardev",
                              "waiting for connection on: disconnected:" + endpoint_.text() + ",server=on");
        for (;;) {
            pollfd ready{listener_, POLLIN, 0};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                return fail(errors, "cannot wait for a peer", errno);
            const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (peer < 0) continue;
            established(peer);
            return true;
        }
    }
    void listen_for_peer() {
        watch_ = context().loop().watch(listener_, *this, true, false);
        if (!watch_) retry_.arm(context().loop().host_clock().now_ns() + kSecond);
    }

    // --- client ---
    bool connect_at_start(Errors& errors) {
        std::string problem;
        targets_ = targets_of(endpoint_, problem);
        if (targets_.empty()) return fail(errors, problem);
        if (reconnect_) {
            try_connecting();
            return true;
        }
        for (const Target& target : targets_) {
            const SocketResult result = start_connecting(target);
            problem = result.problem;
            if (result.fd < 0) continue;
            pollfd ready{result.fd, POLLOUT, 0};
            while (poll(&ready, 1, -1) < 0 && errno == EINTR) {}
            const int error = connection_error(result.fd);
            if (error == 0) {
                established(result.fd);
                return true;
            }
            ::close(result.fd);
            problem = std::strerror(error);
        }
        return fail(errors, "Failed to connect to '" + endpoint_.text() + "': " + problem);
    }
    void try_connecting() {
        const SocketResult result = start_connecting(targets_[next_target_++ % targets_.size()]);
        if (result.fd < 0) return retry_later();
        connecting_ = result.fd;
        watch_ = context().loop().watch(connecting_, *this, false, true);
        if (watch_) return;
        ::close(std::exchange(connecting_, -1));
        retry_later();
    }
    void retry_later() { retry_.arm(context().loop().host_clock().now_ns() + reconnect_ * kSecond); }

    // --- both ---
    void fd_ready(int, bool, bool) override {
        if (connecting_ >= 0) {
            const int fd = connecting_;
            drop_watch();
            connecting_ = -1;
            if (connection_error(fd) == 0) return established(fd);
            ::close(fd);
            return retry_later();
        }
        const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer < 0) return;
        drop_watch();
        established(peer);
    }
    void drop_watch() {
        if (watch_) watch_->release();
        watch_ = nullptr;
    }
    void established(int fd) {
        const int on = 1;
        if (no_delay_) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pending_.clear();
        filter_.reset();
        if (!stream_.open(context().loop(), fd, fd)) {
            context().log().write(LogLevel::Warning, "chardev",
                                  "a connection was dropped: the host has no file descriptors left");
            return wait_for_another();
        }
        if (telnet_) {
            const Bytes greeting = TelnetFilter::greeting();
            pending_.assign(greeting.begin(), greeting.end());
            send_pending();
        }
        set_open(true);
        stream_.accept_input();
    }
    void stream_ended() override {
        StreamChar::stream_ended();
        wait_for_another();
    }
    void try_again() {
        if (listener_ >= 0) listen_for_peer();
        else try_connecting();
    }
    void wait_for_another() {
        if (listener_ >= 0) listen_for_peer();
        else if (reconnect_) retry_later();
    }
    void stream_bytes(MutableBytes bytes) override {
        if (!telnet_) return StreamChar::stream_bytes(bytes);
        unsigned breaks = 0;
        const std::size_t kept = filter_.decode(bytes, breaks);
        for (; breaks > 0 && front(); --breaks) front()->char_event(CharEvent::Break);
        if (kept && front()) StreamChar::stream_bytes({bytes.data, kept});
    }
    void stream_writable() override {
        if (send_pending()) StreamChar::stream_writable();
    }
    bool send_pending() {
        const std::size_t taken =
            stream_.write({reinterpret_cast<const std::uint8_t*>(pending_.data()), pending_.size()});
        pending_.erase(0, taken);
        return pending_.empty();
    }

    Endpoint endpoint_;
    std::vector<Target> targets_;
    std::size_t next_target_ = 0;
    int listener_ = -1;
    int connecting_ = -1;
    FdWatch* watch_ = nullptr;  ///< of the listener, or of the connection under way
    TelnetFilter filter_;
    std::string pending_;
    OwnedTimer<&SocketChar::try_again> retry_{*this};
};

constexpr PropertyInfo kProperties[] = {
    property<&SocketChar::path_>({.name = "path", .summary = "of a UNIX socket"}),
    property<&SocketChar::host_>({.name = "host", .summary = "to connect to, or to listen on"}),
    property<&SocketChar::port_>({.name = "port", .summary = "of TCP"}),
    property<&SocketChar::fd_>({.name = "fd",
                                .summary = "a socket that was passed in, listening or connected",
                                .default_text = "-1"}),
    property<&SocketChar::server_>({.name = "server", .summary = "listen", .default_text = "off"}),
    property<&SocketChar::wait_>(
        {.name = "wait", .summary = "a server starts when its first peer is there", .default_text = "on"}),
    property<&SocketChar::telnet_>({.name = "telnet", .summary = "speak Telnet", .default_text = "off"}),
    property<&SocketChar::no_delay_>(
        {.name = "nodelay", .summary = "send small packets at once", .default_text = "off"}),
    property<&SocketChar::reconnect_>({.name = "reconnect",
                                       .summary = "a client tries again after so many seconds; 0: never",
                                       .default_text = "0"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<SocketChar, CharBackend>(),
                                         offers<SocketChar, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<SocketChar>({.name = "chardev-socket",
                              .parent = "chardev",
                              .summary = "a UNIX or TCP socket",
                              .option_name = "socket",
                              .interfaces = kInterfaces,
                              .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-socket", "1.0", "Backplane", backplane::chardev::kTypes)
