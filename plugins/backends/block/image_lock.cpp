#include "image_lock.h"

#include <cerrno>

#include <fcntl.h>

namespace backplane::block {

namespace {

/// What an image may be used for. A user holds a shared lock on byte kUsed + n for what it does, and on byte
/// kRefused + n for what others must not do meanwhile.
struct Use {
    int number;
    const char* name;
};
constexpr Use kRead{0, "consistent read"};
constexpr Use kWrite{1, "write"};
constexpr Use kResize{3, "resize"};
constexpr off_t kUsed = 100;
constexpr off_t kRefused = 200;
constexpr off_t kUses = 4;

struct flock lock_of(short type, off_t start) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = start;
    lock.l_len = 1;
    return lock;
}

bool take(int fd, off_t place) {
    struct flock lock = lock_of(F_RDLCK, place);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0 || errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP;
}

bool taken_by_another(int fd, off_t place) {
    struct flock lock = lock_of(F_WRLCK, place);
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

std::string lock_image(int fd, bool writable) {
    // Ours first, then a look at the others': of two that begin at the same time, at least one sees the other.
    for (const Use& use : {kRead, kWrite, kResize})
        if ((writable || use.number == kRead.number) && !take(fd, kUsed + use.number))
            return std::string("Failed to get \"") + use.name + "\" lock";
    for (const Use& use : {kWrite, kResize})
        if (!take(fd, kRefused + use.number))
            return std::string("Failed to get shared \"") + use.name + "\" lock";
    for (const Use& use : {kRead, kWrite, kResize})
        if ((writable || use.number == kRead.number) && taken_by_another(fd, kRefused + use.number))
            return std::string("Failed to get \"") + use.name + "\" lock";
    for (const Use& use : {kWrite, kResize})
        if (taken_by_another(fd, kUsed + use.number))
            return std::string("Failed to get shared \"") + use.name + "\" lock";
    return {};
}

void unlock_image(int fd) {
    for (const off_t first : {kUsed, kRefused}) {
        struct flock lock = lock_of(F_UNLCK, first);
        lock.l_len = kUses;
        fcntl(fd, F_OFD_SETLK, &lock);
    }
}

}  // namespace backplane::block
