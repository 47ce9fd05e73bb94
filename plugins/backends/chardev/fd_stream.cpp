#include "fd_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

/// More than this, of one who sent it and left, is not kept.
constexpr std::size_t kLeftOverLimit = 1 << 20;

bool transient(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

void set_non_blocking(int fd) {
    if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

bool FdStream::open(EventLoop& loop, int input, int output) {
    close();
    loop_ = &loop;
    input_ = input;
    output_ = output;
    at_end_ = takes_descriptors_ = false;
    can_hang_up_ = true;
    set_non_blocking(input_);
    if (output_ != input_) set_non_blocking(output_);
    if (input_ < 0) return true;
    input_watch_ = loop.watch(input_, *this, false, false);
    if (input_watch_) want_input();
    else close();
    return input_watch_ != nullptr;
}

void FdStream::close() {
    if (input_watch_) input_watch_->release();
    if (output_watch_) output_watch_->release();
    input_watch_ = output_watch_ = nullptr;
    drop_hang_up_watch();
    drop_descriptors();
    if (output_ >= 0 && output_ != input_) ::close(output_);
    if (input_ >= 0) ::close(input_);
    input_ = output_ = -1;
}

void FdStream::accept_input() {
    deliver_left_over();
    if (input_watch_ && !at_end_) want_input();
}

void FdStream::want_input() {
    const bool room = left_over_.empty() && owner_.stream_room() > 0;
    input_watch_->want(room, false);
    if (!room) watch_hang_up();
}

/// The loop reports input, and a hang-up as the end of it. An epoll of our own reports a hang-up alone. What has none
/// (a file) cannot be added; without a descriptor for it, a hang-up is seen when there is room again.
void FdStream::watch_hang_up() {
    if (hang_up_fd_ >= 0 || !can_hang_up_) return;
    hang_up_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (hang_up_fd_ < 0) return;
    epoll_event event{.events = EPOLLRDHUP | EPOLLONESHOT, .data = {}};
    can_hang_up_ = epoll_ctl(hang_up_fd_, EPOLL_CTL_ADD, input_, &event) == 0;
    if (can_hang_up_) hang_up_watch_ = loop_->watch(hang_up_fd_, *this, true, false);
    if (!hang_up_watch_) drop_hang_up_watch();
}

void FdStream::drop_hang_up_watch() {
    if (hang_up_watch_) hang_up_watch_->release();
    hang_up_watch_ = nullptr;
    if (hang_up_fd_ >= 0) ::close(hang_up_fd_);
    hang_up_fd_ = -1;
}

/// The connection is given up now, so that the next can come.
void FdStream::hung_up() {
    drop_hang_up_watch();
    if (left_over_.empty() && owner_.stream_room() > 0) return input_watch_->want(true, false);
    std::array<char, 4096> buffer;
    while (left_over_.size() < kLeftOverLimit) {
        const ssize_t count = ::read(input_, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        left_over_.append(buffer.data(), std::size_t(count));
    }
    end();
}

void FdStream::deliver_left_over() {
    while (!left_over_.empty()) {
        const std::size_t room = std::min(owner_.stream_room(), left_over_.size());
        if (room == 0) return;
        std::string chunk = left_over_.substr(0, room);
        left_over_.erase(0, room);
        owner_.stream_bytes({reinterpret_cast<std::uint8_t*>(chunk.data()), room});
    }
}

void FdStream::end() {
    at_end_ = true;
    input_watch_->want(false, false);
    owner_.stream_ended();
}

std::size_t FdStream::write(Bytes bytes) {
    if (output_ < 0) return bytes.size;
    std::size_t done = 0;
    while (done < bytes.size) {
        const ssize_t count = ::write(output_, bytes.data + done, bytes.size - done);
        if (count >= 0) {
            done += std::size_t(count);
            continue;
        }
        if (errno == EINTR) continue;
        if (!transient(errno)) return bytes.size;
        if (!output_watch_) output_watch_ = loop_->watch(output_, *this, false, true);
        else output_watch_->want(false, true);
        if (!output_watch_) return bytes.size;  // nobody would say when there is room
        break;
    }
    return done;
}

void FdStream::take_input() {
    std::array<std::uint8_t, 4096> buffer;
    const std::size_t room = left_over_.empty() ? std::min(owner_.stream_room(), buffer.size()) : 0;
    if (room == 0) return want_input();
    const ssize_t count = read_input(buffer.data(), room);
    if (count < 0 && transient(errno)) return;
    if (count > 0) return owner_.stream_bytes({buffer.data(), std::size_t(count)});
    end();
}

/// unix(7), SCM_RIGHTS. Who sends more than anyone can want loses them.
ssize_t FdStream::read_input(void* to, std::size_t size) {
    if (!takes_descriptors_) return ::read(input_, to, size);
    constexpr std::size_t kAtOnce = 16, kWaiting = 16;
    alignas(cmsghdr) char control[CMSG_SPACE(kAtOnce * sizeof(int))];
    iovec place{to, size};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = recvmsg(input_, &message, MSG_CMSG_CLOEXEC);
    for (cmsghdr* header = count < 0 ? nullptr : CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
        for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(header) + at, sizeof descriptor);
            if (descriptors_.size() < kWaiting) descriptors_.push_back(descriptor);
            else ::close(descriptor);
        }
    }
    return count;
}

int FdStream::take_descriptor() {
    if (descriptors_.empty()) return -1;
    const int oldest = descriptors_.front();
    descriptors_.pop_front();
    return oldest;
}

void FdStream::drop_descriptors() {
    for (const int descriptor : descriptors_) ::close(descriptor);
    descriptors_.clear();
}

void FdStream::fd_ready(int fd, bool readable, bool) {
    if (fd == hang_up_fd_) return hung_up();
    if (readable) return take_input();
    output_watch_->want(false, false);
    owner_.stream_writable();
}

int private_copy(int fd, int flags) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return -1;
    if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        const int own = ::open(path.c_str(), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0) return own;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

}  // namespace backplane::chardev
