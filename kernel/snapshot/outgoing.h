// A machine that stands still to be saved.
#pragma once

#include "kernel/memory/memory_map.h"
#include "kernel/snapshot/machine_image.h"
#include "kernel/snapshot/ram_blocks.h"

namespace backplane::kernel::snapshot {

class SnapshotService;

class Outgoing final : public OutgoingSnapshot {
  public:
    explicit Outgoing(SnapshotService& service) : service_(service) {}
    /// Takes down the machine, which is stopped.
    bool take(const std::string& run_state, Errors& errors);

    bool write(SnapshotSink& sink, const SnapshotOptions& options, SnapshotProgress& progress,
               Errors& errors) override;
    bool write_file(int file, const SnapshotOptions& options, SnapshotProgress& progress,
                    Errors& errors) override;
    void finish(bool completed) override;

  private:
    bool write_devices(SectionWriter& out, Errors& errors) const;
    bool write_blocks(SectionWriter& out, const std::vector<BlockEntry>& entries, Errors& errors) const;

    bool leave(const SnapshotProgress& progress, Errors& errors);

    SnapshotService& service_;
    MachineImage image_;
    bool something_goes_with_it_ = false;  ///< what only one process has
    std::vector<HeldBlock> held_;
    std::vector<BlockSource> blocks_;
};

}  // namespace backplane::kernel::snapshot
