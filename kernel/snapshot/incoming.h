// A saved machine that came in, until it becomes the machine.
#pragma once

#include "kernel/snapshot/machine_image.h"
#include "kernel/snapshot/ram_blocks.h"

namespace backplane::kernel::snapshot {

class FileVerifier;
class RamReader;
class SnapshotService;

class Incoming final : public IncomingSnapshot {
  public:
    explicit Incoming(SnapshotService& service);
    ~Incoming();

    bool read(SnapshotSource& source, const SnapshotOptions& options, SnapshotProgress& progress,
              Errors& errors) override;
    bool read_file(int file, bool verify_first, const SnapshotOptions& options, SnapshotProgress& progress,
                   Errors& errors) override;
    bool apply(Errors& errors) override;
    bool was_running() const override;
    void release() override { delete this; }

  private:
    bool read_sections(class SectionReader& in, RamReader& ram, Errors& errors);
    bool read_section(struct Section& section, RamReader& ram, Errors& errors);
    bool exchange_memory(Errors& errors);

    SnapshotService& service_;
    std::vector<BlockWanted> wanted_;  ///< what the machine has
    bool whole_ = false;
    bool has_record_ = false;
    MachineImage image_;
    std::vector<BlockReceived> memory_;
    std::unique_ptr<FileVerifier> verifier_;
};

}  // namespace backplane::kernel::snapshot
