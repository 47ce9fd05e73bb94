#include "kernel/snapshot/snapshot_service.h"

#include "kernel/machine/machine_parts.h"
#include "kernel/snapshot/file_verifier.h"
#include "kernel/snapshot/incoming.h"
#include "kernel/snapshot/outgoing.h"

namespace backplane::kernel::snapshot {

SnapshotService::SnapshotService(MachineParts& machine) : machine_(machine) {
    machine.interfaces.offer(static_cast<Snapshots&>(*this));
}

SnapshotService::~SnapshotService() = default;

OutgoingSnapshot* SnapshotService::save(Errors& errors) {
    if (outgoing_) {
        errors.fail("the machine is being saved already");
        return nullptr;
    }
    const RunState before = machine_.run.state();
    if (before == RunState::InternalError || before == RunState::InMigrate) {
        errors.fail(std::string("a machine in state '") + run_state_name(before) + "' cannot be saved");
        return nullptr;
    }
    machine_.run.begin_saving();
    auto snapshot = std::make_unique<Outgoing>(*this);
    outgoing_ = snapshot.get();
    if (snapshot->take(run_state_name(machine_.run.state_before_saving()), errors)) return snapshot.release();
    finished(*snapshot, false);
    return nullptr;
}

void SnapshotService::finished(Outgoing&, bool completed) {
    outgoing_ = nullptr;
    machine_.run.end_saving(completed);
}

IncomingSnapshot* SnapshotService::load() { return new Incoming(*this); }

void SnapshotService::expect() { machine_.run.expect_state(); }
bool SnapshotService::expecting() const { return machine_.run.state() == RunState::InMigrate; }
void SnapshotService::arrived(bool run) { machine_.run.arrived(run); }
bool SnapshotService::come_back(Errors& errors) { return expecting() || machine_.whereabouts.come(errors); }
void SnapshotService::give_up() { machine_.run.request_end("host-error", 1); }

void SnapshotService::watch(std::unique_ptr<FileVerifier> verifier) {
    verifier_ = std::move(verifier);
    verifier_->start([this](const std::string& reason) { machine_.run.request_internal_error(reason); });
}

}  // namespace backplane::kernel::snapshot
