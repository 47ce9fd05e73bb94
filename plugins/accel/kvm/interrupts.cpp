#include "interrupts.h"

#include <cstring>

namespace backplane::kvm {

namespace {

constexpr unsigned kPicPins = 8;

/// Of a chip's first pin. The kernel's own timer would raise GSI 0.
constexpr std::uint32_t first_gsi(Interrupts::Chip chip) {
    constexpr std::uint32_t kFirst = 32;
    switch (chip) {
    case Interrupts::Chip::Master8259: return kFirst;
    case Interrupts::Chip::Slave8259: return kFirst + kPicPins;
    case Interrupts::Chip::IoApic: break;
    }
    return kFirst + 2 * kPicPins;
}

constexpr std::size_t kRoutes = 2 * kPicPins + KVM_IOAPIC_NUM_PINS;

}  // namespace

bool Interrupts::create(const Descriptor& vm, Errors& errors) {
    if (const int result = request(vm, KVM_CREATE_IRQCHIP); result < 0) {
        errors.fail(std::string("KVM refuses its interrupt controllers (") + std::strerror(-result) +
                    "): use -accel kvm,kernel-irqchip=off");
        return false;
    }
    alignas(kvm_irq_routing)
        std::uint8_t bytes[sizeof(kvm_irq_routing) + kRoutes * sizeof(kvm_irq_routing_entry)]{};
    auto& table = *reinterpret_cast<kvm_irq_routing*>(bytes);
    const auto add = [&](Chip chip, std::uint32_t kernel_chip, unsigned pins) {
        for (unsigned pin = 0; pin < pins; ++pin) {
            kvm_irq_routing_entry& row =
                reinterpret_cast<kvm_irq_routing_entry*>(bytes + sizeof table)[table.nr++];
            row.gsi = first_gsi(chip) + pin;
            row.type = KVM_IRQ_ROUTING_IRQCHIP;
            row.u.irqchip.irqchip = kernel_chip;
            row.u.irqchip.pin = pin;
        }
    };
    add(Chip::Master8259, KVM_IRQCHIP_PIC_MASTER, kPicPins);
    add(Chip::Slave8259, KVM_IRQCHIP_PIC_SLAVE, kPicPins);
    add(Chip::IoApic, KVM_IRQCHIP_IOAPIC, KVM_IOAPIC_NUM_PINS);
    if (const int result = request(vm, KVM_SET_GSI_ROUTING, bytes); result < 0) {
        errors.fail(std::string("KVM refuses the routes of interrupts (") + std::strerror(-result) +
                    "): use -accel kvm,kernel-irqchip=off");
        return false;
    }
    vm_ = &vm;
    return true;
}

void Interrupts::set_pin(Chip chip, unsigned pin, int level) {
    kvm_irq_level line{};
    line.irq = first_gsi(chip) + pin;
    line.level = std::uint32_t(level != 0);
    if (const int result = request(*vm_, KVM_IRQ_LINE, &line); result < 0)
        refusals_.say("the level of an interrupt pin", -result);
}

void Interrupts::signal(std::uint64_t address, std::uint32_t data) {
    kvm_msi message{};
    message.address_lo = std::uint32_t(address);
    message.address_hi = std::uint32_t(address >> 32);
    message.data = data;
    // 0: a guest that listens to no such interrupt.
    if (const int result = request(*vm_, KVM_SIGNAL_MSI, &message); result < 0)
        refusals_.say("an interrupt message", -result);
}

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
