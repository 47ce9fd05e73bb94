#include "admission.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace backplane::net {

namespace {

/// The network keeps the socket of a flow of datagrams at least so long.
constexpr std::uint64_t kSocketLives = 8'000'000'000;  // ns
constexpr std::size_t kRemembered = 2 * Admission::kMaximumSockets;

/// Is there a descriptor that is not of the reserve? The lowest free one tells, without looking at all.
bool descriptors_left() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
    const std::size_t most = std::size_t(limit.rlim_cur);
    const std::size_t reserve = std::min(Admission::kReserve, most / 4);
    const int lowest = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (lowest < 0) return errno == EBADF;  // no standard input: nothing to measure with
    close(lowest);
    return std::size_t(lowest) < most - reserve;
}

}  // namespace

bool Admission::room(std::size_t sockets) { return sockets < kMaximumSockets && descriptors_left(); }

bool Admission::admits(const NewFlow& flow, std::size_t sockets, std::uint64_t now_ns) {
    if (flow.datagram) {
        const auto known = datagrams_.find(flow.source);
        if (known != datagrams_.end() && now_ns - known->second < kSocketLives) {
            known->second = now_ns;
            return true;
        }
    }
    if (!room(sockets)) return false;
    if (flow.datagram) {
        if (datagrams_.size() >= kRemembered) forget_old(now_ns);
        datagrams_[flow.source] = now_ns;
    }
    return true;
}

void Admission::forget_old(std::uint64_t now_ns) {
    std::erase_if(datagrams_, [&](const auto& flow) { return now_ns - flow.second >= kSocketLives; });
    if (datagrams_.size() >= kRemembered) datagrams_.clear();
}

}  // namespace backplane::net
