#include <lib/sockets.h>

#include <cstring>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace backplane::sockets {

void Connector::begin(const Endpoint& endpoint) {
    cancel();
    endpoint_ = endpoint;
    lookup_ = std::make_unique<Lookup>(endpoint_, false);
    if (lookup_->fd() < 0) advance();
}

void Connector::cancel() {
    drop_watch();
    loop_ = nullptr;
    lookup_.reset();
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void Connector::follow(EventLoop& loop) {
    loop_ = &loop;
    watch();
}

void Connector::advance() {
    drop_watch();
    if (!lookup_) return settle();
    targets_ = lookup_->targets(problem_);
    next_ = 0;
    lookup_.reset();
    try_next();
}

void Connector::try_next() {
    while (next_ < targets_.size()) {
        const SocketResult result = start_connecting(targets_[next_++], endpoint_.type);
        problem_ = result.problem;
        if (result.fd < 0) continue;
        socket_ = result.fd;
        // To this host it is decided already.
        pollfd ready{socket_, POLLOUT, 0};
        if (poll(&ready, 1, 0) > 0) return settle();
        return watch();
    }
    give_up();
}

void Connector::settle() {
    const int error = connection_error(socket_);
    const int fd = std::exchange(socket_, -1);
    if (error == 0) return owner_.connected(fd);
    ::close(fd);
    problem_ = std::strerror(error);
    try_next();
}

void Connector::watch() {
    if (!loop_ || fd() < 0) return;
    watch_ = loop_->watch(fd(), *this, wants_readable(), !wants_readable());
    if (watch_) return;
    problem_ = "the host has no file descriptors left";
    lookup_.reset();
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    give_up();
}

void Connector::drop_watch() {
    if (watch_) watch_->release();
    watch_ = nullptr;
}

void Connector::give_up() { owner_.not_connected(problem_); }

}  // namespace backplane::sockets
