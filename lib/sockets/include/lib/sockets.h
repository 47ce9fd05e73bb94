// Sockets of the host: where they listen or go to (a path, or a host and a port), and connections in the making.
// Nothing here blocks: what takes a while is a descriptor to wait for.
#pragma once

#include <backplane/event_loop.h>
#include <backplane/lifetime.h>

#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace backplane::sockets {

struct Endpoint {
    std::string path;       ///< a UNIX socket; else host and port
    bool abstract = false;  ///< the path is a name of Linux's abstract namespace
    bool tight = true;      ///< … which is as long as its text
    std::string host;
    std::string port;
    std::string last_port;  ///< a server takes the first free one from `port` to this
    bool ipv4 = true, ipv6 = true;
    int type = SOCK_STREAM;

    /// For messages: "unix:/run/x.sock", "tcp:localhost:1234".
    std::string text() const;
};

struct SocketResult {
    int fd = -1;
    std::string problem;  ///< when fd is -1
};

/// An address that a socket is bound or connected to.
struct Target {
    sockaddr_storage address;
    socklen_t size;
};

/// Looks up the addresses of an endpoint. A name may take the name server a while, so that is done by a thread; what
/// is no name is known at once.
class Lookup {
  public:
    explicit Lookup(const Endpoint& endpoint, bool passive);
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    /// A thread that still asks is left alone.
    ~Lookup();

    /// Readable when the answer is there; -1: it is there.
    int fd() const;
    /// The answer. Empty: `problem` says why.
    std::vector<Target> targets(std::string& problem);

  private:
    struct Question;
    std::shared_ptr<Question> question_;
};

/// Waits for the answer before the machine runs. Empty, or why there is none: it does not wait while the machine runs,
/// which a name server would hold up.
std::string await_answer(Lookup& lookup, Lifetime& lifetime);

/// A listening socket (or a bound one, for datagrams), non-blocking. What a dead process left at the path is removed.
SocketResult listen_at(const Endpoint& endpoint, const std::vector<Target>& targets);
/// A connection under way, non-blocking: writable when it is decided.
SocketResult start_connecting(const Target& target, int type = SOCK_STREAM);
/// 0, or the errno with which a connection failed.
int connection_error(int fd);
/// Is accept() to be tried again later, because the host has no more to give?
bool out_of_resources(int error);
/// "127.0.0.1:80" of a connected socket's own end or, `peer`, its other; empty for UNIX sockets.
std::string end_of(int fd, bool peer);

/// A connection in the making: the lookup of its address, then each address in turn.
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

}  // namespace backplane::sockets
