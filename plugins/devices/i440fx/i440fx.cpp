#include "i440fx.h"

namespace backplane::i440fx {
namespace {

constexpr unsigned kDeviceSpecific = 0x40;
constexpr unsigned kDramControl = 0x57;
constexpr std::uint32_t kDramControlReset = 0x10;
constexpr unsigned kPam = 0x59;
constexpr unsigned kPamReads = 1 << 0;
constexpr unsigned kPamWrites = 1 << 1;
constexpr unsigned kSmram = 0x72;
constexpr std::uint32_t kSmramReset = 0x02;  // C_BASE_SEG: A0000h, the only one there is
constexpr std::uint32_t kEnable = 1 << 3;
constexpr std::uint32_t kLock = 1 << 4;
constexpr std::uint32_t kClosed = 1 << 5;
constexpr std::uint32_t kOpen = 1 << 6;

}  // namespace

bool I440fx::realize(Errors&) {
    pci_ = query<PciDevice>(object_);
    pci_->set_identity({.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2});
    for (unsigned offset = kDeviceSpecific; offset < pci::kConfigSize; offset += 4)
        pci_->set_config_writable(offset, 4, ~0u);
    pci_->observe_config(this);
    return true;
}

bool I440fx::connect(MemoryRegion& system, MemoryRegion& pci, MemoryRegion& ram, Errors& errors) {
    if (memory_.connected()) {
        errors.fail("the memory controller is connected already");
        return false;
    }
    if (!memory_.connect(context_, system, pci, ram, errors)) return false;
    show();
    return true;
}

void I440fx::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) {
        pci_->set_config(kDramControl, 1, kDramControlReset);
        pci_->set_config(kSmram, 1, kSmramReset);
        lock_smram();
        // Memory is kept over the guest's sleep, and with it where it is seen: firmware goes on in its copy there.
        for (unsigned i = 0; waking() && i < kPamRegisters; ++i) pci_->set_config(kPam + i, 1, shown_[i]);
    }
    if (phase == ResetPhase::Hold) show();
}

bool I440fx::waking() const {
    return static_cast<MachineSleep*>(context_.host_interface(MachineSleep::kId))->waking();
}

bool I440fx::after_load(Errors&) {
    lock_smram();
    show();
    return true;
}

void I440fx::config_written(unsigned offset, unsigned size, const Access&) {
    const auto touches = [=](unsigned first, unsigned count) {
        return offset < first + count && first < offset + size;
    };
    if (touches(kSmram, 1)) lock_smram();
    if (touches(kSmram, 1) || touches(kPam, kPamRegisters)) show();
}

/// 3.2.21: setting D_LCK clears D_OPEN, and until the next reset neither changes.
void I440fx::lock_smram() {
    const std::uint32_t value = pci_->config(kSmram, 1);
    const bool locked = (value & kLock) != 0;
    if (locked) pci_->set_config(kSmram, 1, value & ~kOpen);
    pci_->set_config_writable(kSmram, 1, kEnable | kClosed | (locked ? 0 : kLock | kOpen));
}

void I440fx::show() {
    for (unsigned i = 0; i < kPamRegisters; ++i) shown_[i] = std::uint8_t(pci_->config(kPam + i, 1));
    // 3.2.19: PAM0 has the BIOS area in its upper half and nothing in its lower one; each other has two segments.
    for (unsigned segment = 0; segment < ShadowMemory::kSegments; ++segment) {
        const unsigned nibble = segment == 0 ? 1 : segment + 1;
        const unsigned attributes = pci_->config(kPam + nibble / 2, 1) >> (nibble % 2 ? 4 : 0);
        memory_.set_segment(segment, attributes & kPamReads, attributes & kPamWrites);
    }
    const std::uint32_t smram = pci_->config(kSmram, 1);
    const bool enabled = (smram & kEnable) != 0;
    memory_.set_smram(enabled && (smram & kOpen), enabled);
}

}  // namespace backplane::i440fx
