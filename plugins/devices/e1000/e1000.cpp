#include "e1000.h"

#include <lib/ethernet_address.h>

#include <algorithm>

namespace backplane::e1000 {
namespace {

constexpr std::uint64_t kMemorySize = 0x20000, kPortsSize = 64;

// Registers that do something (13.3)
enum : std::uint32_t {
    kControlCopy = 0x0004,
    kEerd = 0x0014,
    kMdic = 0x0020,
    kIcr = 0x00c0,
    kIcs = 0x00c8,
    kIms = 0x00d0,
    kImc = 0x00d8
};
constexpr std::uint32_t kCauses = 0x0001ffff;

// EECD (13.4.3)
constexpr std::uint32_t kClock = 1, kSelect = 2, kDataIn = 4, kDataOut = 8, kRequest = 1 << 6,
                        kGrant = 1 << 7;

constexpr std::uint32_t kMdioInterrupt = 1u << 29;

}  // namespace

E1000::E1000(Object& object) : object_(object), context_(device_context(object)) {
    StateTable& state = context_.state();
    registers_.describe(state);
    eeprom_.describe(state.group({.name = "eeprom"}));
    phy_.describe(state.group({.name = "phy"}));
    transmitter_.describe(state.group({.name = "transmitter"}));
    describe(state, "IOADDR", ports_.address);
    describe(state, "ICR", causes_);
    describe(state, "IMS", mask_);
    describe(state, "EERD", eeprom_read_);
    describe(state, "MDIC", mdic_);
}

bool E1000::realize(Errors& errors) {
    std::uint8_t address[6];
    if (!choose_ethernet_address(object_, mac_, address, errors)) return false;
    eeprom_.set_address(address);
    pci_ = &require<PciDevice>(object_, "PCI device");
    pci_->set_identity(
        {.vendor = 0x8086, .device = 0x100e, .class_code = 0x020000, .revision = 3, .interrupt_pin = 1});
    MemoryRegion& memory = context_.memory().io("e1000-mmio", kMemorySize, memory_, {.maximum = 4});
    MemoryRegion& ports = context_.memory().io("e1000-io", kPortsSize, ports_, {.maximum = 4});
    context_.export_region("registers", memory);
    context_.export_region("ports", ports);
    if (!pci_->add_bar(0, memory, PciBarKind::Memory32, PciPrefetch::No, errors) ||
        !pci_->add_bar(1, ports, PciBarKind::Io, PciPrefetch::No, errors))
        return false;
    if (netdev_ && !netdev_->connect(this)) {
        errors.fail("property 'netdev' names a netdev that another device uses");
        return false;
    }
    return true;
}

void E1000::unrealize() {
    if (netdev_) netdev_->connect(nullptr);
}

void E1000::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) reset_chip();
    if (phase == ResetPhase::Hold) update_interrupt();
}

void E1000::reset_chip() {
    registers_.reset();
    if (!init_vet_) registers_[Reg::VET] = 0;
    phy_.reset();
    transmitter_.reset();
    causes_ = mask_ = eeprom_read_ = mdic_ = 0;
    // 5.6.1: the address is loaded from the EEPROM.
    registers_.addresses[0] = eeprom_.word(0) | std::uint32_t{eeprom_.word(1)} << 16;
    registers_.addresses[1] = eeprom_.word(2) | 1u << 31;
    set_link();
}

/// The cable is this host's.
bool E1000::after_load(Errors&) {
    set_link();
    return true;
}

void E1000::resume() {
    waiting_ = false;
    if (netdev_) netdev_->accept_frames();
}

// --- interrupts and link ---

void E1000::raise(std::uint32_t causes) {
    causes_ |= causes & kCauses;
    update_interrupt();
}

void E1000::update_interrupt() { pci_->set_interrupt((causes_ & mask_) != 0); }

void E1000::set_link() {
    std::uint32_t& status = registers_[Reg::STATUS];
    status = link_up_ ? status | kLinkUp : status & ~kLinkUp;
    phy_.set_link(link_up_);
}

void E1000::link_changed(bool up) {
    if (up == link_up_) return;
    link_up_ = up;
    set_link();
    raise(kLinkChanged);
}

// --- frames ---

bool E1000::receive_frame(Bytes frame) {
    if (!link_up_ || !receiver_.enabled()) return true;
    if (receiver_.receive(frame)) return true;
    waiting_ = true;
    return false;
}

void E1000::frame_ready(std::vector<std::uint8_t>& frame) {
    constexpr std::size_t kLeast = 14, kTypeAt = 12;
    if (frame.size() < kLeast) return;
    if (const std::uint32_t tag = transmitter_.tag()) {
        const std::uint8_t bytes[] = {std::uint8_t(tag >> 24), std::uint8_t(tag >> 16),
                                      std::uint8_t(tag >> 8), std::uint8_t(tag)};
        frame.insert(frame.begin() + kTypeAt, std::begin(bytes), std::end(bytes));
    }
    registers_.count(kSentAll);
    registers_.count(kSentGood);
    if (std::all_of(frame.begin(), frame.begin() + 6, [](std::uint8_t byte) { return byte == 0xff; }))
        registers_.count(kSentBroadcast);
    else if (frame[0] & 1) registers_.count(kSentMulticast);
    registers_.count_octets(kSentOctets, frame.size());
    registers_.count_octets(kSentGoodOctets, frame.size());
    if (registers_[Reg::RCTL] & kLoopback) receive_frame(Bytes(frame));
    else if (link_up_ && netdev_) netdev_->send_frame(Bytes(frame));
}

// --- registers ---

std::uint32_t* E1000::array_element(std::uint32_t offset) {
    const auto in = [offset](std::uint32_t from, std::uint32_t to) { return offset >= from && offset < to; };
    if (in(kMulticastTable, kMulticastTableEnd)) return &registers_.multicast[(offset - kMulticastTable) / 4];
    if (in(kAddresses, kAddressesEnd)) return &registers_.addresses[(offset - kAddresses) / 4];
    if (in(kVlanTable, kVlanTableEnd)) return &registers_.vlans[(offset - kVlanTable) / 4];
    return nullptr;
}

std::uint32_t E1000::read_register(std::uint32_t offset, bool debug) {
    switch (offset) {
    case kControlCopy: return registers_[Reg::CTRL];
    case kEerd: return eeprom_read_;
    case kMdic: return mdic_;
    case kIcr: {
        const std::uint32_t causes = causes_;
        if (debug) return causes;
        causes_ = 0;
        update_interrupt();
        return causes;
    }
    case kIms: return mask_;
    default: break;
    }
    if (offset >= kStatistics && offset < kStatisticsEnd) return registers_.take_statistic(offset, debug);
    if (const std::uint32_t* element = array_element(offset)) return *element;
    const Reg reg = Registers::at(offset);
    if (reg == Reg::kCount) return 0;
    if (reg == Reg::EECD) return (registers_[reg] & ~kDataOut) | (eeprom_.output() ? kDataOut : 0);
    return registers_[reg];
}

void E1000::write_register(std::uint32_t offset, std::uint32_t value) {
    switch (offset) {
    case kControlCopy: return write_control(value);
    case kEerd: eeprom_read_ = eeprom_.read(value); return;
    case kMdic:
        mdic_ = phy_.access(value);
        if (value & kMdioInterrupt) raise(kMdioDone);
        return;
    case kIcr: causes_ &= ~value; return update_interrupt();
    case kIcs: return raise(value);
    case kIms: mask_ |= value & kCauses; return update_interrupt();
    case kImc: mask_ &= ~value; return update_interrupt();
    default: break;
    }
    if (std::uint32_t* element = array_element(offset)) *element = value;
    else if (const Reg reg = Registers::at(offset); reg != Reg::kCount) write_stored(reg, value);
}

void E1000::write_stored(Reg reg, std::uint32_t value) {
    if (reg == Reg::CTRL) return write_control(value);
    registers_.store(reg, value);
    switch (reg) {
    case Reg::EECD:
        eeprom_.drive(value & kClock, value & kSelect, value & kDataIn);
        registers_[reg] = (registers_[reg] & ~kGrant) | (value & kRequest ? kGrant : 0);
        break;
    case Reg::TCTL:
    case Reg::TDT: transmitter_.run(); break;
    case Reg::RCTL:
    case Reg::RDT:
        if (!waiting_ || !netdev_) break;
        waiting_ = false;
        netdev_->accept_frames();
        break;
    default: break;
    }
}

void E1000::write_control(std::uint32_t value) {
    if (value & kReset) {
        reset_chip();
        return update_interrupt();
    }
    registers_.store(Reg::CTRL, value & ~(kReset | kPhyReset));
    if (!(value & kPhyReset)) return;
    phy_.reset();
    raise(kLinkChanged);
}

/// 13.2: registers are 32 bits wide; narrower writes do nothing.
std::uint64_t E1000::Memory::read(Offset offset, unsigned, Access& access) {
    return owner_.read_register(std::uint32_t(offset.value) & ~3u, access.debug()) >> 8 * (offset.value & 3);
}
void E1000::Memory::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug() || size != 4) return;
    owner_.write_register(std::uint32_t(offset.value), std::uint32_t(value));
}

std::uint64_t E1000::Ports::read(Offset offset, unsigned, Access& access) {
    if (offset.value == 0) return address;
    if (offset.value == 4 && address < kMemorySize)
        return owner_.read_register(address & ~3u, access.debug());
    return 0;
}
void E1000::Ports::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug() || size != 4) return;
    if (offset.value == 0) address = std::uint32_t(value);
    if (offset.value == 4 && address < kMemorySize)
        owner_.write_register(address & ~3u, std::uint32_t(value));
}

}  // namespace backplane::e1000
