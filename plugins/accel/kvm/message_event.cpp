#include "message_event.h"

#include "interrupts.h"

namespace backplane::kvm {

MessageRoute* MessageEvent::create(Interrupts& interrupts, int event) {
    constexpr auto kEvents = static_cast<unsigned long>(KVM_CAP_IRQFD);
    if (request(interrupts.vm(), KVM_CHECK_EXTENSION, kEvents) > 0)
        return new MessageEvent(interrupts, event);
    interrupts.refusals().say("event descriptors for interrupts", 0);
    return nullptr;
}

bool MessageEvent::aim(const InterruptWrite& message) {
    if (gsi_ && message.address == message_.address && message.data == message_.data) return true;
    const GsiRoutes::Targets targets{GsiRoutes::message(message)};
    if (gsi_) {
        if (!interrupts_.routes().set(*gsi_, targets)) return false;
    } else if (gsi_ = interrupts_.routes().add(targets); !gsi_) {
        return false;
    }
    message_ = message;
    return true;
}

int MessageEvent::assign(std::uint32_t flags) const {
    kvm_irqfd irqfd{};
    irqfd.fd = std::uint32_t(event_);
    irqfd.gsi = *gsi_;
    irqfd.flags = flags;
    return request(interrupts_.vm(), KVM_IRQFD, &irqfd);
}

bool MessageEvent::set(const InterruptWrite& message) {
    if (!aim(message)) return false;
    if (running_) return true;
    const int result = assign(0);
    if (result < 0) interrupts_.refusals().say("an event descriptor for an interrupt", -result);
    return running_ = result >= 0;
}

void MessageEvent::pause() {
    if (!std::exchange(running_, false)) return;
    if (const int result = assign(KVM_IRQFD_FLAG_DEASSIGN); result < 0)
        interrupts_.refusals().say("to let go of an event descriptor for an interrupt", -result);
}

void MessageEvent::release() {
    pause();
    if (gsi_) interrupts_.routes().set(*gsi_, {});
    delete this;
}

}  // namespace backplane::kvm
