// libslirp on the host loop: its descriptors as watches, its timeouts as timers, its frames in a queue.
#pragma once

#include "admission.h"
#include "user_network.h"

#include <backplane/char.h>
#include <backplane/clock.h>
#include <backplane/entropy.h>
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
    SlirpStack(EventLoop& loop, Clock& clock, Entropy& entropy, Log& log, Receiver& receiver);
    SlirpStack(const SlirpStack&) = delete;
    SlirpStack& operator=(const SlirpStack&) = delete;
    ~SlirpStack();

    /// Empty, or why not.
    std::string start(const StackOptions& options);
    /// A frame from the guest. What it is answered comes later, from the loop.
    void input(Bytes frame);
    /// The receiver takes frames again.
    void resume();

    /// Empty, or why not.
    std::string add_forward(const Forward& forward);
    bool remove_forward(const Forward& forward);
    /// What `address`:`port` of the network leads to is `chardev`. Empty, or why not.
    std::string add_chardev(in_addr address, std::uint16_t port, CharBackend& chardev);
    /// The same for a command line that is started for each connection, and for a UNIX socket.
    std::string add_command(in_addr address, std::uint16_t port, const std::string& command);
    std::string add_unix(in_addr address, std::uint16_t port, const std::string& path);
    std::string connections() const;

  private:
    class Callbacks;
    class StackTimer;
    class GuestForward;
    struct Wanted {
        int fd;
        int events;
    };

    struct Watched {
        FdWatch* watch = nullptr;
        bool readable = false;
        bool writable = false;
        bool listening = false;
    };

    void fd_ready(int fd, bool readable, bool writable) override;
    void run() override;
    void poll_now();
    void timed_out();
    /// Asks the stack what it waits for, and waits for that.
    void refresh();
    void send_to_guest(Bytes frame);
    Watched& watch(int fd);
    bool may_accept(int fd);
    void end_rest();
    bool deliver();

    EventLoop& loop_;
    Clock& clock_;
    Entropy& entropy_;
    Log& log_;
    Receiver& receiver_;
    Slirp* slirp_ = nullptr;
    std::map<int, Watched> watches_;
    Admission admission_;
    in_addr host_{};
    bool resting_ = false;  ///< forwarded ports do not accept: there was no room
    std::vector<std::unique_ptr<GuestForward>> guest_forwards_;
    std::vector<Wanted> wanted_;
    std::deque<std::vector<std::uint8_t>> frames_;
    OwnedTimer<&SlirpStack::timed_out> timeout_{*this};
    OwnedTimer<&SlirpStack::end_rest> rest_{*this};
};

}  // namespace backplane::net
