#include "slirp_stack.h"

#include <algorithm>

#include <libslirp.h>
#include <poll.h>

namespace backplane::net {

namespace {

/// Frames that wait for the guest. More are dropped; TCP sends them again.
constexpr std::size_t kMaximumQueue = 512;
constexpr std::uint64_t kMillisecond = 1'000'000;

const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

/// A timer that the stack itself made.
class SlirpStack::StackTimer {
  public:
    StackTimer(SlirpStack& stack, SlirpTimerId id, void* data) : stack_(stack), id_(id), data_(data) {
        timer_.create(stack.clock_);
    }
    void expire_at(std::int64_t ms) { timer_.arm(ms < 0 ? 0 : std::uint64_t(ms) * kMillisecond); }

  private:
    void expired() {
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
    static void register_poll_fd(int, void* opaque) { notify(opaque); }
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

SlirpStack::SlirpStack(EventLoop& loop, Clock& clock, Log& log, Receiver& receiver)
    : loop_(loop), clock_(clock), log_(log), receiver_(receiver) {
    timeout_.create(clock);
}

SlirpStack::~SlirpStack() {
    if (slirp_) slirp_cleanup(slirp_);
    for (const auto& [fd, watched] : watches_)
        if (watched.watch) watched.watch->release();
    loop_.cancel(*this);
}

std::string SlirpStack::start(const StackOptions& options) {
    const Network& network = options.network;
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
    for (const Forward& forward : network.forwards) {
        const int result = slirp_add_hostfwd(slirp_, forward.udp, forward.host_address, forward.host_port,
                                             forward.guest_address, forward.guest_port);
        if (result < 0)
            return std::string("Could not set up host forwarding rule '") + (forward.udp ? "udp" : "tcp") +
                   ":" + std::to_string(forward.host_port) + "-" + std::to_string(forward.guest_port) +
                   "'; is the port in use, or below 1024?";
    }
    refresh();
    return {};
}

void SlirpStack::input(Bytes frame) {
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

void SlirpStack::refresh() {
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
        Watched& watched = watches_[fd];
        const bool readable = bits & (SLIRP_POLL_IN | SLIRP_POLL_PRI | SLIRP_POLL_HUP | SLIRP_POLL_ERR);
        const bool writable = bits & SLIRP_POLL_OUT;
        // Null when the host has no descriptors left: tried again the next time.
        if (!watched.watch) watched.watch = loop_.watch(fd, *this, readable, writable);
        else if (readable != watched.readable || writable != watched.writable)
            watched.watch->want(readable, writable);
        watched.readable = readable;
        watched.writable = writable;
    }
}

}  // namespace backplane::net
