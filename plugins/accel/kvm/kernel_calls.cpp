#include "kernel_calls.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace backplane::kvm::kernel_calls {

int open(const char* path) {
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void close(int fd) { ::close(fd); }

int control(int fd, unsigned long code, const void* argument) {
    const int result = ::ioctl(fd, code, argument);
    return result < 0 ? -errno : result;
}

void* map(int fd, std::size_t size, std::size_t offset) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off_t(offset));
    return memory == MAP_FAILED ? nullptr : memory;
}

void unmap(void* memory, std::size_t size) { ::munmap(memory, size); }

}  // namespace backplane::kvm::kernel_calls
