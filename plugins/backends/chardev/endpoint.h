// Where a stream socket listens or goes to: a path, or a host and a port.
#pragma once

#include <string>
#include <vector>

#include <sys/socket.h>

namespace backplane::chardev {

struct Endpoint {
    std::string path;  ///< a UNIX socket; else host and port
    std::string host;
    std::string port;

    /// For messages: "unix:/run/x.sock", "tcp:localhost:1234".
    std::string text() const;
};

struct SocketResult {
    int fd = -1;
    std::string problem;  ///< when fd is -1
};

/// A listening socket, non-blocking. What a dead process left at the path is removed.
SocketResult listen_at(const Endpoint& endpoint);

/// Addresses to try in turn; looking up a name may take a while.
struct Target {
    sockaddr_storage address;
    socklen_t size;
};
std::vector<Target> targets_of(const Endpoint& endpoint, std::string& problem);
/// A connection under way, non-blocking: writable when it is decided.
SocketResult start_connecting(const Target& target);
/// 0, or the errno with which a connection failed.
int connection_error(int fd);

}  // namespace backplane::chardev
