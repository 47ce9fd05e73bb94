// How many sockets of the host a guest may have: no more than so many, and never the last ones of the process.
#pragma once

#include "new_flow.h"

#include <cstddef>
#include <map>

namespace backplane::net {

/// Thread: one at a time.
class Admission {
  public:
    /// Of one network.
    static constexpr std::size_t kMaximumSockets = 4096;
    /// Descriptors that stay free for monitors, disks and the like, where the process may have many.
    static constexpr std::size_t kReserve = 256;

    /// May the network, which has `sockets` now, open another?
    static bool room(std::size_t sockets);
    /// May the flow go on, or begin? A datagram of one that was admitted a moment ago always may.
    bool admits(const NewFlow& flow, std::size_t sockets, std::uint64_t now_ns);

  private:
    void forget_old(std::uint64_t now_ns);
    std::map<std::array<std::uint8_t, 18>, std::uint64_t> datagrams_;  ///< source → when it was last heard
};

}  // namespace backplane::net
