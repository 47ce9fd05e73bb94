// Where clients connect.
#pragma once

#include <backplane/clock.h>
#include <backplane/event_loop.h>
#include <lib/sockets.h>

#include <string>

namespace backplane::vnc {

/// An end of a connection, or where one is waited for, as programs are told of it.
struct Address {
    std::string host, service;
    const char* family = "unknown";  ///< ipv4, ipv6, unix
};
/// Of a socket, at its own end or its `peer`'s.
Address address_of(int fd, bool peer);

/// Thread: the host loop, holding the machine lock.
class Listener final : FdHandler {
  public:
    class Owner {
      public:
        /// Takes over the descriptor.
        virtual void connected(int fd) = 0;

      protected:
        ~Owner() = default;
    };

    Listener(Owner& owner, EventLoop& loop) : owner_(owner), loop_(loop) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { close(); }

    /// False and a reason.
    bool open(const sockets::Endpoint& endpoint, Lifetime& lifetime, Errors& errors);
    void close();
    bool is_open() const { return fd_ >= 0; }
    /// While it is open.
    Address address() const;

  private:
    void fd_ready(int, bool, bool) override { accept(); }
    void accept();
    void listen();
    void rest();

    Owner& owner_;
    EventLoop& loop_;
    sockets::Endpoint endpoint_;
    int fd_ = -1;
    FdWatch* watch_ = nullptr;
    OwnedTimer<&Listener::listen> rest_{*this};
};

}  // namespace backplane::vnc
