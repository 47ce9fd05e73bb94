#include "kernel/machine/start_bytes.h"

#include "kernel/machine/host_file.h"

#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

namespace backplane::kernel {

int StartBytes::open(const std::string& path, std::uint64_t limit, Reading reading,
                     std::shared_ptr<const StartBytes>& bytes) {
    if (reading == Reading::Now) {
        std::vector<std::uint8_t> all;
        if (const int error = read_whole_file(path, limit, all)) return error;
        bytes = std::make_shared<const StartBytes>(std::move(all));
        return 0;
    }
    std::uint64_t size = 0;
    const int file = open_regular_file(path, limit, size);
    if (file < 0) return errno;
    void* mapped = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
    if (mapped == MAP_FAILED) {
        const int error = errno;
        close(file);
        return error;
    }
    bytes.reset(new StartBytes(file, {static_cast<const std::uint8_t*>(mapped), std::size_t(size)}));
    return 0;
}

StartBytes::~StartBytes() {
    if (file_ < 0) return;
    if (!bytes_.empty()) munmap(const_cast<std::uint8_t*>(bytes_.data), bytes_.size);
    close(file_);
}

int StartBytes::copy(std::uint64_t offset, MutableBytes to) const {
    if (file_ < 0) {
        std::memcpy(to.data, bytes_.data + offset, to.size);
        return 0;
    }
    while (to.size) {
        const ssize_t got = pread(file_, to.data, to.size, off_t(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 ? errno : ENODATA;
        to = {to.data + got, to.size - std::size_t(got)};
        offset += std::uint64_t(got);
    }
    return 0;
}

}  // namespace backplane::kernel
