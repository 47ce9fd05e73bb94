#include "power_management.h"

#include <backplane/text.h>

#include <utility>

namespace backplane::piix {
namespace {

constexpr unsigned kDeviceSpecific = 0x40;
constexpr std::uint32_t kStatusReset = 0x0280;  // fast back-to-back, medium DEVSEL#
// 7.1: configuration registers.
constexpr unsigned kPmBase = 0x40;
constexpr unsigned kDevActB = 0x58;
constexpr std::uint32_t kApmcEnable = 1u << 25;
constexpr unsigned kDevResB = 0x5f;  // what of the south bridge's Super I/O decoding is on: the board says it
constexpr unsigned kDevResC = 0x63;
constexpr unsigned kDevResD = 0x67;
constexpr unsigned kPmRegMisc = 0x80;
constexpr std::uint32_t kPmIoEnable = 1 << 0;
constexpr unsigned kSmbBase = 0x90;
constexpr unsigned kSmbHostConfig = 0xd2;
constexpr std::uint32_t kSmbHostConfigReset = 0x09;  // enabled, IRQ 9
constexpr std::uint32_t kSmbHostEnable = 1 << 0;
constexpr std::uint32_t kSmbInterruptMask = 0x0e;
constexpr std::uint32_t kSmbInterruptIrq9 = 0x08;
constexpr std::uint32_t kBaseMask = 0xffc0;

constexpr std::uint64_t kBlockSize = 64;
constexpr Port kApmBase{0xb2};
constexpr Port kGpeBase{0xafe0};
constexpr Port kHotPlugBase{0xae00};

// What the boards' tables give as FADT.ACPI_ENABLE and ACPI_DISABLE.
constexpr std::uint8_t kAcpiEnable = 0xf1;
constexpr std::uint8_t kAcpiDisable = 0xf0;
// Their _S5 and _S3.
constexpr unsigned kSoftOff = 0;
constexpr unsigned kSuspend = 1;

}  // namespace

PowerManagement::PowerManagement(Object& object)
    : object_(object),
      context_(device_context(object)),
      interrupt_(context_.add_outputs("", 1)),
      smi_(context_.add_outputs("smi-irq", 1)),
      machine_sleep_(*static_cast<MachineSleep*>(context_.host_interface(MachineSleep::kId))),
      acpi_(context_, *this),
      smbus_(context_),
      hot_plug_ports_(context_, acpi_) {
    describe(context_.state(), "APM", apm_);
    describe(context_.state(), "SCI", sci_);
}

bool PowerManagement::realize(Errors& errors) {
    pci_ = query<PciDevice>(object_);
    pci_->set_identity(
        {.vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3, .interrupt_pin = 1});
    pci_->set_config(pci::kStatus, 2, kStatusReset);
    for (unsigned offset = kDeviceSpecific; offset < pci::kConfigSize; offset += 4)
        pci_->set_config_writable(offset, 4, ~0u);
    for (const unsigned offset : {kDevResB, kDevResC, kDevResD}) pci_->set_config_writable(offset, 1, 0);
    pci_->set_config(kDevResB, 1, 0x10);
    pci_->set_config(kDevResC, 1, 0x60);
    pci_->observe_config(this);
    Object* bus = context_.create_bus("i2c-bus", "i2c", errors);
    if (!bus) return false;
    smbus_.set_bus(*query<I2cBus>(*bus));
    hot_plug_ports_.set_root(pci_->bus(), hot_plug_);
    return make_blocks(pci_->bus().bridge().pci_io(), errors);
}

void PowerManagement::unrealize() {
    if (hot_plug_) pci_->bus().set_hot_plug(nullptr);
}

bool PowerManagement::make_blocks(MemoryRegion& ports, Errors& errors) {
    MemoryFactory& factory = context_.memory();
    const IoTraits& bytes = AcpiRegisters::kByteTraits;
    MemoryRegion& acpi = factory.container("piix4-pm", kBlockSize);
    acpi_block_.region = &acpi;
    smbus_block_.region = &factory.io("pm-smbus", kBlockSize, smbus_ports_, SmbusHost::kTraits);
    return acpi.add(factory.io("acpi-evt", 4, acpi_.event_block(), bytes), Offset(0), 0, errors) &&
           acpi.add(factory.io("acpi-cnt", 2, acpi_.control_block(), bytes), Offset(4), 0, errors) &&
           acpi.add(factory.io("acpi-tmr", 4, acpi_.timer_block(), AcpiRegisters::kTimerTraits), Offset(8), 0,
                    errors) &&
           ports.add(factory.io("apm-io", 2, apm_ports_, bytes), Offset(kApmBase.value), 0, errors) &&
           ports.add(factory.io("acpi-gpe0", 4, acpi_.gpe_block(), bytes), Offset(kGpeBase.value), 0,
                     errors) &&
           ports.add(factory.io("acpi-pci-hotplug", PciHotPlugPorts::kSize, hot_plug_ports_,
                                PciHotPlugPorts::kTraits),
                     Offset(kHotPlugBase.value), 0, errors);
}

void PowerManagement::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) {
        pci_->set_config(kPmBase, 4, 1);  // bit 0: a base of ports
        pci_->set_config(kSmbBase, 4, (smbus_base_ & kBaseMask) | 1);
        pci_->set_config(kSmbHostConfig, 1, kSmbHostConfigReset);
        // Firmware takes this for SMM that is set up already, and would else wait for an SMI that nobody raises.
        if (!smm_enabled_) pci_->set_config(kDevActB, 4, kApmcEnable);
        acpi_.reset();
        if (hot_plug_behind_ && !std::exchange(started_, true))
            hot_plug_ports_.add_buses_behind(root_of(object_));
    }
    if (phase != ResetPhase::Hold) return;
    place_blocks();
    update_interrupt();
    smi_.set(0);
}

bool PowerManagement::after_load(Errors&) {
    acpi_.after_load();
    place_blocks();
    return true;
}

void PowerManagement::config_written(unsigned, unsigned, const Access&) { place_blocks(); }

void PowerManagement::place_blocks() {
    place(acpi_block_, pci_->config(kPmBase, 4) & kBaseMask, pci_->config(kPmRegMisc, 1) & kPmIoEnable);
    place(smbus_block_, pci_->config(kSmbBase, 4) & kBaseMask,
          pci_->config(kSmbHostConfig, 1) & kSmbHostEnable);
}

void PowerManagement::place(Block& block, unsigned base, bool enabled) {
    if (block.mapped == enabled && (!enabled || block.base == base)) return;
    MemoryRegion& ports = pci_->bus().bridge().pci_io();
    if (block.mapped) ports.remove(*block.region);
    block.base = base;
    ErrorText refusal;
    block.mapped = enabled && ports.add(*block.region, Offset(base), 0, refusal);
    if (enabled && !block.mapped) context_.log().guest_error("ports", refusal.text());
}

void PowerManagement::sci_changed(bool level) {
    sci_ = level;
    update_interrupt();
}

/// 7.1.26: the SMBus controller may have the SCI's line.
void PowerManagement::update_interrupt() {
    const bool on_irq9 = pci_ && (pci_->config(kSmbHostConfig, 1) & kSmbInterruptMask) == kSmbInterruptIrq9;
    interrupt_.set(sci_ || (on_irq9 && smbus_.interrupt()));
}

void PowerManagement::sleep_entered(unsigned type) {
    if (type == kSoftOff) return context_.request_shutdown("guest-shutdown");
    if (type == s4_type_ && !disable_s4_) {
        context_.emit_event("SUSPEND_DISK", {});
        return context_.request_shutdown("guest-shutdown");
    }
    if (type == kSuspend && !disable_s3_) return machine_sleep_.request_sleep();
    context_.log().guest_error("sleep", "there is no such sleep state: the machine goes on");
}

/// ACPI 4.8.2.2.1.1: asleep, it wakes.
void PowerManagement::press() {
    if (machine_sleep_.asleep()) machine_sleep_.request_wake(WakeCause::PowerButton);
    else acpi_.raise(AcpiRegisters::kPowerButton);
}

bool PowerManagement::wakes_on(WakeCause cause) const {
    return cause == WakeCause::Clock && acpi_.enabled(AcpiRegisters::kClock);
}

/// 4.8.3.1.1: WAK_STS, beside the event's own bit.
void PowerManagement::woke(WakeCause cause) {
    std::uint16_t events = AcpiRegisters::kWake;
    if (cause == WakeCause::PowerButton) events |= AcpiRegisters::kPowerButton;
    if (cause == WakeCause::Clock) events |= AcpiRegisters::kClock;
    acpi_.raise(events);
}

void PowerManagement::ApmPorts::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (access.debug()) return;
    owner_.apm_[offset.value] = std::uint8_t(value);
    if (offset.value == 0) owner_.apm_command(std::uint8_t(value));
}

/// What is firmware's in an SMI handler elsewhere, switching ACPI on and off, the chip does itself.
void PowerManagement::apm_command(std::uint8_t command) {
    if (command == kAcpiEnable || command == kAcpiDisable) acpi_.set_sci_enabled(command == kAcpiEnable);
    if (!smm_enabled_ || !(pci_->config(kDevActB, 4) & kApmcEnable)) return;
    smi_.set(1);
    smi_.set(0);
}

}  // namespace backplane::piix
