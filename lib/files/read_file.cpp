#include <lib/read_file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane {
namespace {

std::string size_text(std::size_t bytes) {
    if (bytes % (1 << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
    return bytes % 1024 == 0 ? std::to_string(bytes >> 10) + " KiB" : std::to_string(bytes) + " bytes";
}

/// Why it cannot be read; empty when it was.
std::string read_all(int descriptor, std::size_t most, std::vector<std::uint8_t>& bytes) {
    constexpr std::size_t kPiece = 65536;
    const std::string too_large = "it is larger than " + size_text(most);
    struct stat status {};
    if (fstat(descriptor, &status) != 0) return std::strerror(errno);
    if (S_ISDIR(status.st_mode)) return "it is a directory";
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) return "it is not a regular file";
    if (status.st_size > 0 && std::uint64_t(status.st_size) > most) return too_large;
    bytes.clear();
    for (;;) {
        const std::size_t had = bytes.size();
        bytes.resize(had + std::max(kPiece, std::size_t(status.st_size)));
        const ssize_t got = read(descriptor, bytes.data() + had, bytes.size() - had);
        const int error = errno;
        bytes.resize(had + std::size_t(std::max<ssize_t>(got, 0)));
        if (bytes.size() > most) return too_large;
        if (got == 0) return {};
        if (got < 0 && error != EINTR) return std::strerror(error);
    }
}

}  // namespace

bool read_file(int descriptor, const std::string& path, std::size_t most, std::vector<std::uint8_t>& bytes,
               Errors& errors) {
    const std::string problem = read_all(descriptor, most, bytes);
    if (!problem.empty()) errors.fail("could not read '" + path + "': " + problem);
    return problem.empty();
}

bool read_file(const std::string& path, std::size_t most, std::vector<std::uint8_t>& bytes, Errors& errors) {
    // A pipe that nobody will write to must not hold the program up: it is empty.
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        errors.fail("could not read '" + path + "': " + std::strerror(errno));
        return false;
    }
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
    const bool read = read_file(descriptor, path, most, bytes, errors);
    close(descriptor);
    return read;
}

}  // namespace backplane
