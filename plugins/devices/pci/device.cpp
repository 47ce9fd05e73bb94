#include "device.h"

#include <algorithm>
#include <bit>

namespace backplane::pci {
bool ClosedPort::read(GuestAddress, MutableBytes to) {
    std::fill(to.begin(), to.end(), std::uint8_t{0});
    return false;
}

DevicePart::DevicePart(Object& object)
    : object_(object),
      context_(device_context(object)),
      state_(context_.state().group({.name = "pci"})),
      msi_(*this),
      msix_(context_, state_, *this),
      vector_events_(context_, msix_) {
    config_.describe_state(state_);
    describe(state_, "interrupt_level", interrupt_level_, {.maximum = 1});
}

bool DevicePart::realize(Errors& errors) {
    if (!bus_) {
        errors.fail("a PCI device needs a PCI bus; this machine has none that is free");
        return false;
    }
    if (!wanted_address_.empty() && !parse_place(wanted_address_)) {
        errors.fail("addr: '" + wanted_address_ +
                    "' is not a place on a PCI bus; give DEVICE or DEVICE.FUNCTION in "
                    "hexadecimal, 0 to 1f and 0 to 7");
        return false;
    }
    if (!romfile_.empty() && rombar_ != 0 && !add_rom(errors)) return false;
    if (multifunction_) config_.set(kHeaderType, 1, 0x80);
    sink_ = static_cast<MessageSink*>(context_.host_interface(MessageSink::kId));
    update_dma();
    return true;
}

void DevicePart::unrealize() {
    observer_ = nullptr;
    vector_events_.clear();
    for (Bar& bar : bars_) unmap(bar);
    context_.set_dma(object_, nullptr);
}

void DevicePart::plugged(PciBus& bus, std::uint8_t place) {
    bus_ = &bus;
    place_ = place;
    if (wanted_address_.empty() || parse_place(wanted_address_)) wanted_address_ = place_text(place);
}

PciAddress DevicePart::address() const {
    return {bus_->number(), std::uint8_t(place_ >> 3), std::uint8_t(place_ & 7)};
}

void DevicePart::set_identity(const PciIdentity& given) {
    const PciIdentity identity = read_sized(given);
    config_.set(kVendorId, 2, identity.vendor);
    config_.set(kDeviceId, 2, identity.device);
    config_.set(kRevisionId, 1, identity.revision);
    config_.set(kClassCode, 1, identity.class_code & 0xff);
    config_.set(kClassCode + 1, 2, identity.class_code >> 8 & 0xffff);
    if (identity.header_type == 1) {
        config_.set_writable(kExpansionRom, 4, 0);
        config_.set(kHeaderType, 1, config_.get(kHeaderType, 1) | 1);
        set_rom_writable();
    } else {
        config_.set(kSubsystemVendorId, 2, identity.subsystem_vendor);
        config_.set(kSubsystemId, 2, identity.subsystem);
    }
    pin_ = identity.interrupt_pin <= 4 ? identity.interrupt_pin : 0;
    config_.set(kInterruptPin, 1, pin_);
}

/// 6.2.5.1: the low bits say what kind it is; the bits below the size are 0 and cannot be written.
bool DevicePart::add_bar(unsigned index, MemoryRegion& region, PciBarKind kind, PciPrefetch prefetch,
                         Errors& errors) {
    const bool wide = kind == PciBarKind::Memory64;
    const std::uint64_t size = region.size();
    const std::uint64_t least = kind == PciBarKind::Io ? 4 : 16;
    const std::string name = "BAR " + std::to_string(index);
    if (kind > PciBarKind::Memory64) {
        errors.fail(name + " is of a kind that this PCI bus does not know");
        return false;
    }
    const unsigned last = is_bridge() ? 1 : 5;
    if (index + wide > last || bars_[index].region || bars_[index].upper_half ||
        (wide && (bars_[index + 1].region || bars_[index + 1].upper_half))) {
        errors.fail(name + " is in use, or there is none");
        return false;
    }
    if (size < least || !std::has_single_bit(size) || (!wide && size > 0x8000'0000) ||
        (kind == PciBarKind::Io && size > 256)) {
        errors.fail(name + ": " + std::to_string(size) + " bytes are not a size for it");
        return false;
    }
    const unsigned offset = kBar0 + 4 * index;
    bars_[index] = {&region, kind, false, std::nullopt};
    config_.set(offset, 4,
                (kind == PciBarKind::Io ? 1u : 0u) | (wide ? 4u : 0u) |
                    (prefetch == PciPrefetch::Yes ? 8u : 0u));
    config_.set_writable(offset, 4, std::uint32_t(~(size - 1)));
    if (wide) {
        bars_[index + 1].upper_half = true;
        config_.set_writable(offset + 4, 4, std::uint32_t(~(size - 1) >> 32));
    }
    return true;
}

unsigned DevicePart::add_extended_capability(std::uint16_t id, std::uint8_t version, unsigned size,
                                             Errors& errors) {
    if (!bus_->express()) {
        errors.fail("an extended capability needs a PCI Express bus");
        return 0;
    }
    return config_.add_extended_capability(id, version, size, errors);
}

bool DevicePart::add_msi(unsigned vectors, bool per_vector_mask, Errors& errors) {
    return !bus_->bridge().delivers_messages() || msi_.add(config_, vectors, per_vector_mask, errors);
}

bool DevicePart::add_msix(const PciMsixLayout& given, Errors& errors) {
    const PciMsixLayout layout = read_sized(given);
    if (!bus_->bridge().delivers_messages()) return true;
    if (layout.container) return msix_.add(config_, layout, *layout.container, errors);
    const unsigned vectors = std::min(layout.vectors, Msix::kMostVectors);
    const std::uint64_t size = std::bit_ceil(std::max<std::uint64_t>(2 * Msix::table_size(vectors), 4096));
    PciMsixLayout own = layout;
    own.table_offset = 0;
    own.pending_offset = std::uint32_t(size / 2);
    MemoryRegion& container = context_.memory().container("msix", size);
    return msix_.add(config_, own, container, errors) &&
           add_bar(layout.bar, container, PciBarKind::Memory32, PciPrefetch::No, errors);
}

std::uint32_t DevicePart::config_read(unsigned offset, unsigned size, Access& access) {
    if (observer_) observer_->config_reading(offset, size, access);
    return config_.get(offset, size);
}

void DevicePart::config_write(unsigned offset, unsigned size, std::uint32_t value, Access& access) {
    if (access.debug()) return;
    config_.guest_write(offset, size, value);
    const auto touches = [=](unsigned first, unsigned count) {
        return offset < first + count && first < offset + size;
    };
    if (touches(kCommand, 2)) {
        update_dma();
        update_pin();
    }
    if (touches(kCommand, 2) || touches(kBar0, 24) || touches(register_of(kRom), 4)) update_bars();
    msi_.config_written(offset, size);
    msix_.config_written(offset, size);
    if (observer_) observer_->config_written(offset, size, access);
}

/// Where a BAR answers now. Memory address 0, and what would reach beyond the space, is how firmware parks and sizes
/// them; port 0 is a port like others, and the first that some firmware gives away.
std::optional<std::uint64_t> DevicePart::decoded(unsigned index) const {
    const Bar& bar = bars_[index];
    const bool io = bar.kind == PciBarKind::Io;
    if (!(io ? io_enabled() : memory_enabled())) return std::nullopt;
    const std::uint64_t size = bar.region->size();
    std::uint64_t base = config_.get(register_of(index), 4);
    if (index == kRom && !(base & 1)) return std::nullopt;
    if (bar.kind == PciBarKind::Memory64) base |= std::uint64_t{config_.get(kBar0 + 4 * index + 4, 4)} << 32;
    base &= ~(size - 1);
    const std::uint64_t last = base + (size - 1);
    const std::uint64_t limit = io                                 ? 0xffff
                                : bar.kind == PciBarKind::Memory64 ? ~std::uint64_t{0} - 1
                                                                   : 0xffff'fffe;
    if ((base == 0 && !io) || last < base || last > limit) return std::nullopt;
    return base;
}

std::optional<DevicePart::BarListing> DevicePart::bar(unsigned index) const {
    const Bar& bar = bars_[index];
    if (!bar.region) return std::nullopt;
    constexpr unsigned kPrefetchable = 8;
    const bool prefetch = bar.kind != PciBarKind::Io && index != kRom &&
                          (config_.get(register_of(index), 4) & kPrefetchable) != 0;
    return BarListing{bar.kind, prefetch ? PciPrefetch::Yes : PciPrefetch::No, bar.region->size(),
                      decoded(index)};
}

void DevicePart::unmap(Bar& bar) {
    if (!bar.mapped) return;
    PciBridge& bridge = bus_->bridge();
    (bar.kind == PciBarKind::Io ? bridge.pci_io() : bridge.pci_memory()).remove(*bar.region);
    bar.mapped.reset();
}

void DevicePart::update_bars() {
    struct : Errors {
        void fail(Str message) override { text = message.view(); }
        std::string text;
    } refusal;
    PciBridge& bridge = bus_->bridge();
    for (unsigned index = 0; index < bars_.size(); ++index) {
        Bar& bar = bars_[index];
        if (!bar.region) continue;
        const std::optional<std::uint64_t> base = decoded(index);
        if (base == bar.mapped) continue;
        unmap(bar);
        if (!base) continue;
        MemoryRegion& space = bar.kind == PciBarKind::Io ? bridge.pci_io() : bridge.pci_memory();
        // The guest may lay BARs over each other; a priority of its own for each makes the result definite.
        const int priority = 1 + place_ * 8 + int(index);
        if (space.add(*bar.region, Offset(*base), priority, refusal)) bar.mapped = base;
        else context_.log().guest_error("bar", "BAR " + std::to_string(index) + ": " + refusal.text);
    }
}

void DevicePart::update_dma() {
    context_.set_dma(object_, bus_master_enabled() ? bus_->bridge().dma(place_) : &closed_);
    vectors_changed();
}

/// Where messages go on a short way: as long as the function may master, and its bridge leaves addresses as they are.
MessageSink* DevicePart::sink() const {
    return sink_ && bus_master_enabled() && !bus_->bridge().dma(place_) ? sink_ : nullptr;
}

void DevicePart::send_message(std::uint64_t address, std::uint32_t data) {
    if (MessageSink* short_way = sink(); short_way && short_way->takes(GuestAddress(address)))
        short_way->send({address, data, this->address().requester(), {}});
    else dma_store(context_.dma(), GuestAddress(address), data);
}

void DevicePart::vectors_changed() {
    if (!vector_events_.empty()) vector_events_.update(sink(), address().requester());
}

bool DevicePart::set_vector_event(unsigned vector, int event, Errors& errors) {
    if (!vector_events_.set(vector, event, errors)) return false;
    vectors_changed();
    return true;
}

void DevicePart::set_interrupt(int level) {
    interrupt_level_ = level != 0;
    update_pin();
}

void DevicePart::update_pin() {
    if (pin_ == 0) return;
    const unsigned status = config_.get(kStatus, 2) & ~kStatusInterrupt;
    config_.set(kStatus, 2, status | (interrupt_level_ ? kStatusInterrupt : 0));
    bus_->set_pin(place_, pin_ - 1u, interrupt_level_ && !(command() & kCommandInterruptDisable));
}

void DevicePart::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) {
        config_.reset();
        config_.remember_function();
        msi_.reset();
        msix_.reset();
    }
    if (phase != ResetPhase::Hold) return;
    update_bars();
    update_dma();
    update_pin();
}

bool DevicePart::after_load(Errors& errors) {
    if (!config_.same_function()) {
        errors.fail("'pci.config' is of another function: its identity, its BARs or its capabilities differ");
        return false;
    }
    update_bars();
    update_dma();
    update_pin();
    return true;
}

}  // namespace backplane::pci
