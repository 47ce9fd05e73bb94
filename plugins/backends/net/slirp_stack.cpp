#include "slirp_stack.h"

#include "library_messages.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <glib.h>
#include <libslirp.h>
#include <poll.h>
#include <sys/socket.h>

namespace backplane::net {

namespace {

/// Frames that wait for the guest. More are dropped; TCP sends them again.
constexpr std::size_t kMaximumQueue = 512;
constexpr std::uint64_t kMillisecond = 1'000'000;
/// How long forwarded ports rest when there is no room for another connection.
constexpr std::uint64_t kRest = 500 * kMillisecond;

bool listens(int fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

/// A timer that the stack itself made.
class SlirpStack::StackTimer {
  public:
    StackTimer(SlirpStack& stack, SlirpTimerId id, void* data) : stack_(stack), id_(id), data_(data) {
        timer_.create(stack.clock_);
    }
    void expire_at(std::int64_t ms) {
        if (id_ == SLIRP_TIMER_RA) timer_.arm(next_advertisement());
        else timer_.arm(ms < 0 ? 0 : std::uint64_t(ms) * kMillisecond);
    }

  private:
    /// RFC 4861, 6.2.4: at random, between MinRtrAdvInterval and MaxRtrAdvInterval. The library's own choice comes from the
    /// host's random source; all that is random in a machine comes from the machine's.
    std::uint64_t next_advertisement() {
        constexpr std::uint64_t kLeast = 200'000 * kMillisecond, kMost = 600'000 * kMillisecond;
        std::uint64_t word = 0;
        stack_.entropy_.fill({reinterpret_cast<std::uint8_t*>(&word), sizeof word});
        return stack_.clock_.now_ns() + kLeast + word % (kMost - kLeast);
    }
    void expired() {
        const LibraryMessages messages(stack_.log_);
        slirp_handle_timer(stack_.slirp_, id_, data_);
        stack_.loop_.post(stack_);
    }

    SlirpStack& stack_;
    SlirpTimerId id_;
    void* data_;
    OwnedTimer<&StackTimer::expired> timer_{*this};
};

class SlirpStack::Callbacks {
  public:
    static SlirpStack& stack(void* opaque) { return *static_cast<SlirpStack*>(opaque); }

    static ssize_t send_packet(const void* data, std::size_t size, void* opaque) {
        stack(opaque).send_to_guest({static_cast<const std::uint8_t*>(data), size});
        return ssize_t(size);
    }
    static void guest_error(const char* message, void* opaque) {
        stack(opaque).log_.guest_error("network", message);
    }
    static std::int64_t clock_get_ns(void* opaque) { return std::int64_t(stack(opaque).clock_.now_ns()); }
    static void* timer_new(SlirpTimerId id, void* data, void* opaque) {
        return new StackTimer(stack(opaque), id, data);
    }
    static void timer_free(void* timer, void*) { delete static_cast<StackTimer*>(timer); }
    static void timer_mod(void* timer, std::int64_t ms, void*) {
        static_cast<StackTimer*>(timer)->expire_at(ms);
    }
    static void register_poll_fd(int fd, void* opaque) {
        SlirpStack& self = stack(opaque);
        self.watch(fd);
        notify(opaque);
    }
    static void unregister_poll_fd(int fd, void* opaque) {
        SlirpStack& self = stack(opaque);
        const auto watched = self.watches_.find(fd);
        if (watched == self.watches_.end()) return;
        if (watched->second.watch) watched->second.watch->release();
        self.watches_.erase(watched);
    }
    static void notify(void* opaque) {
        SlirpStack& self = stack(opaque);
        self.loop_.post(self);
    }

    static int add_poll(int fd, int events, void* opaque) {
        SlirpStack& self = stack(opaque);
        self.wanted_.push_back({fd, events});
        return int(self.wanted_.size() - 1);
    }

    static const SlirpCb& table() {
        static const SlirpCb callbacks = [] {
            SlirpCb table{};
            table.send_packet = send_packet;
            table.guest_error = guest_error;
            table.clock_get_ns = clock_get_ns;
            table.timer_new_opaque = timer_new;
            table.timer_free = timer_free;
            table.timer_mod = timer_mod;
            table.register_poll_fd = register_poll_fd;
            table.unregister_poll_fd = unregister_poll_fd;
            table.notify = notify;
            return table;
        }();
        return callbacks;
    }
};

/// An address and port of the network that lead to a character device.
class SlirpStack::GuestForward final : CharFront {
  public:
    GuestForward(SlirpStack& stack, in_addr address, std::uint16_t port, CharBackend& chardev)
        : stack_(stack), address_(address), port_(port), chardev_(chardev) {}
    GuestForward(const GuestForward&) = delete;
    GuestForward& operator=(const GuestForward&) = delete;
    ~GuestForward() {
        if (connected_) chardev_.disconnect(*this);
    }
    bool open() { return connected_ = chardev_.connect(this); }

    /// From the guest. What the device does not take waits.
    static ssize_t write(const void* data, std::size_t size, void* opaque) {
        auto& self = *static_cast<GuestForward*>(opaque);
        self.waiting_.append(static_cast<const char*>(data), size);
        self.can_send();
        return ssize_t(size);
    }

  private:
    std::size_t can_receive() override { return slirp_socket_can_recv(stack_.slirp_, address_, port_); }
    void receive(Bytes bytes) override {
        slirp_socket_recv(stack_.slirp_, address_, port_, bytes.data, int(bytes.size));
        stack_.loop_.post(stack_);
    }
    void char_event(CharEvent) override {}
    void can_send() override {
        const std::size_t taken =
            chardev_.write({reinterpret_cast<const std::uint8_t*>(waiting_.data()), waiting_.size()});
        waiting_.erase(0, taken);
        if (waiting_.size() > kWaitingLimit) waiting_.resize(kWaitingLimit);
    }

    static constexpr std::size_t kWaitingLimit = 1 << 20;
    SlirpStack& stack_;
    in_addr address_;
    int port_;
    CharBackend& chardev_;
    bool connected_ = false;
    std::string waiting_;

    friend class SlirpStack;
};

SlirpStack::SlirpStack(EventLoop& loop, Clock& clock, Entropy& entropy, Log& log, Receiver& receiver)
    : loop_(loop), clock_(clock), entropy_(entropy), log_(log), receiver_(receiver) {
    timeout_.create(clock);
    rest_.create(loop.host_clock());
}

SlirpStack::~SlirpStack() {
    const LibraryMessages messages(log_);
    guest_forwards_.clear();
    if (slirp_) slirp_cleanup(slirp_);
    for (const auto& [fd, watched] : watches_)
        if (watched.watch) watched.watch->release();
    loop_.cancel(*this);
}

std::string SlirpStack::start(const StackOptions& options) {
    const LibraryMessages messages(log_);
    const Network& network = options.network;
    host_ = network.host;
    SlirpConfig config{};
    config.version = SLIRP_CONFIG_VERSION_MAX;
    config.restricted = options.restricted;
    config.in_enabled = options.ipv4;
    config.vnetwork = network.network;
    config.vnetmask = network.mask;
    config.vhost = network.host;
    config.in6_enabled = options.ipv6;
    config.vprefix_addr6 = network.prefix6;
    config.vprefix_len = options.ipv6_prefix_length;
    config.vhost6 = network.host6;
    config.vhostname = text_or_null(options.hostname);
    config.tftp_server_name = text_or_null(options.tftp_server_name);
    config.tftp_path = text_or_null(options.tftp);
    config.bootfile = text_or_null(options.bootfile);
    config.vdhcp_start = network.dhcp_start;
    config.vnameserver = network.dns;
    config.vnameserver6 = network.dns6;
    std::vector<const char*> search;
    for (const std::string& domain : options.dns_search) search.push_back(domain.c_str());
    search.push_back(nullptr);
    if (search.size() > 1) config.vdnssearch = search.data();
    config.vdomainname = text_or_null(options.domain_name);
    slirp_ = slirp_new(&config, &Callbacks::table(), this);
    if (!slirp_) return "libslirp refuses the configuration";
    for (const Forward& forward : network.forwards)
        if (std::string problem = add_forward(forward); !problem.empty()) return problem;
    refresh();
    return {};
}

std::string SlirpStack::add_forward(const Forward& forward) {
    const LibraryMessages messages(log_);
    errno = 0;
    if (slirp_add_hostfwd(slirp_, forward.udp, forward.host_address, forward.host_port, forward.guest_address,
                          forward.guest_port) >= 0)
        return {};
    const int error = errno;
    return std::string("Could not set up host forwarding rule '") + (forward.udp ? "udp" : "tcp") + ":" +
           std::to_string(forward.host_port) + "-" + std::to_string(forward.guest_port) + "'" +
           (error ? std::string(": ") + std::strerror(error) : "; is the port in use, or below 1024?");
}

bool SlirpStack::remove_forward(const Forward& forward) {
    const LibraryMessages messages(log_);
    return slirp_remove_hostfwd(slirp_, forward.udp, forward.host_address, forward.host_port) >= 0;
}

std::string SlirpStack::add_chardev(in_addr address, std::uint16_t port, CharBackend& chardev) {
    const LibraryMessages messages(log_);
    auto forward = std::make_unique<GuestForward>(*this, address, port, chardev);
    if (!forward->open()) return "the character device is used by another";
    if (slirp_add_guestfwd(slirp_, GuestForward::write, forward.get(), &forward->address_, port) < 0)
        return "the network takes no such address or port";
    guest_forwards_.push_back(std::move(forward));
    return {};
}

std::string SlirpStack::add_command(in_addr address, std::uint16_t port, const std::string& command) {
    const LibraryMessages messages(log_);
    const bool added = slirp_add_exec(slirp_, command.c_str(), &address, port) >= 0;
    return added ? "" : "the network takes no such address or port";
}

std::string SlirpStack::add_unix(in_addr address, std::uint16_t port, const std::string& path) {
    const LibraryMessages messages(log_);
    const bool added = slirp_add_unix(slirp_, path.c_str(), &address, port) >= 0;
    return added ? "" : "the network takes no such address or port";
}

std::string SlirpStack::connections() const {
    const LibraryMessages messages(log_);
    char* table = slirp_connection_info(slirp_);
    std::string text = table ? table : "";
    g_free(table);
    std::erase(text, '\r');
    return text;
}

void SlirpStack::input(Bytes frame) {
    // What would open one socket too many is lost, as on a network that has no room: the guest tries again.
    const std::optional<NewFlow> flow = new_flow(frame, host_.s_addr);
    if (flow && !admission_.admits(*flow, watches_.size(), loop_.host_clock().now_ns()))
        return log_.guest_error("flows", "the guest has more connections than the host has room for");
    const LibraryMessages messages(log_);
    slirp_input(slirp_, frame.data, int(frame.size));
    loop_.post(*this);
}

void SlirpStack::resume() {
    if (!frames_.empty()) loop_.post(*this);
}

/// Never calls the receiver: the guest's device may be in the middle of sending.
void SlirpStack::send_to_guest(Bytes frame) {
    if (frames_.size() >= kMaximumQueue) return;
    frames_.emplace_back(frame.begin(), frame.end());
    loop_.post(*this);
}

bool SlirpStack::deliver() {
    while (!frames_.empty()) {
        const std::vector<std::uint8_t> frame = std::move(frames_.front());
        frames_.pop_front();
        if (receiver_.take_frame({frame.data(), frame.size()})) continue;
        frames_.push_front(frame);
        return false;
    }
    return true;
}

void SlirpStack::run() {
    deliver();
    refresh();
}

void SlirpStack::fd_ready(int, bool, bool) { poll_now(); }

void SlirpStack::timed_out() { poll_now(); }

/// Tells the stack what all of its descriptors are ready for, whichever woke us.
void SlirpStack::poll_now() {
    const LibraryMessages messages(log_);
    std::vector<pollfd> ready;
    wanted_.clear();
    std::uint32_t timeout = ~std::uint32_t(0);
    slirp_pollfds_fill(slirp_, &timeout, Callbacks::add_poll, this);
    for (const Wanted& wanted : wanted_) {
        short events = 0;
        if (wanted.events & SLIRP_POLL_IN) events |= POLLIN;
        if (wanted.events & SLIRP_POLL_OUT) events |= POLLOUT;
        if (wanted.events & SLIRP_POLL_PRI) events |= POLLPRI;
        ready.push_back({wanted.fd, events, 0});
    }
    const int result = poll(ready.data(), nfds_t(ready.size()), 0);
    for (pollfd& descriptor : ready)
        if (descriptor.revents && !may_accept(descriptor.fd)) descriptor.revents = 0;
    const auto events_of = [](int index, void* opaque) {
        const auto& descriptors = *static_cast<const std::vector<pollfd>*>(opaque);
        if (index < 0 || std::size_t(index) >= descriptors.size()) return 0;
        const short seen = descriptors[std::size_t(index)].revents;
        return (seen & POLLIN ? SLIRP_POLL_IN : 0) | (seen & POLLOUT ? SLIRP_POLL_OUT : 0) |
               (seen & POLLPRI ? SLIRP_POLL_PRI : 0) | (seen & POLLERR ? SLIRP_POLL_ERR : 0) |
               (seen & POLLHUP ? SLIRP_POLL_HUP : 0);
    };
    slirp_pollfds_poll(slirp_, result < 0, events_of, &ready);
    deliver();
    refresh();
}

/// At once, so that what a socket takes of the host is known when the next is to be opened.
SlirpStack::Watched& SlirpStack::watch(int fd) {
    Watched& watched = watches_[fd];
    if (watched.watch) return watched;
    watched.listening = listens(fd);
    // Null when the host has no descriptors left: tried again the next time.
    watched.watch = loop_.watch(fd, *this, false, false);
    watched.readable = watched.writable = false;
    return watched;
}

/// False for a forwarded port when there is no room for a connection that waits there.
bool SlirpStack::may_accept(int fd) {
    const auto watched = watches_.find(fd);
    if (watched == watches_.end() || !watched->second.listening) return true;
    if (!resting_ && Admission::room(watches_.size())) return true;
    if (!resting_) rest_.arm(loop_.host_clock().now_ns() + kRest);
    resting_ = true;
    return false;
}

void SlirpStack::end_rest() {
    resting_ = false;
    refresh();
}

void SlirpStack::refresh() {
    const LibraryMessages messages(log_);
    wanted_.clear();
    std::uint32_t timeout = ~std::uint32_t(0);
    slirp_pollfds_fill(slirp_, &timeout, Callbacks::add_poll, this);
    if (timeout == ~std::uint32_t(0)) timeout_.cancel();
    else timeout_.arm(clock_.now_ns() + std::uint64_t(timeout) * kMillisecond);
    std::map<int, int> events;
    for (const Wanted& wanted : wanted_) events[wanted.fd] |= wanted.events;
    // One that is not waited for now keeps its watch until the stack closes it.
    for (auto& [fd, watched] : watches_) events.try_emplace(fd, 0);
    for (const auto& [fd, bits] : events) {
        Watched& watched = watch(fd);
        const bool resting = resting_ && watched.listening;
        const bool readable =
            !resting && (bits & (SLIRP_POLL_IN | SLIRP_POLL_PRI | SLIRP_POLL_HUP | SLIRP_POLL_ERR));
        const bool writable = bits & SLIRP_POLL_OUT;
        if (!watched.watch || (readable == watched.readable && writable == watched.writable)) continue;
        watched.watch->want(readable, writable);
        watched.readable = readable;
        watched.writable = writable;
    }
}

}  // namespace backplane::net
