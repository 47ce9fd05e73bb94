// Who waits while the machine is saved (<backplane/standstill.h>).
#pragma once

#include <backplane/standstill.h>

#include <vector>

namespace backplane::kernel {

class Instance;
struct MachineParts;

class StandstillHost final : public Standstill {
  public:
    explicit StandstillHost(MachineParts& machine) : machine_(machine) {}

    bool now() const override;
    void add_listener(Object& owner, StandstillListener& listener) override;
    void remove_listener(StandstillListener& listener) override;
    /// Tells all who wait; each may take itself or others off.
    void over();

  private:
    struct Entry {
        Instance* owner;
        StandstillListener* listener;
    };
    MachineParts& machine_;
    std::vector<Entry> entries_;
};

}  // namespace backplane::kernel
