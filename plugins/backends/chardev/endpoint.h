// Where a socket listens or goes to: a path, or a host and a port.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace backplane::chardev {

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

}  // namespace backplane::chardev
