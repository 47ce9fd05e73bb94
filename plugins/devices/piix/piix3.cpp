#include "piix3.h"

namespace backplane::piix {
namespace {

constexpr unsigned kDeviceSpecific = 0x40;
constexpr std::uint32_t kMediumDevsel = 0x0200;
constexpr unsigned kPirqRouteControl = 0x60;
constexpr std::uint32_t kNotRouted = 0x80;
constexpr std::uint32_t kIrqMask = 0x0f;
constexpr unsigned kRoutable = 0xdef8;  // 2.2.10: all but IRQ 0, 1, 2, 8 and 13

/// What is not 0 after a reset (2.2), as firmware for this chip finds it.
struct ResetValue {
    unsigned offset;
    unsigned size;
    std::uint32_t value;
};
constexpr ResetValue kResetValues[] = {
    {0x4c, 1, 0x4d},        // IORT
    {0x4e, 2, 0x0003},      // XBCS
    {0x60, 4, 0x80808080},  // PIRQRC[A:D]
    {0x69, 1, 0x02},        // TOM
    {0x70, 1, 0x80},        // MBIRQ0
    {0x76, 2, 0x0c0c},      // MBDMA[1:0]
    {0x78, 2, 0x0002},      // PCSC
    {0xa0, 1, 0x08},        // SMICNTL
    {0xa8, 1, 0x0f},        // FTMR
};

constexpr Port kResetPort{0xcf9};
constexpr int kOverConfigurationAddress = 1;
constexpr std::uint8_t kHardReset = 1 << 1;
constexpr std::uint8_t kResetCpu = 1 << 2;

}  // namespace

Piix3::Piix3(Object& object) : object_(object), context_(device_context(object)) {
    context_.add_inputs("isa-irq", kIsaInterrupts, isa_inputs_);
    context_.add_inputs("pirq", kPirqs, pirq_inputs_);
    context_.add_outputs("irq", kIsaInterrupts);
    for (unsigned irq = 0; irq < kIsaInterrupts; ++irq) outputs_[irq] = context_.wire_at("irq", irq);
    StateTable& state = context_.state();
    describe_array(state, "isa_irq", isa_levels_, {.reset = false, .maximum = 1});
    describe_array(state, "pirq", pirq_levels_, {.reset = false, .maximum = 1});
    describe(state, "RC", reset_control_);
}

bool Piix3::realize(Errors& errors) {
    pci_ = query<PciDevice>(object_);
    pci_->set_identity({.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100});
    pci_->set_config(pci::kStatus, 2, kMediumDevsel);
    for (unsigned offset = kDeviceSpecific; offset < pci::kConfigSize; offset += 4)
        pci_->set_config_writable(offset, 4, ~0u);
    pci_->observe_config(this);
    MemoryRegion& reset_port = context_.memory().io("piix-reset-control", 1, reset_port_, {.maximum = 1});
    if (!isa_io().add(reset_port, Offset(kResetPort.value), kOverConfigurationAddress, errors)) return false;
    Object* bus = context_.create_bus("isa-bus", "isa.0", errors);
    if (!bus) return false;
    query<IsaBus>(*bus)->set_bridge(*this);
    return true;
}

void Piix3::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter)
        for (const ResetValue& row : kResetValues) pci_->set_config(row.offset, row.size, row.value);
    if (phase == ResetPhase::Hold) drive_all();
}

bool Piix3::join_interrupt(Object& device, std::size_t output, unsigned irq, Errors& errors) {
    return context_.join(device, output, "isa-irq", irq, errors);
}

void Piix3::config_written(unsigned offset, unsigned size, const Access&) {
    if (offset < kPirqRouteControl + kPirqs && kPirqRouteControl < offset + size) drive_all();
}

void Piix3::isa_changed(unsigned irq, int level) {
    isa_levels_[irq] = level != 0;
    drive(irq);
}

void Piix3::pirq_changed(unsigned pirq, int level) {
    pirq_levels_[pirq] = level != 0;
    if (const int irq = routed(pirq); irq >= 0) drive(unsigned(irq));
}

/// The interrupt that PIRQ[pirq]# is joined to; -1: none.
int Piix3::routed(unsigned pirq) const {
    const std::uint32_t control = pci_->config(kPirqRouteControl + pirq, 1);
    const unsigned irq = control & kIrqMask;
    return (control & kNotRouted) || !(kRoutable >> irq & 1) ? -1 : int(irq);
}

void Piix3::drive(unsigned irq) {
    int level = isa_levels_[irq];
    for (unsigned pirq = 0; pirq < kPirqs; ++pirq)
        if (pirq_levels_[pirq] && routed(pirq) == int(irq)) level = 1;
    outputs_[irq]->set(level);
}

void Piix3::drive_all() {
    for (unsigned irq = 0; irq < kIsaInterrupts; ++irq) drive(irq);
}

/// 2.5.4.4. What SRST leaves to the processor alone resets all of the machine here as well.
void Piix3::ResetControl::write(Offset, std::uint64_t value, unsigned, Access& access) {
    if (access.debug()) return;
    bridge_.reset_control_ = std::uint8_t(value) & kHardReset;
    if (value & kResetCpu) bridge_.context_.request_reset("guest-reset");
}

}  // namespace backplane::piix
