#include "kernel/snapshot/file_verifier.h"

#include "kernel/snapshot/ram_reader.h"

#include <backplane/text.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace backplane::kernel::snapshot {

FileVerifier::FileVerifier(int file, std::vector<BlockEntry> blocks, std::vector<BlockDigest> digests)
    : file_(fcntl(file, F_DUPFD_CLOEXEC, 0)), blocks_(std::move(blocks)), digests_(std::move(digests)) {}

FileVerifier::~FileVerifier() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    if (file_ >= 0) close(file_);
}

bool FileVerifier::run(const std::atomic<bool>& stop, Errors& errors) {
    for (std::size_t i = 0; i < blocks_.size(); ++i)
        if (!verify_file(file_, blocks_[i], digests_[i], stop, errors)) return false;
    return true;
}

void FileVerifier::start(std::function<void(const std::string& reason)> damaged) {
    thread_ = std::thread([this, damaged = std::move(damaged)] {
        setpriority(PRIO_PROCESS, 0, 19);  // of this thread: the machine goes first
        ErrorText errors;
        if (!run(stop_, errors) && !stop_) damaged(errors.text());
    });
}

}  // namespace backplane::kernel::snapshot
