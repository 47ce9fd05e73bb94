#include "interrupts.h"

#include "message_event.h"

#include <cstring>

namespace backplane::kvm {

namespace {

constexpr unsigned kPicPins = 8;

/// Of a chip's first pin. The kernel's own timer raises GSI 0.
constexpr std::uint32_t first_gsi(Interrupts::Chip chip) {
    constexpr std::uint32_t kFirst = 32;
    switch (chip) {
    case Interrupts::Chip::Master8259: return kFirst;
    case Interrupts::Chip::Slave8259: return kFirst + kPicPins;
    case Interrupts::Chip::IoApic: break;
    }
    return kFirst + 2 * kPicPins;
}
static_assert(first_gsi(Interrupts::Chip::IoApic) + KVM_IOAPIC_NUM_PINS <= GsiRoutes::kFirstFree);
static_assert(Interrupts::kSplitPins <= GsiRoutes::kFirstFree);

std::string reason(int result) { return std::string(" (") + std::strerror(-result) + ")"; }

constexpr const char* kWithout = ": use -accel kvm,kernel-irqchip=off";

}  // namespace

InterruptWrite packed(const x86::InterruptMessage& message) {
    constexpr std::uint32_t kAssert = 1u << 14;
    InterruptWrite write;
    write.address = x86::kMessageBase | std::uint64_t(message.destination & 0xff) << 12 |
                    std::uint64_t(message.logical) << 2;
    write.data = message.vector | message.mode << 8 | kAssert | std::uint32_t(message.level_triggered) << 15;
    return write;
}

bool Interrupts::create(const Descriptor& vm, Irqchip kind, Errors& errors) {
    const auto capability = [&](unsigned number) {
        return request(vm, KVM_CHECK_EXTENSION, static_cast<unsigned long>(number));
    };
    const int most = capability(KVM_CAP_IRQ_ROUTING);
    if (most <= 0 || capability(KVM_CAP_SIGNAL_MSI) <= 0) {
        errors.fail(std::string("this kernel's interrupt controllers take no ") +
                    (most <= 0 ? "routes" : "messages") + kWithout);
        return false;
    }
    routes_.open(vm, std::size_t(most));
    if (!(kind == Irqchip::Split ? create_split(vm, errors) : create_all(vm, errors))) return false;
    vm_ = &vm;
    return true;
}

bool Interrupts::create_all(const Descriptor& vm, Errors& errors) {
    if (const int result = request(vm, KVM_CREATE_IRQCHIP); result < 0) {
        errors.fail("KVM refuses its interrupt controllers" + reason(result) + kWithout);
        return false;
    }
    std::map<std::uint32_t, GsiRoutes::Targets> table;
    const auto add = [&](Chip chip, std::uint32_t kernel_chip, unsigned pins) {
        for (unsigned pin = 0; pin < pins; ++pin)
            table[first_gsi(chip) + pin] = {GsiRoutes::pin(kernel_chip, pin)};
    };
    add(Chip::Master8259, KVM_IRQCHIP_PIC_MASTER, kPicPins);
    add(Chip::Slave8259, KVM_IRQCHIP_PIC_SLAVE, kPicPins);
    add(Chip::IoApic, KVM_IRQCHIP_IOAPIC, KVM_IOAPIC_NUM_PINS);
    if (routes_.set_all(table)) return true;
    errors.fail(std::string("KVM refuses the routes of interrupts") + kWithout);
    return false;
}

bool Interrupts::create_split(const Descriptor& vm, Errors& errors) {
    kvm_enable_cap split{};
    split.cap = KVM_CAP_SPLIT_IRQCHIP;
    split.args[0] = kSplitPins;
    const int result = request(vm, KVM_ENABLE_CAP, &split);
    if (result >= 0) return true;
    errors.fail("KVM refuses local APICs without the other interrupt controllers" + reason(result) +
                ": use -accel kvm,kernel-irqchip=on or off");
    return false;
}

void Interrupts::set_pin(Chip chip, unsigned pin, int level) {
    kvm_irq_level line{};
    line.irq = first_gsi(chip) + pin;
    line.level = std::uint32_t(level != 0);
    if (const int result = request(*vm_, KVM_IRQ_LINE, &line); result < 0)
        refusals_.say("the level of an interrupt pin", -result);
}

void Interrupts::pin_sends(unsigned pin, const x86::InterruptMessage* message) {
    if (pin >= kSplitPins) return;
    routes_.set(pin,
                message ? GsiRoutes::Targets{GsiRoutes::message(packed(*message))} : GsiRoutes::Targets{});
}

void Interrupts::send(const InterruptWrite& write) {
    kvm_msi message{};
    message.address_lo = std::uint32_t(write.address);
    message.address_hi = std::uint32_t(write.address >> 32);
    message.data = write.data;
    // 0: a guest that listens to no such interrupt.
    if (const int result = request(*vm_, KVM_SIGNAL_MSI, &message); result < 0)
        refusals_.say("an interrupt message", -result);
}

MessageRoute* Interrupts::route(int event) { return vm_ ? MessageEvent::create(*this, event) : nullptr; }

bool Interrupts::get(kvm_irqchip& chip) const {
    const int result = request(*vm_, KVM_GET_IRQCHIP, &chip);
    if (result < 0) refusals_.say("to tell an interrupt controller's state", -result);
    return result >= 0;
}

bool Interrupts::set(const kvm_irqchip& chip) const {
    const int result = request(*vm_, KVM_SET_IRQCHIP, &chip);
    if (result < 0) refusals_.say("an interrupt controller's state", -result);
    return result >= 0;
}

}  // namespace backplane::kvm
