#include "shpc.h"

#include <algorithm>

namespace backplane {
namespace {

constexpr unsigned kCapabilityHotPlug = 0x0c;
constexpr unsigned kCapabilitySize =
    8;  // 4.2: DWORD Select at 2, Controller SERR and INTR pending at 3, DWORD Data at 4

// 4.6: the working register set, in DWORDs.
enum Register : unsigned {
    SlotsAvailable1 = 1,
    SlotConfiguration = 3,
    SecondaryBus = 4,
    CommandStatus = 5,
    InterruptLocator = 6,
    Control = 8,
    FirstSlot = 9,
};
constexpr unsigned kFirstDevice = 1;

// 4.7.8
constexpr std::uint32_t kInterruptMask = 1u << 0, kCommandInterruptMask = 1u << 2, kEnableWritable = 0xf,
                        kCommandComplete = 1u << 16;
constexpr std::uint32_t kEnableReset = 0xf;
// The status above the command (4.7.5).
constexpr std::uint32_t kMrlOpenError = 1u << 17, kInvalidCommand = 1u << 18, kInvalidSpeed = 1u << 19;

// A slot (4.7.9).
constexpr std::uint32_t kState = 3, kEnabled = 2, kDisabled = 3, kPowerOnly = 1;
constexpr unsigned kPowerShift = 2, kAttentionShift = 4;
constexpr std::uint32_t kOn = 1, kOff = 3;
constexpr std::uint32_t kMrlOpen = 1u << 8, kEmpty = 3u << 10;
constexpr std::uint32_t kPresenceChanged = 1u << 16, kButton = 1u << 18, kMrlChanged = 1u << 19;
constexpr std::uint32_t kEvents = 0x1fu << 16, kMasks = 0x7fu << 24;
constexpr unsigned kMaskAboveEvent = 8;

constexpr std::uint32_t with_indicators(std::uint32_t state, std::uint32_t power) {
    return state | power << kPowerShift | kOff << kAttentionShift;
}

constexpr bool off(std::uint32_t slot) {
    return (slot & kState) == kDisabled && (slot >> kPowerShift & 3) == kOff;
}

}  // namespace

Shpc::Shpc(StateTable& state, Owner& owner) : owner_(owner) {
    describe(state, "select", select_);
    describe(state, "command_status", command_status_);
    describe(state, "control", control_, kEnableReset);
    describe(state, "slots", slots_);
}

bool Shpc::join(PciDevice& pci, PciBus& behind, Errors& errors) {
    pci_ = &pci;
    behind_ = &behind;
    capability_ = pci.add_capability(kCapabilityHotPlug, kCapabilitySize, 0, errors);
    if (capability_ == 0) return false;
    pci.set_config_writable(capability_ + 2, 1, 0xff);
    pci.set_config_writable(capability_ + 4, 4, 0xffffffff);
    behind.set_hot_plug(this);
    return true;
}

/// What is there is on, as after a start of the machine.
void Shpc::reset() {
    select_ = 0;
    command_status_ = 0;
    control_ = kEnableReset;
    told_ = 0;
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        slots_[slot] = kMasks;
        slots_[slot] |= occupied(slot) ? with_indicators(kEnabled, kOn) : with_indicators(kDisabled, kOff);
    }
    update_interrupt();
}

bool Shpc::occupied(unsigned slot) const {
    for (unsigned function = 0; function < 8; ++function)
        if (behind_->device(std::uint8_t((slot + kFirstDevice) << 3 | function))) return true;
    return false;
}

// --- registers ---

std::uint32_t Shpc::load(unsigned index) const {
    // 31 slots from device 1 on, each with a button and a sensor; numbers go up.
    constexpr std::uint32_t kConfiguration = kSlots | kFirstDevice << 8 | 1u << 16 | 7u << 29;
    constexpr std::uint32_t kProgrammingInterface = 1u << 24;
    switch (index) {
    case SlotsAvailable1: return kSlots;
    case SlotConfiguration: return kConfiguration;
    case SecondaryBus: return kProgrammingInterface;
    case CommandStatus: return command_status_;
    case InterruptLocator: return pending();
    case Control: return control_;
    default: return index >= FirstSlot && index < kRegisters ? load_slot(index - FirstSlot) : 0;
    }
}

/// Its sensors tell who is there.
std::uint32_t Shpc::load_slot(unsigned slot) const {
    return slots_[slot] | (occupied(slot) ? 0 : kMrlOpen | kEmpty);
}

void Shpc::store(unsigned index, std::uint32_t value, std::uint32_t lanes) {
    constexpr std::uint32_t kCommandCode = 0xff, kCommandWritable = 0x1fff;
    if (index == CommandStatus) {
        const std::uint32_t writable = lanes & kCommandWritable;
        command_status_ = (command_status_ & ~writable) | (value & writable);
        if (lanes & kCommandCode) command(command_status_ & kCommandWritable);
    } else if (index == Control) {
        const std::uint32_t writable = lanes & kEnableWritable;
        control_ = (control_ & ~writable) | (value & writable);
        control_ &= ~(value & lanes & kCommandComplete);
    } else if (index >= FirstSlot && index < kRegisters) {
        store_slot(slots_[index - FirstSlot], value, lanes);
    }
    update_interrupt();
}

/// Events are cleared by ones, masks are written.
void Shpc::store_slot(std::uint32_t& slot, std::uint32_t value, std::uint32_t lanes) {
    slot &= ~(value & lanes & kEvents);
    slot = (slot & ~(lanes & kMasks)) | (value & lanes & kMasks);
}

std::uint64_t Shpc::read(Offset offset, unsigned size, Access&) {
    const auto shift = unsigned(8 * (offset.value & 3));
    return load(unsigned(offset.value / 4)) >> shift & (0xffffffffu >> (32 - 8 * size));
}

void Shpc::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug()) return;
    const auto shift = unsigned(8 * (offset.value & 3));
    const std::uint32_t lanes = (0xffffffffu >> (32 - 8 * size)) << shift;
    store(unsigned(offset.value / 4), std::uint32_t(value) << shift, lanes);
}

/// DWORD Data is the register that DWORD Select chose.
void Shpc::config_reading(unsigned offset, unsigned size) {
    if (offset >= capability_ + kCapabilitySize || offset + size <= capability_ + 3) return;
    constexpr unsigned kInterruptPending = 8;
    pci_->set_config(capability_ + 3, 1,
                     (control_ & kInterruptMask) == 0 && pending() ? kInterruptPending : 0);
    pci_->set_config(capability_ + 4, 4, load(select_));
}

void Shpc::config_written(unsigned offset, unsigned size) {
    if (offset >= capability_ + kCapabilitySize || offset + size <= capability_ + 2) return;
    select_ = std::uint8_t(pci_->config(capability_ + 2, 1));
    if (offset + size <= capability_ + 4) return;
    const unsigned first = offset > capability_ + 4 ? offset - capability_ - 4 : 0;
    const unsigned end = offset + size - capability_ - 4;
    const std::uint32_t lanes = (0xffffffffu >> (32 - 8 * (end - first))) << 8 * first;
    store(select_, pci_->config(capability_ + 4, 4), lanes);
}

// --- commands (4.9) ---

/// They are done at once. A command for all slots is for those that are there and closed.
void Shpc::command(std::uint32_t code) {
    constexpr std::uint32_t kSlotOperation = 0x3f, kFirstSpeed = 0x40, kLastSpeed = 0x47, kPowerAll = 0x48,
                            kEnableAll = 0x49;
    const std::uint32_t operation = code & 0xff;
    const unsigned target = code >> 8 & 0x1f;
    command_status_ &= ~(kMrlOpenError | kInvalidCommand | kInvalidSpeed);
    if (operation <= kSlotOperation) {
        command_status_ |= target == 0 || target > kSlots ? kInvalidCommand : set_slot(target - 1, operation);
    } else if (operation >= kFirstSpeed && operation <= kLastSpeed) {
        if (operation != kFirstSpeed) command_status_ |= kInvalidSpeed;
    } else if (operation == kPowerAll || operation == kEnableAll) {
        const std::uint32_t state = operation == kPowerAll ? kPowerOnly : kEnabled;
        if (std::ranges::any_of(slots_, [](std::uint32_t slot) { return (slot & kState) == kEnabled; }))
            command_status_ |= kInvalidCommand;
        else
            for (unsigned slot = 0; slot < kSlots; ++slot)
                if (occupied(slot) && (slots_[slot] & kState) == kDisabled)
                    set_slot(slot, state | kOn << kPowerShift);
    } else {
        command_status_ |= kInvalidCommand;
    }
    control_ |= kCommandComplete;
}

/// Gives what is wrong with it. A slot that becomes disabled, with its indicator off, is let go of.
std::uint32_t Shpc::set_slot(unsigned slot, unsigned what) {
    std::uint32_t& held = slots_[slot];
    const std::uint32_t state = what & kState;
    if (!occupied(slot) && (state == kEnabled || state == kPowerOnly)) return kMrlOpenError;
    if (state == kPowerOnly && (held & kState) == kEnabled) return kInvalidCommand;
    const bool was_off = off(held);
    for (const std::uint32_t field : {kState, 3u << kPowerShift, 3u << kAttentionShift})
        if (what & field) held = (held & ~field) | (what & field);
    if (off(held) && !was_off && occupied(slot)) let_go(slot);
    return 0;
}

void Shpc::let_go(unsigned slot) {
    behind_->eject(slot + kFirstDevice);
    slots_[slot] |= kPresenceChanged | kMrlChanged;
}

// --- what happens to slots ---

void Shpc::device_plugged(unsigned device) {
    if (device < kFirstDevice) return;
    slots_[device - kFirstDevice] |= kPresenceChanged | kMrlChanged | kButton;
    update_interrupt();
}

/// Somebody presses the button of a slot that is on; what is in another one may be taken out.
void Shpc::unplug_requested(unsigned device) {
    if (device < kFirstDevice) return;
    const unsigned slot = device - kFirstDevice;
    if (off(slots_[slot])) let_go(slot);
    else slots_[slot] |= kButton;
    update_interrupt();
}

/// Bit 0: a command has completed; bit n: an event of slot n.
std::uint32_t Shpc::pending() const {
    std::uint32_t bits = (control_ & kCommandComplete) && !(control_ & kCommandInterruptMask) ? 1 : 0;
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        const std::uint32_t unmasked = ~(slots_[slot] & kMasks) >> kMaskAboveEvent;
        if (slots_[slot] & kEvents & unmasked) bits |= 1u << (slot + 1);
    }
    return bits;
}

/// The line is as it was; a message that was sent is not sent again.
void Shpc::after_load() {
    told_ = control_ & kInterruptMask ? 0 : pending();
    owner_.hot_plug_interrupt(told_ != 0, false);
}

void Shpc::update_interrupt() {
    const std::uint32_t now = control_ & kInterruptMask ? 0 : pending();
    owner_.hot_plug_interrupt(now != 0, (now & ~told_) != 0);
    told_ = now;
}

}  // namespace backplane
