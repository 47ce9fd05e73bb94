// The machine's side of <backplane/draft/snapshot.h>.
#pragma once

#include <backplane/draft/snapshot.h>

#include <memory>

namespace backplane::kernel {
struct MachineParts;
}

namespace backplane::kernel::snapshot {

class Outgoing;
class FileVerifier;

class SnapshotService final : public Snapshots {
  public:
    explicit SnapshotService(MachineParts& machine);
    SnapshotService(const SnapshotService&) = delete;
    SnapshotService& operator=(const SnapshotService&) = delete;
    ~SnapshotService();

    OutgoingSnapshot* save(Errors& errors) override;
    IncomingSnapshot* load() override;
    void expect() override;
    bool expecting() const override;
    void arrived(bool run) override;
    bool come_back(Errors& errors) override;
    void give_up() override;

    // For the snapshots.
    MachineParts& machine() { return machine_; }
    void finished(Outgoing& snapshot, bool completed);
    /// From here on something looks after the machine's RAM that is read from a file: whether it is what was saved.
    void watch(std::unique_ptr<FileVerifier> verifier);

  private:
    MachineParts& machine_;
    Outgoing* outgoing_ = nullptr;
    std::unique_ptr<FileVerifier> verifier_;
};

}  // namespace backplane::kernel::snapshot
