#include "uhci.h"

#include "bus.h"

namespace backplane::usb {

using namespace uhci;

namespace {

enum Register : unsigned {
    USBCMD = 0x00,
    USBSTS = 0x02,
    USBINTR = 0x04,
    FRNUM = 0x06,
    FRBASEADD = 0x08,
    SOFMOD = 0x0c,
    PORTSC1 = 0x10
};

constexpr std::uint64_t kSize = 32;
constexpr std::uint64_t kFrameTime = 1'000'000;  // ns
constexpr std::uint8_t kSofModifyReset = 0x40;
constexpr std::uint16_t kCommandMask = 0xff;
constexpr std::uint16_t kInterruptMask = 0x0f;
constexpr std::uint32_t kFrameListMask = 0xfffff000;
constexpr std::uint16_t kPortWritable = kEnabled | kResume | kReset | kPortSuspended;
constexpr std::uint16_t kPortClearable = kConnectChanged | kEnableChanged;
// 290550, 2.4: configuration registers.
constexpr unsigned kReleaseNumber = 0x60, kLegacySupport = 0xc0;
constexpr std::uint32_t kRelease1 = 0x10, kLegacySupportReset = 0x2000;
constexpr std::uint8_t kPinD = 4;

}  // namespace

Uhci::Uhci(Object& object) : object_(object), context_(device_context(object)) {
    StateTable& state = context_.state();
    describe(state, "USBCMD", command_);
    describe(state, "USBSTS", status_);
    describe(state, "USBINTR", interrupts_);
    describe(state, "FRNUM", frame_number_, {.maximum = kFrameNumberMask});
    describe(state, "FRBASEADD", frame_list_);
    describe(state, "SOFMOD", sof_modify_);
    describe(state, "PORTSC1", ports_[0].status);
    describe(state, "PORTSC2", ports_[1].status);
    describe(state, "completed", completed_);
    describe(state, "short_packet", short_packet_);
    describe(state, "next_frame", next_frame_ns_);
    timer_.create(context_.clock());
    describe_timer(state, "frame", timer_);
}

bool Uhci::realize(Errors& errors) {
    pci_ = query<PciDevice>(object_);
    pci_->set_identity(
        {.vendor = 0x8086, .device = 0x7020, .class_code = 0x0c0300, .revision = 1, .interrupt_pin = kPinD});
    pci_->set_config(kReleaseNumber, 1, kRelease1);
    pci_->set_config_writable(kLegacySupport, 2, 0xffff);
    MemoryRegion& registers =
        context_.memory().io("uhci", kSize, *this, {.maximum = 4, .implemented_max = 4, .unaligned = true});
    context_.export_region("registers", registers);
    if (!pci_->add_bar(4, registers, PciBarKind::Io, PciPrefetch::No, errors)) return false;
    const std::string id(object_.id().view());
    Object* bus = context_.create_bus("usb-bus", id.empty() ? "usb-bus.0" : id + ".0", errors);
    if (!bus) return false;
    bus_ = query<UsbBus>(*bus);
    bus_->add_ports(*this, nullptr, kPortCount);
    return true;
}

void Uhci::unrealize() {
    timer_.cancel();
    bus_->remove_ports(*this);
}

void Uhci::reset(ResetPhase phase) {
    if (phase != ResetPhase::Hold) return;
    pci_->set_config(kLegacySupport, 2, kLegacySupportReset);
    reset_controller();
}

/// What is plugged in is seen as new.
void Uhci::reset_controller() {
    command_ = interrupts_ = frame_number_ = 0;
    status_ = kHalted;
    frame_list_ = 0;
    sof_modify_ = kSofModifyReset;
    completed_ = short_packet_ = false;
    for (Port& port : ports_) {
        port.status = 0;
        show_connection(port);
        if (port.function) {
            port.status |= kConnectChanged;
            port.function->bus_reset();
        }
    }
    timer_.cancel();
    update_interrupt();
}

void Uhci::show_connection(Port& port) {
    port.status &= std::uint16_t(~(kConnected | kLowSpeed));
    if (!port.function) return;
    port.status |= kConnected;
    if (port.function->speed() == UsbSpeed::Low) port.status |= kLowSpeed;
}

void Uhci::plugged(unsigned number, UsbFunction& function) {
    Port& port = ports_[number];
    port.function = &function;
    show_connection(port);
    port.status |= kConnectChanged;
    woken(number);
}

void Uhci::unplugged(unsigned number) {
    Port& port = ports_[number];
    port.function = nullptr;
    show_connection(port);
    port.status |= kConnectChanged;
    if (port.status & kEnabled) port.status |= kEnableChanged;
    port.status &= std::uint16_t(~(kEnabled | kPortSuspended));
    woken(number);
}

/// 2.1.2: a resume is detected where the bus or the port is suspended.
void Uhci::woken(unsigned number) {
    Port& port = ports_[number];
    if (!(command_ & kSuspend) && !(port.status & kPortSuspended)) return;
    port.status |= kResume;
    status_ |= kResumeDetect;
    update_interrupt();
}

void Uhci::update_interrupt() {
    const bool done = (completed_ && interrupts_ & kOnComplete) || (short_packet_ && interrupts_ & kOnShort);
    const bool level = (status_ & kInterrupt && done) || (status_ & kError && interrupts_ & kOnError) ||
                       (status_ & kResumeDetect && interrupts_ & kOnResume) ||
                       status_ & (kSystemError | kProcessError);
    pci_->set_interrupt(level);
}

std::uint64_t Uhci::read(Offset offset, unsigned size, Access&) {
    const unsigned at = unsigned(offset.value);
    const std::uint32_t low = read_register(at & ~1u);
    const std::uint32_t high = at + size > (at & ~1u) + 2 ? read_register((at & ~1u) + 2) : 0;
    return (low | high << 16) >> 8 * (at & 1);
}

std::uint16_t Uhci::read_register(unsigned offset) const {
    switch (offset) {
    case USBCMD: return command_;
    case USBSTS: return status_;
    case USBINTR: return interrupts_;
    case FRNUM: return frame_number_;
    case FRBASEADD: return std::uint16_t(frame_list_);
    case FRBASEADD + 2: return std::uint16_t(frame_list_ >> 16);
    case SOFMOD: return sof_modify_;
    case PORTSC1: return ports_[0].status | kAlwaysOne;
    case PORTSC1 + 2: return ports_[1].status | kAlwaysOne;
    default: return offset >= PORTSC1 ? 0xff7f : 0;  // bit 7 is clear where there is no port
    }
}

/// Registers are of 16 bits, but FRBASEADD and SOFMOD; a byte is written with its neighbour as it is.
void Uhci::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug()) return;
    const unsigned at = unsigned(offset.value);
    if (size == 1) {
        const bool clears = (at & ~1u) == USBSTS;
        const unsigned shift = 8 * (at & 1);
        const unsigned other = clears ? 0 : read_register(at & ~1u) & ~(0xffu << shift);
        return write_register(at & ~1u, std::uint16_t(other | unsigned(value) << shift));
    }
    for (unsigned i = 0; i < size; i += 2) write_register((at & ~1u) + i, std::uint16_t(value >> 8 * i));
}

void Uhci::write_register(unsigned offset, std::uint16_t value) {
    switch (offset) {
    case USBCMD: return write_command(value & kCommandMask);
    case USBSTS:
        status_ &= std::uint16_t(~(value & ~kHalted));
        if (value & kInterrupt) completed_ = short_packet_ = false;
        return update_interrupt();
    case USBINTR: interrupts_ = value & kInterruptMask; return update_interrupt();
    case FRNUM:
        if (status_ & kHalted) frame_number_ = value & kFrameNumberMask;
        return;
    case FRBASEADD: frame_list_ = ((frame_list_ & 0xffff0000) | value) & kFrameListMask; return;
    case FRBASEADD + 2: frame_list_ = (frame_list_ & 0xffff) | std::uint32_t{value} << 16; return;
    case SOFMOD: sof_modify_ = value & 0x7f; return;
    case PORTSC1: return write_port(ports_[0], value);
    case PORTSC1 + 2: return write_port(ports_[1], value);
    default: return;
    }
}

void Uhci::write_command(std::uint16_t value) {
    if (value & kHostReset) return reset_controller();
    const bool starts = value & kRun && !(command_ & kRun);
    const bool resets = value & kGlobalReset && !(command_ & kGlobalReset);
    command_ = value;
    if (resets) reset_bus();
    if (starts) {
        status_ &= std::uint16_t(~kHalted);
        next_frame_ns_ = context_.clock().now_ns() + kFrameTime;
        schedule();
    } else if (!(value & kRun)) {
        status_ |= kHalted;
        timer_.cancel();
    }
    update_interrupt();
}

/// GRESET: everything on the bus.
void Uhci::reset_bus() {
    for (Port& port : ports_) {
        port.status &= std::uint16_t(~(kEnabled | kPortSuspended | kResume));
        if (port.function) port.function->bus_reset();
    }
}

void Uhci::write_port(Port& port, std::uint16_t value) {
    if (value & kReset && !(port.status & kReset) && port.function) port.function->bus_reset();
    const std::uint16_t kept = port.status & std::uint16_t(~(kPortWritable | (value & kPortClearable)));
    port.status = kept | (value & kPortWritable);
    if (!port.function || port.status & kReset) port.status &= std::uint16_t(~kEnabled);
}

void Uhci::schedule() { timer_.arm(next_frame_ns_); }

}  // namespace backplane::usb
