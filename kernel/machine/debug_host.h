// The machine as debuggers use it (<backplane/draft/debug.h>).
#pragma once

#include <backplane/draft/debug.h>

#include <functional>
#include <vector>

namespace backplane::kernel {

struct MachineParts;

class DebugHost final : public DebugControl {
  public:
    explicit DebugHost(MachineParts& machine);

    bool running() const override;
    bool start_machine() override;
    void stop_machine(bool for_debugger) override;
    Slice<Cpu* const> cpus() const override;
    Accelerator* accelerator() override;
    Object* accelerator_object() override;
    void quit_machine() override;
    void add_run_listener(RunListener& listener) override { listeners_.push_back(&listener); }
    void remove_run_listener(RunListener& listener) override { std::erase(listeners_, &listener); }

    /// A listener may take itself off from within.
    void tell(const std::function<void(RunListener&)>& event);

  private:
    MachineParts& machine_;
    std::vector<RunListener*> listeners_;
};

}  // namespace backplane::kernel
