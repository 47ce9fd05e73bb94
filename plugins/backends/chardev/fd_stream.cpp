#include "fd_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

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
    at_end_ = false;
    set_non_blocking(input_);
    if (output_ != input_) set_non_blocking(output_);
    if (input_ >= 0) input_watch_ = loop.watch(input_, *this, owner_.stream_room() > 0, false);
    if (input_ < 0 || input_watch_) return true;
    close();
    return false;
}

void FdStream::close() {
    if (input_watch_) input_watch_->release();
    if (output_watch_) output_watch_->release();
    input_watch_ = output_watch_ = nullptr;
    if (output_ >= 0 && output_ != input_) ::close(output_);
    if (input_ >= 0) ::close(input_);
    input_ = output_ = -1;
}

void FdStream::accept_input() {
    if (input_watch_ && !at_end_) input_watch_->want(owner_.stream_room() > 0, false);
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
    const std::size_t room = std::min(owner_.stream_room(), buffer.size());
    if (room == 0) return input_watch_->want(false, false);
    const ssize_t count = ::read(input_, buffer.data(), room);
    if (count < 0 && transient(errno)) return;
    if (count > 0) return owner_.stream_bytes({buffer.data(), std::size_t(count)});
    at_end_ = true;
    input_watch_->want(false, false);
    owner_.stream_ended();
}

void FdStream::fd_ready(int, bool readable, bool) {
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
