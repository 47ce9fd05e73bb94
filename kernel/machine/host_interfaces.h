// What the host offers to plugins by id, beside what it hands to them.
#pragma once

#include "kernel/event/loop.h"
#include "kernel/machine/wiring.h"

#include <backplane/draft/accelerator.h>

#include <map>
#include <string>

namespace backplane::kernel {

class HostInterfaces final : ManualClock, WireProbe {
  public:
    HostInterfaces(HostLoop& loop, MachineLock& lock, Wiring& wiring);

    /// Null when nobody offers it.
    void* find(Str id) const;
    /// For the machine's life.
    void offer(std::string id, void* interface) { offered_[std::move(id)] = interface; }
    template <class Interface>
    void offer(Interface& interface) {
        offer(Interface::kId, static_cast<void*>(&interface));
    }

  private:
    // ManualClock
    void step_to(std::uint64_t now_ns) override;
    std::uint64_t next_deadline() const override;
    // WireProbe
    bool intercept_inputs(Object& device, Callback callback, void* data, Errors& errors) override;
    bool intercept_outputs(Object& device, Str name, Callback callback, void* data, Errors& errors) override;
    bool set_input(Object& device, Str name, unsigned index, int level, Errors& errors) override;

    HostLoop& loop_;
    Wiring& wiring_;
    std::map<std::string, void*, std::less<>> offered_;
};

}  // namespace backplane::kernel
