// What becomes of disks whose host could not do something (<backplane/disk_failures.h>).
#pragma once

#include <backplane/disk_failures.h>

#include <vector>

namespace backplane::kernel {

class Instance;
struct MachineParts;

class DiskFailuresHost final : public DiskFailures, public DiskErrorChoice {
  public:
    explicit DiskFailuresHost(MachineParts& machine) : machine_(machine) {}

    void failed(Object& disk, const DiskFailure& failure) override;
    void await(Object& disk, DiskRetry& who) override;
    void forget(DiskRetry& who) override;
    DiskErrorPolicy of_drive(Object& disk, bool writing) override;
    /// Lets all who wait ask once more.
    void go_on();

  private:
    struct Entry {
        Instance* disk;
        DiskRetry* who;
    };
    MachineParts& machine_;
    std::vector<Entry> entries_;
};

}  // namespace backplane::kernel
