#include "gsi_routes.h"

#include <cerrno>
#include <cstring>

namespace backplane::kvm {

kvm_irq_routing_entry GsiRoutes::pin(std::uint32_t chip, std::uint32_t pin) {
    kvm_irq_routing_entry entry{};
    entry.type = KVM_IRQ_ROUTING_IRQCHIP;
    entry.u.irqchip.irqchip = chip;
    entry.u.irqchip.pin = pin;
    return entry;
}

kvm_irq_routing_entry GsiRoutes::message(const InterruptWrite& message) {
    kvm_irq_routing_entry entry{};
    entry.type = KVM_IRQ_ROUTING_MSI;
    entry.u.msi.address_lo = std::uint32_t(message.address);
    entry.u.msi.address_hi = std::uint32_t(message.address >> 32);
    entry.u.msi.data = message.data;
    return entry;
}

int GsiRoutes::tell() const {
    std::vector<std::uint8_t> bytes(sizeof(kvm_irq_routing));
    for (const auto& [gsi, targets] : table_)
        for (kvm_irq_routing_entry entry : targets) {
            entry.gsi = gsi;
            const auto* raw = reinterpret_cast<const std::uint8_t*>(&entry);
            bytes.insert(bytes.end(), raw, raw + sizeof entry);
        }
    const std::size_t count = (bytes.size() - sizeof(kvm_irq_routing)) / sizeof(kvm_irq_routing_entry);
    if (count > most_) return ENOSPC;
    const auto total = std::uint32_t(count);
    std::memcpy(bytes.data() + offsetof(kvm_irq_routing, nr), &total, sizeof total);
    return -std::min(0, request(*vm_, KVM_SET_GSI_ROUTING, bytes.data()));
}

bool GsiRoutes::set_all(const std::map<std::uint32_t, Targets>& changes) {
    const auto before = table_;
    for (const auto& [gsi, targets] : changes) table_[gsi] = targets;
    std::erase_if(table_, [](const auto& row) { return row.second.empty(); });
    const int error = tell();
    if (error == 0) return true;
    refusals_.say("a route of interrupts", error);
    table_ = before;
    return false;
}

bool GsiRoutes::set(std::uint32_t gsi, const Targets& targets) { return set_all({{gsi, targets}}); }

std::optional<std::uint32_t> GsiRoutes::add(const Targets& targets) {
    std::uint32_t gsi = kFirstFree;
    while (table_.contains(gsi)) ++gsi;
    if (gsi >= most_ || !set(gsi, targets)) return std::nullopt;
    return gsi;
}

}  // namespace backplane::kvm
