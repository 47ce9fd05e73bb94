#include "kernel/machine/entropy_source.h"

#include "kernel/machine/host_file.h"

#include <backplane/log.h>

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace backplane::kernel {

void EntropySource::fill(MutableBytes to) {
    if (!seeded_) return fill_from_host(to);
    for (std::size_t done = 0; done < to.size;) {
        std::uint64_t word = (*seeded_)();
        for (unsigned byte = 0; byte < sizeof word && done < to.size; ++byte, word >>= 8)
            to[done++] = std::uint8_t(word);
    }
}

void EntropySource::fill_from_host(MutableBytes to) {
    std::size_t done = 0;
    while (done < to.size) {
        const ssize_t got = getrandom(to.data + done, to.size - done, 0);
        if (got > 0) done += std::size_t(got);
        else if (errno != EINTR) break;
    }
    if (done == to.size) return;
    // A host that forbids the call (a sandbox) may have the device.
    std::vector<std::uint8_t> rest(to.size - done);
    if (const int error = read_start_of_file("/dev/urandom", rest)) {
        log_.write(LogLevel::Error, "machine",
                   std::string("the host gives no random bytes, the guest gets zeros: ") +
                       std::strerror(error));
        std::ranges::fill(rest, 0);
    }
    std::ranges::copy(rest, to.data + done);
}

}  // namespace backplane::kernel
