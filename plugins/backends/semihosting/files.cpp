#include "files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::semihosting {

namespace {

/// The specification, 6.2: a magic number, then bits: SYS_EXIT_EXTENDED, stdout and stderr apart.
constexpr char kFeatures[] = {'S', 'H', 'F', 'B', 3};

/// fopen's "r", "r+", "w", "w+", "a", "a+": each twice, as binary makes no difference here.
constexpr int kFlags[] = {O_RDONLY,
                          O_RDWR,
                          O_WRONLY | O_CREAT | O_TRUNC,
                          O_RDWR | O_CREAT | O_TRUNC,
                          O_WRONLY | O_CREAT | O_APPEND,
                          O_RDWR | O_CREAT | O_APPEND};

std::int64_t fail(int error) {
    errno = error;
    return -1;
}

}  // namespace

Files::~Files() {
    for (const auto& [handle, file] : files_)
        if (file.fd >= 0) ::close(file.fd);
}

Files::File* Files::find(std::uint64_t handle) {
    const auto at = files_.find(handle);
    return at == files_.end() ? nullptr : &at->second;
}

Files::Kind Files::kind(std::uint64_t handle) const {
    const auto at = files_.find(handle);
    return at == files_.end() ? Kind::None : at->second.kind;
}

std::int64_t Files::enter(Kind kind, int fd) {
    std::uint64_t handle = 1;  // 0 is no handle
    while (files_.contains(handle)) ++handle;
    files_.emplace(handle, File{kind, fd, 0});
    return std::int64_t(handle);
}

std::int64_t Files::open(const std::string& name, unsigned mode) {
    if (mode >= 12) return fail(EINVAL);
    if (files_.size() >= kMaximum) return fail(EMFILE);
    if (name == ":tt") return enter(mode < 4 ? Kind::Input : mode < 8 ? Kind::Output : Kind::ErrorOutput, -1);
    if (name == ":semihosting-features") return mode < 2 ? enter(Kind::Features, -1) : fail(EACCES);
    const int fd = ::open(name.c_str(), kFlags[mode / 2] | O_CLOEXEC | O_NOCTTY, 0644);
    return fd < 0 ? -1 : enter(Kind::Host, fd);
}

bool Files::close(std::uint64_t handle) {
    File* file = find(handle);
    if (!file) return fail(EBADF) == 0;
    const bool ok = file->fd < 0 || ::close(file->fd) == 0;
    files_.erase(handle);
    return ok;
}

std::int64_t Files::read(std::uint64_t handle, char* to, std::size_t size) {
    File* file = find(handle);
    if (!file) return fail(EBADF);
    if (file->kind == Kind::Host) return ::read(file->fd, to, size);
    if (file->kind != Kind::Features) return fail(EBADF);
    const std::size_t left = sizeof kFeatures - std::min<std::uint64_t>(file->position, sizeof kFeatures);
    const std::size_t count = std::min(left, size);
    std::memcpy(to, kFeatures + sizeof kFeatures - left, count);
    file->position += count;
    return std::int64_t(count);
}

std::int64_t Files::write(std::uint64_t handle, const char* from, std::size_t size) {
    File* file = find(handle);
    return file && file->kind == Kind::Host ? ::write(file->fd, from, size) : fail(EBADF);
}

bool Files::seek(std::uint64_t handle, std::uint64_t position) {
    File* file = find(handle);
    if (file && file->kind == Kind::Features) {
        file->position = position;
        return true;
    }
    if (!file || file->kind != Kind::Host) return fail(EBADF) == 0;
    return ::lseek(file->fd, off_t(position), SEEK_SET) >= 0;
}

std::int64_t Files::length(std::uint64_t handle) {
    File* file = find(handle);
    if (file && file->kind == Kind::Features) return sizeof kFeatures;
    struct stat status {};
    if (!file || file->kind != Kind::Host) return fail(EBADF);
    return ::fstat(file->fd, &status) == 0 ? std::int64_t(status.st_size) : -1;
}

bool Files::is_terminal(std::uint64_t handle) {
    File* file = find(handle);
    if (!file || file->kind == Kind::Features) return false;
    return file->kind != Kind::Host || ::isatty(file->fd) == 1;
}

}  // namespace backplane::semihosting
