// A connection in the making: the lookup of its address, then each address in turn. Never blocks.
#pragma once

#include "endpoint.h"

#include <backplane/event_loop.h>

namespace backplane::chardev {

/// Thread: holding the machine lock.
class Connector final : FdHandler {
  public:
    class Owner {
      public:
        /// Takes over the descriptor.
        virtual void connected(int fd) = 0;
        virtual void not_connected(const std::string& problem) = 0;

      protected:
        ~Owner() = default;
    };

    explicit Connector(Owner& owner) : owner_(owner) {}
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    ~Connector() { cancel(); }

    /// May call the owner from within, when all is decided at once.
    void begin(const Endpoint& endpoint);
    void cancel();
    /// What is waited for; -1: nothing, it is decided.
    int fd() const { return lookup_ ? lookup_->fd() : socket_; }
    bool wants_readable() const { return lookup_ != nullptr; }
    /// The descriptor is ready.
    void advance();
    /// From here on the loop does the waiting.
    void follow(EventLoop& loop);

  private:
    void fd_ready(int, bool, bool) override { advance(); }
    void try_next();
    void settle();
    void watch();
    void drop_watch();
    void give_up();

    Owner& owner_;
    Endpoint endpoint_;
    EventLoop* loop_ = nullptr;
    FdWatch* watch_ = nullptr;
    std::unique_ptr<Lookup> lookup_;  ///< while it is asked
    std::vector<Target> targets_;
    std::size_t next_ = 0;
    int socket_ = -1;
    std::string problem_;
};

}  // namespace backplane::chardev
