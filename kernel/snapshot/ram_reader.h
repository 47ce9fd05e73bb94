// RAM on its way in: from 'page' sections into memory of its own, or mapped from a file.
#pragma once

#include "kernel/snapshot/ram_blocks.h"
#include "kernel/snapshot/worker_crew.h"

#include <mutex>

namespace backplane::kernel::snapshot {

/// Puts blocks together from sections, unpacking on several threads.
class RamReader {
  public:
    /// `file`: what blocks are mapped from, -1: none is.
    RamReader(const std::vector<BlockWanted>& wanted, int file, const SnapshotOptions& options,
              SnapshotProgress& progress);

    /// A 'bloc', a 'page' and a 'digs' section. The payload of a page section is taken out of it; whether it is good
    /// may only show later.
    bool add_block(const Section& section, Errors& errors);
    bool add_pages(Section& section, Errors& errors);
    bool add_digest(const Section& section, Errors& errors);
    /// Waits for what is still unpacked. All blocks are there and good?
    bool finish(Errors& errors);

    std::vector<BlockReceived> take() { return std::move(received_); }
    std::vector<BlockDigest> take_digests() { return std::move(digests_); }

  private:
    struct Job {
        PageCodec codec;
        Section section;
        std::string fault;
        unsigned pages = 0;
    };
    void unpack(Job& job);
    bool collect(Errors& errors);

    const std::vector<BlockWanted>& wanted_;
    const int file_;
    SnapshotProgress& progress_;
    std::vector<BlockReceived> received_;
    std::vector<BlockDigest> digests_;
    WorkerCrew<Job> crew_;
};

/// Do the bytes of `file` have these digests? Reads all of them, on the calling thread.
bool verify_file(int file, const BlockEntry& block, const BlockDigest& digest, const std::atomic<bool>& stop,
                 Errors& errors);

}  // namespace backplane::kernel::snapshot
