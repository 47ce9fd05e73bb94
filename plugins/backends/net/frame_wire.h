// Frames to and from sockets: each a datagram, or each behind its length on a stream.
#pragma once

#include <backplane/clock.h>
#include <backplane/log.h>
#include <lib/sockets.h>

#include <memory>

namespace backplane::net {

/// Thread: holding the machine lock.
class FrameWire {
  public:
    class Receiver {
      public:
        /// False: keep it until resume().
        virtual bool take_frame(Bytes frame) = 0;

      protected:
        ~Receiver() = default;
    };
    virtual ~FrameWire() = default;
    /// A frame that cannot go now is lost.
    virtual void send(Bytes frame) = 0;
    virtual void resume() = 0;
};

/// What a wire is made of.
struct WireParts {
    EventLoop& loop;
    Lifetime& lifetime;
    Log& log;
    FrameWire::Receiver& receiver;
    std::string name;  ///< for messages: "netdev 'n0'"
};

struct StreamOptions {
    sockets::Endpoint endpoint;
    bool server = false;
    int fd = -1;  ///< a connected socket that was passed in
    std::uint32_t reconnect_ms = 0;
};
/// A stream: each frame after its length, 4 bytes in network order. Null and `problem`.
std::unique_ptr<FrameWire> make_stream(const WireParts& parts, const StreamOptions& options,
                                       std::string& problem);

struct DatagramOptions {
    sockets::Endpoint local, remote;  ///< empty path and port: there is none
    int fd = -1;                      ///< a connected socket that was passed in
};
/// Datagrams between two addresses, or in the group of a multicast address.
std::unique_ptr<FrameWire> make_datagrams(const WireParts& parts, const DatagramOptions& options,
                                          std::string& problem);

}  // namespace backplane::net
