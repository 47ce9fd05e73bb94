// Looks through the file that a machine's RAM is read from as it is needed: is it what was saved?
#pragma once

#include "kernel/snapshot/ram_blocks.h"

#include <atomic>
#include <functional>
#include <thread>

namespace backplane::kernel::snapshot {

class FileVerifier {
  public:
    /// `file` is duplicated.
    FileVerifier(int file, std::vector<BlockEntry> blocks, std::vector<BlockDigest> digests);
    FileVerifier(const FileVerifier&) = delete;
    FileVerifier& operator=(const FileVerifier&) = delete;
    /// Stops what is under way.
    ~FileVerifier();

    /// All of it, on the calling thread.
    bool run(const std::atomic<bool>& stop, Errors& errors);
    /// On a thread of its own; `damaged` is called on it when the file is.
    void start(std::function<void(const std::string& reason)> damaged);

  private:
    int file_;
    std::vector<BlockEntry> blocks_;
    std::vector<BlockDigest> digests_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace backplane::kernel::snapshot
