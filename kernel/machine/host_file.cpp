#include "kernel/machine/host_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <utility>

namespace backplane::kernel {
namespace {

/// Closes on the way out.
struct Descriptor {
    explicit Descriptor(int open_file) : fd(open_file) {}
    explicit Descriptor(const std::string& path)
        : fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) close(fd);
    }
    int release() { return std::exchange(fd, -1); }
    int fd;
};

int read_all(int fd, std::vector<std::uint8_t>& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t got = read(fd, bytes.data() + done, bytes.size() - done);
        if (got > 0) done += std::size_t(got);
        else if (got == 0) return EIO;
        else if (errno != EINTR) return errno;
    }
    return 0;
}

}  // namespace

int open_regular_file(const std::string& path, std::uint64_t limit, std::uint64_t& size) {
    Descriptor file(path);
    struct stat status {};
    if (file.fd < 0 || fstat(file.fd, &status) != 0) return -1;
    errno = S_ISDIR(status.st_mode)                 ? EISDIR
            : !S_ISREG(status.st_mode)              ? EINVAL
            : std::uint64_t(status.st_size) > limit ? EFBIG
                                                    : 0;
    if (errno != 0) return -1;
    size = std::uint64_t(status.st_size);
    return file.release();
}

int read_whole_file(const std::string& path, std::uint64_t limit, std::vector<std::uint8_t>& bytes) {
    std::uint64_t size = 0;
    const Descriptor file(open_regular_file(path, limit, size));
    if (file.fd < 0) return errno;
    try {
        bytes.assign(std::size_t(size), 0);
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    } catch (const std::length_error&) {
        return ENOMEM;
    }
    return read_all(file.fd, bytes);
}

int read_start_of_file(const std::string& path, std::vector<std::uint8_t>& bytes) {
    const Descriptor file(path);
    return file.fd < 0 ? errno : read_all(file.fd, bytes);
}

}  // namespace backplane::kernel
