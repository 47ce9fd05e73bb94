// libslirp on the host loop: its descriptors as watches, its timeouts as timers, its frames in a queue.
#pragma once

#include "user_network.h"

#include <backplane/clock.h>
#include <backplane/event_loop.h>
#include <backplane/log.h>

#include <deque>
#include <map>
#include <memory>

struct Slirp;

namespace backplane::net {

struct StackOptions {
    Network network;
    bool ipv4 = true;
    bool ipv6 = true;
    std::uint8_t ipv6_prefix_length = 64;
    bool restricted = false;
    std::string hostname, tftp, tftp_server_name, bootfile, domain_name;
    std::vector<std::string> dns_search;
};

/// Thread: holding the machine lock.
class SlirpStack final : FdHandler, Work {
  public:
    /// Takes the frames that go to the guest.
    class Receiver {
      public:
        /// False: keep it until resume().
        virtual bool take_frame(Bytes frame) = 0;

      protected:
        ~Receiver() = default;
    };

    /// `clock`: what TCP's timeouts count on.
    SlirpStack(EventLoop& loop, Clock& clock, Log& log, Receiver& receiver);
    SlirpStack(const SlirpStack&) = delete;
    SlirpStack& operator=(const SlirpStack&) = delete;
    ~SlirpStack();

    /// Empty, or why not.
    std::string start(const StackOptions& options);
    /// A frame from the guest. What it is answered comes later, from the loop.
    void input(Bytes frame);
    /// The receiver takes frames again.
    void resume();

  private:
    class Callbacks;
    class StackTimer;
    struct Wanted {
        int fd;
        int events;
    };

    void fd_ready(int fd, bool readable, bool writable) override;
    void run() override;
    void poll_now();
    void timed_out();
    /// Asks the stack what it waits for, and waits for that.
    void refresh();
    void send_to_guest(Bytes frame);
    bool deliver();

    EventLoop& loop_;
    Clock& clock_;
    Log& log_;
    Receiver& receiver_;
    Slirp* slirp_ = nullptr;
    struct Watched {
        FdWatch* watch = nullptr;
        bool readable = false;
        bool writable = false;
    };
    std::map<int, Watched> watches_;
    std::vector<Wanted> wanted_;
    std::deque<std::vector<std::uint8_t>> frames_;
    OwnedTimer<&SlirpStack::timed_out> timeout_{*this};
};

}  // namespace backplane::net
