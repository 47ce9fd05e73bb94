// An event descriptor that the kernel turns into an interrupt message by itself (api.rst, KVM_IRQFD).
#pragma once

#include <backplane/messages.h>

#include <optional>

namespace backplane::kvm {

class Interrupts;

class MessageEvent final : public MessageRoute {
  public:
    /// Null: this kernel has no such events.
    static MessageRoute* create(Interrupts& interrupts, int event);

    bool set(const InterruptWrite& message) override;
    void pause() override;
    void release() override;

  private:
    MessageEvent(Interrupts& interrupts, int event) : interrupts_(interrupts), event_(event) {}
    bool aim(const InterruptWrite& message);
    int assign(std::uint32_t flags) const;

    Interrupts& interrupts_;
    const int event_;
    std::optional<std::uint32_t> gsi_;
    InterruptWrite message_;
    bool running_ = false;
};

}  // namespace backplane::kvm
