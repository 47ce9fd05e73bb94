// "socket": a stream socket, which listens or connects. One peer at a time; a server that lost its peer listens for
// the next, a client connects again after `reconnect-ms`. Not here: TLS, websockets, passing of descriptors.
#include "char_base.h"
#include "telnet.h"

#include <backplane/clock.h>
#include <backplane/lifetime.h>
#include <backplane/plugin.h>
#include <lib/sockets.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

using namespace sockets;

constexpr std::uint64_t kMillisecond = 1'000'000;  // ns
/// How long a listener rests when the host has nothing left to accept with.
constexpr std::uint64_t kRest = 500 * kMillisecond;

class SocketChar final : public StreamChar, public CharDescriptors, FdHandler, Connector::Owner {
  public:
    explicit SocketChar(Object& object) : StreamChar(object) {}

    std::string path_, host_, port_;
    std::uint32_t last_port_ = 0;
    std::int64_t fd_ = -1;
    bool server_ = false, telnet_ = false, no_delay_ = false, keep_alive_ = false, abstract_ = false,
         tight_ = true;
    std::optional<bool> wait_, ipv4_, ipv6_;
    std::uint32_t reconnect_ = 0, reconnect_ms_ = 0;
    static constexpr const char* kAbsent =
        "there are no websockets, no TLS and no 3270 terminals; leave it out, or put a tunnel before the socket";

    int take_descriptor() override { return stream_.take_descriptor(); }
    std::string description() const override {
        const std::string role = server_ ? ",server=on" : "";
        if (!stream_.is_open()) return "disconnected:" + address_text() + role;
        const std::string here = end_of(stream_.input(), false), there = end_of(stream_.input(), true);
        return here.empty() ? address_text() + role : kind() + here + role + " <-> " + there;
    }

  private:
    bool start(Errors& errors) override {
        endpoint_ = {.path = path_,
                     .abstract = abstract_,
                     .tight = tight_,
                     .host = host_,
                     .port = port_,
                     .last_port = last_port_ ? std::to_string(last_port_) : "",
                     .ipv4 = ipv4_.value_or(!ipv6_.value_or(false)),
                     .ipv6 = ipv6_.value_or(!ipv4_.value_or(false))};
        retry_.create(context().loop().host_clock());
        if (!check_options(errors)) return false;
        if (fd_ >= 0) return adopt(errors);
        return server_ ? serve(errors) : connect_at_start(errors);
    }
    bool check_options(Errors& errors) {
        if (fd_ < 0 && path_.empty() == port_.empty())
            return fail(errors, "give either path= or host= and port=");
        if (reconnect_ && reconnect_ms_)
            return fail(errors, "give either reconnect= (seconds) or reconnect-ms=");
        if (reconnect_) reconnect_ms_ = reconnect_ * 1000;
        if (server_ && reconnect_ms_)
            return fail(errors, "reconnect-ms= is for clients; leave server=on off");
        if (!server_ && wait_.value_or(false) && fd_ < 0)
            return fail(errors, "wait=on is for servers; give server=on too, or leave it off");
        if (!server_ && last_port_) return fail(errors, "to= is for servers; give server=on too");
        return true;
    }
    void stop() override {
        retry_.cancel();
        StreamChar::stop();
        drop_watch();
        connector_.cancel();
        if (listener_ >= 0) {
            ::close(listener_);
            if (!path_.empty() && !abstract_ && fd_ < 0) unlink(path_.c_str());
        }
        listener_ = -1;
    }

    std::size_t send(Bytes bytes) override {
        if (!telnet_ || !stream_.is_open()) return stream_.write(bytes);
        if (!send_pending()) return 0;
        // Taken as a whole: a client could not tell half of a doubled byte from a command.
        pending_ = TelnetFilter::encode(bytes);
        send_pending();
        return bytes.size;
    }

    std::string kind() const { return telnet_ ? "telnet:" : "tcp:"; }
    /// Where it listens, as far as that is known, or goes to.
    std::string address_text() const {
        if (!path_.empty()) return endpoint_.text();
        const std::string bound = listener_ >= 0 ? end_of(listener_, false) : "";
        return bound.empty() ? (fd_ >= 0 ? "fd:" + std::to_string(fd_) : kind() + host_ + ":" + port_)
                             : kind() + bound;
    }

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
        server_ = true;
        listener_ = fd;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        return await_peer(errors);
    }

    // --- server ---
    bool serve(Errors& errors) {
        Lookup lookup(endpoint_, true);
        if (const std::string waiting = await_answer(lookup, lifetime()); !waiting.empty())
            return fail(errors, endpoint_.text() + ": " + waiting);
        std::string problem;
        const std::vector<Target> targets = lookup.targets(problem);
        const SocketResult result =
            targets.empty() ? SocketResult{-1, problem} : listen_at(endpoint_, targets);
        if (result.fd < 0) return fail(errors, endpoint_.text() + ": " + result.problem);
        listener_ = result.fd;
        return await_peer(errors);
    }
    /// By default a server holds up the start until somebody is there. A machine that runs is not held up.
    bool await_peer(Errors& errors) {
        const bool started = lifetime().running();
        if (started && wait_.value_or(false))
            return fail(errors, "wait=on holds up the start of the machine, which is past; leave it off");
        if (started || !wait_.value_or(true)) {
            listen_for_peer();
            return true;
        }
        std::fprintf(stderr, "backplane: chardev '%s': info: waiting for connection on: %s\n", id().c_str(),
                     description().c_str());
        while (!accept_peer())
            if (lifetime().wait_for(listener_, true, false) != Lifetime::Outcome::Ready)
                return fail(errors, "nobody connected before the program ended");
        return true;
    }
    void listen_for_peer() {
        watch_ = context().loop().watch(listener_, *this, true, false);
        if (!watch_) retry_.arm(context().loop().host_clock().now_ns() + kRest);
    }
    bool accept_peer() {
        const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer < 0) return false;
        drop_watch();
        established(peer);
        return true;
    }

    // --- client ---
    bool connect_at_start(Errors& errors) {
        starting_ = true;
        connector_.begin(endpoint_);
        while (connector_.fd() >= 0 && reconnect_ms_ == 0 && !lifetime().running()) {
            const bool reading = connector_.wants_readable();
            if (lifetime().wait_for(connector_.fd(), reading, !reading) != Lifetime::Outcome::Ready)
                return fail(errors, "the program is to end");
            connector_.advance();
        }
        starting_ = false;
        if (connector_.fd() >= 0) connector_.follow(context().loop());
        else if (!stream_.is_open() && reconnect_ms_) retry_later();
        else if (!stream_.is_open())
            return fail(errors, "Failed to connect to '" + endpoint_.text() + "': " + problem_);
        return true;
    }
    void connected(int fd) override { established(fd); }
    void not_connected(const std::string& problem) override {
        problem_ = problem;
        if (starting_) return;
        if (reconnect_ms_) return retry_later();
        context().log().write(LogLevel::Warning, "chardev",
                              "chardev '" + id() + "': Failed to connect to '" + endpoint_.text() +
                                  "': " + problem);
    }
    void try_connecting() {
        connector_.begin(endpoint_);
        if (connector_.fd() >= 0) connector_.follow(context().loop());
    }
    void retry_later() { retry_.arm(context().loop().host_clock().now_ns() + reconnect_ms_ * kMillisecond); }

    // --- both ---
    Lifetime& lifetime() const { return *static_cast<Lifetime*>(context().host_interface(Lifetime::kId)); }
    void fd_ready(int, bool, bool) override {
        if (accept_peer() || !out_of_resources(errno)) return;
        drop_watch();
        retry_.arm(context().loop().host_clock().now_ns() + kRest);
    }
    void drop_watch() {
        if (watch_) watch_->release();
        watch_ = nullptr;
    }
    void established(int fd) {
        const int on = 1;
        if (no_delay_) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (keep_alive_) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        pending_.clear();
        filter_.reset();
        // The commands of one connection mean nothing in the next.
        if (telnet_) stream_.drop_left_over();
        if (!stream_.open(context().loop(), fd, fd)) {
            context().log().write(LogLevel::Warning, "chardev",
                                  "a connection was dropped: the host has no file descriptors left");
            return wait_for_another();
        }
        if (!path_.empty()) stream_.accept_descriptors();
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
        else if (reconnect_ms_) retry_later();
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
    Connector connector_{*this};
    bool starting_ = false;
    std::string problem_;
    int listener_ = -1;
    FdWatch* watch_ = nullptr;  ///< of the listener
    TelnetFilter filter_;
    std::string pending_;
    OwnedTimer<&SocketChar::try_again> retry_{*this};
};

constexpr PropertyInfo kOwnProperties[] = {
    property<&SocketChar::path_>({.name = "path", .summary = "of a UNIX socket"}),
    property<&SocketChar::abstract_>({.name = "abstract",
                                      .summary = "the path is a name in Linux's abstract namespace",
                                      .default_text = "off"}),
    property<&SocketChar::tight_>(
        {.name = "tight", .summary = "an abstract name is as long as its text", .default_text = "on"}),
    property<&SocketChar::host_>({.name = "host", .summary = "to connect to, or to listen on"}),
    property<&SocketChar::port_>({.name = "port", .summary = "of TCP"}),
    property<&SocketChar::last_port_>(
        {.name = "to", .summary = "a server takes the first free port from port= to this", .maximum = 65535}),
    optional_flag<&SocketChar::ipv4_>({.name = "ipv4", .summary = "on: IPv4 only; off: no IPv4"}),
    optional_flag<&SocketChar::ipv6_>({.name = "ipv6", .summary = "on: IPv6 only; off: no IPv6"}),
    property<&SocketChar::fd_>({.name = "fd",
                                .summary = "a socket that was passed in, listening or connected",
                                .default_text = "-1"}),
    property<&SocketChar::server_>({.name = "server", .summary = "listen", .default_text = "off"}),
    optional_flag<&SocketChar::wait_>(
        {.name = "wait", .summary = "a server's machine starts when its first peer is there (on)"}),
    property<&SocketChar::telnet_>({.name = "telnet", .summary = "speak Telnet", .default_text = "off"}),
    property<&SocketChar::no_delay_>(
        {.name = "nodelay", .summary = "send small packets at once", .default_text = "off"}),
    {.name = "delay",
     .kind = PropertyKind::Bool,
     .summary = "the opposite of nodelay",
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             static_cast<SocketChar*>(part)->no_delay_ = !value.boolean;
             return true;
         },
     .get = [](const void* part,
               PropertyValue& value) { value.boolean = !static_cast<const SocketChar*>(part)->no_delay_; }},
    property<&SocketChar::keep_alive_>(
        {.name = "keep-alive", .summary = "notice a peer's host that vanished", .default_text = "off"}),
    property<&SocketChar::reconnect_>({.name = "reconnect",
                                       .summary = "a client tries again after so many seconds; 0: never",
                                       .default_text = "0",
                                       .maximum = 4'000'000}),
    property<&SocketChar::reconnect_ms_>(
        {.name = "reconnect-ms", .summary = "the same in milliseconds", .default_text = "0"}),
    absent_property<SocketChar>("websocket"),
    absent_property<SocketChar>("tn3270"),
    absent_property<SocketChar>("tls-creds"),
    absent_property<SocketChar>("tls-authz"),
};
constexpr auto kProperties = with_common<SocketChar>(kOwnProperties);
constexpr InterfaceInfo kInterfaces[] = {offers<SocketChar, CharBackend>(),
                                         offers<SocketChar, CharDescriptors>(),
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
