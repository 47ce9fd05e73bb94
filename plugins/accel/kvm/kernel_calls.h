// The system calls by which this plugin reaches the kernel's monitor. Tests have others in their place.
#pragma once

#include <cstddef>

namespace backplane::kvm::kernel_calls {

/// A descriptor, or -errno.
int open(const char* path);
void close(int fd);
/// ioctl(2): what it returned, or -errno.
int control(int fd, unsigned long code, const void* argument);
/// Shared memory of a descriptor, to read and write, from byte `offset` on. Null, and errno says why.
void* map(int fd, std::size_t size, std::size_t offset = 0);
void unmap(void* memory, std::size_t size);

}  // namespace backplane::kvm::kernel_calls
