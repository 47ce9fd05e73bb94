#include "channel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace backplane::migration {
namespace {

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::uint64_t(now.tv_sec) * 1'000'000'000 + std::uint64_t(now.tv_nsec);
}

bool fail(Errors& errors, const std::string& what) {
    errors.fail(what);
    return false;
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) close(fd_);
        fd_ = other.release();
    }
    return *this;
}
Descriptor::~Descriptor() {
    if (fd_ >= 0) close(fd_);
}

BreakSignal::BreakSignal() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void BreakSignal::raise() { eventfd_write(event_.get(), 1); }

bool BreakSignal::wait(int fd, short events) const { return wait_for(fd, events, -1); }

bool BreakSignal::wait_for(int fd, short events, int ms) const {
    pollfd waits[2] = {{event_.get(), POLLIN, 0}, {fd, events, 0}};
    while (poll(waits, 2, ms) < 0)
        if (errno != EINTR) break;
    return waits[0].revents == 0;
}

Channel::Channel(Descriptor descriptor, const BreakSignal& breaking, std::uint64_t bytes_per_second)
    : descriptor_(std::move(descriptor)), break_(breaking), limit_(bytes_per_second), started_ns_(now_ns()) {
    fcntl(descriptor_.get(), F_SETFL, fcntl(descriptor_.get(), F_GETFL) | O_NONBLOCK);
}

bool Channel::write(Bytes bytes, Errors& errors) {
    if (!slow_down(bytes.size, errors)) return false;
    while (bytes.size) {
        const ssize_t wrote = ::write(descriptor_.get(), bytes.data, bytes.size);
        if (wrote > 0) {
            bytes = {bytes.data + wrote, bytes.size - std::size_t(wrote)};
        } else if (wrote < 0 && would_block(errno)) {
            if (!break_.wait(descriptor_.get(), POLLOUT)) return fail(errors, "cancelled");
        } else if (wrote == 0 || errno != EINTR) {
            return fail(errors, std::string("writing: ") + std::strerror(wrote < 0 ? errno : ENOSPC));
        }
    }
    return true;
}

bool Channel::read(MutableBytes to, Errors& errors) {
    while (to.size) {
        const ssize_t got = ::read(descriptor_.get(), to.data, to.size);
        if (got > 0) {
            to = {to.data + got, to.size - std::size_t(got)};
        } else if (got == 0) {
            return fail(errors, "the saved machine is cut short: the other end closed");
        } else if (would_block(errno)) {
            if (!break_.wait(descriptor_.get(), POLLIN)) return fail(errors, "cancelled");
        } else if (errno != EINTR) {
            return fail(errors, std::string("reading: ") + std::strerror(errno));
        }
    }
    return true;
}

/// Waits until as much time went by as the bytes so far may take at least.
bool Channel::slow_down(std::uint64_t bytes, Errors& errors) {
    if (limit_ == 0) return true;
    written_ += bytes;
    const double due_ns = double(written_) / double(limit_) * 1e9;
    const double gone_ns = double(now_ns() - started_ns_);
    if (due_ns <= gone_ns + 1e6) return true;
    return break_.pause(int(std::min((due_ns - gone_ns) / 1e6, 1e9))) || fail(errors, "cancelled");
}

}  // namespace backplane::migration
