#include "kernel/program/pid_file.h"

#include "kernel/vocabulary/user_error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::kernel {

PidFile::~PidFile() {
    if (fd_ < 0) return;
    if (!path_.empty()) unlink(path_.c_str());
    close(fd_);
}

void PidFile::create(const std::string& path) {
    const auto fail = [&](const std::string& why) -> UserError {
        return UserError("-pidfile " + path + ": cannot create PID file: " + why);
    };
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) throw fail(std::strerror(errno));
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        const int error = errno;
        close(fd);
        throw fail(error == EACCES || error == EAGAIN ? "another process that is running has it"
                                                      : std::strerror(error));
    }
    const std::string text = std::to_string(getpid()) + "\n";
    struct stat kind {};
    const bool regular = fstat(fd, &kind) == 0 && S_ISREG(kind.st_mode);
    if ((regular && ftruncate(fd, 0) < 0) || write(fd, text.data(), text.size()) != ssize_t(text.size())) {
        const int error = errno;
        close(fd);
        throw fail(std::strerror(error));
    }
    // A device or a pipe is nobody's to remove.
    if (regular) path_ = path;
    fd_ = fd;
}

}  // namespace backplane::kernel
