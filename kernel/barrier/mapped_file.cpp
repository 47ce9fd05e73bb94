#include "kernel/barrier/mapped_file.h"

#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

/// /proc/self/maps, line by line.
class MapsReader {
  public:
    MapsReader() : fd_(open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
    MapsReader(const MapsReader&) = delete;
    MapsReader& operator=(const MapsReader&) = delete;
    ~MapsReader() {
        if (fd_ >= 0) close(fd_);
    }
    /// The next line, cut when it is longer than the room; false at the end.
    template <std::size_t Room>
    bool next(char (&line)[Room]) {
        std::size_t length = 0;
        bool any = false;
        for (char c; get(c);) {
            any = true;
            if (c == '\n') break;
            if (length < Room - 1) line[length++] = c;
        }
        line[length] = '\0';
        return any;
    }

  private:
    bool get(char& c) {
        if (at_ == size_) {
            const ssize_t got = fd_ < 0 ? -1 : read(fd_, chunk_, sizeof chunk_);
            if (got <= 0) return false;
            size_ = std::size_t(got);
            at_ = 0;
        }
        c = chunk_[at_++];
        return true;
    }
    int fd_;
    char chunk_[4096];
    std::size_t at_ = 0, size_ = 0;
};

/// A hexadecimal number, and the character behind it.
std::uint64_t take_hex(const char*& text) {
    std::uint64_t value = 0;
    for (;; ++text) {
        const char c = *text;
        if (c >= '0' && c <= '9') value = value << 4 | std::uint64_t(c - '0');
        else if (c >= 'a' && c <= 'f') value = value << 4 | std::uint64_t(c - 'a' + 10);
        else break;
    }
    if (*text) ++text;
    return value;
}

}  // namespace

bool MappedFile::has_name() const { return path[0] == '/' && std::strncmp(path, "/memfd:", 7) != 0; }

// proc(5), "/proc/pid/maps": "start-end perms offset device inode   path"
bool find_mapped_file(std::uintptr_t address, MappedFile& file) {
    MapsReader maps;
    for (char line[sizeof file.path + 128]; maps.next(line);) {
        const char* text = line;
        const std::uint64_t start = take_hex(text), end = take_hex(text);
        if (address < start || address >= end) continue;
        while (*text && *text != ' ') ++text;  // permissions
        if (*text) ++text;
        file.at = take_hex(text) + (address - start);
        const char* path = std::strchr(text, '/');
        if (!path) return false;
        std::strncpy(file.path, path, sizeof file.path - 1);
        file.path[sizeof file.path - 1] = '\0';
        return true;
    }
    return false;
}

}  // namespace backplane::kernel
