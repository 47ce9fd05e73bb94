#include "output_log.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::chardev {

int open_output(const std::string& path, bool append) {
    struct stat status {};
    // Open for both ways, a named pipe keeps what is written until its reader comes.
    const bool pipe = stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
    const int mode = pipe ? O_RDWR : O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC);
    return ::open(path.c_str(), mode | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
}

int OutputLog::open(const std::string& path, bool append) {
    close();
    fd_ = open_output(path, append);
    return fd_ >= 0 ? 0 : errno;
}

void OutputLog::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void OutputLog::add(Bytes bytes) {
    if (fd_ < 0) return;
    while (bytes.size > 0) {
        const ssize_t count = ::write(fd_, bytes.data, bytes.size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        bytes = {bytes.data + count, bytes.size - std::size_t(count)};
    }
}

}  // namespace backplane::chardev
