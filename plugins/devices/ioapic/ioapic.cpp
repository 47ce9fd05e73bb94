// The I/O APIC: 24 interrupt lines that become messages.
//
// Follows Intel, "82093AA I/O Advanced Programmable Interrupt Controller (IOAPIC)", 290566-001, chapter 3; the register EOI
// is that of its successors (ICH, 0x40). Not modelled: the APIC bus's arbitration, and polarity: a wire says whether its
// line is asserted, not which voltage that is.
#include <backplane/device.h>
#include <backplane/interrupt_text.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/x86.h>
#include <lib/interrupt_chips.h>

namespace backplane {
namespace {

constexpr std::uint64_t kWindowSize = 0x1000;
constexpr std::uint8_t kVersionWithEoi = 0x20;

// 3.1: memory-mapped registers; 3.2: those that IOREGSEL selects.
enum MemoryRegister : unsigned { IOREGSEL = 0x00, IOWIN = 0x10, EOIR = 0x40 };
enum IndexedRegister : unsigned { IOAPICID = 0, IOAPICVER = 1, IOAPICARB = 2, IOREDTBL = 0x10 };

// 3.2.4: a redirection entry.
constexpr std::uint64_t kVectorMask = 0xff;
constexpr unsigned kModeShift = 8;
constexpr unsigned kLogicalShift = 11;
constexpr std::uint64_t kDeliveryStatus = 1u << 12;
constexpr std::uint64_t kRemoteIrr = 1u << 14;
constexpr std::uint64_t kLevel = 1u << 15;
constexpr unsigned kDestinationShift = 56;
constexpr std::uint64_t kReadOnly = kDeliveryStatus | kRemoteIrr;
constexpr std::uint64_t kWritable = 0xff00'0000'0001'ffff & ~kReadOnly;
constexpr std::uint32_t kIdMask = 0x0f00'0000;

constexpr unsigned kExternal = 7;

class IoApic final : public DeviceBase,
                     public IoHandler,
                     public InterruptControllerText,
                     public InterruptCounts,
                     private x86::EndOfInterrupt,
                     private chips::IoApicRegisters {
  public:
    using chips::IoApicRegisters::kPins;
    static const PropertyInfo kProperties[];

    explicit IoApic(Object& object) : context_(device_context(object)) {
        context_.add_inputs("", kPins, inputs_);
        describe_registers(context_.state());
    }

    bool realize(Errors&) override {
        context_.export_region("ioapic", context_.memory().io("ioapic", kWindowSize, *this,
                                                              {.implemented_min = 4, .implemented_max = 4}));
        if (bus_) bus_->add_listener(*this);
        return true;
    }
    void unrealize() override {
        if (bus_) bus_->remove_listener(*this);
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) announce_all();
    }
    bool after_load(Errors&) override {
        announce_all();
        return true;
    }

    void describe(TextSink& out) override { write_text(out, version_); }
    unsigned first_line() const override { return 0; }
    Slice<const std::uint64_t> counts() const override { return counts_; }

    std::uint64_t read(Offset offset, unsigned, Access&) override {
        switch (offset.value) {
        case IOREGSEL: return select_;
        case IOWIN: return read_register(select_);
        default: return 0;
        }
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        if (offset.value == IOREGSEL) select_ = std::uint8_t(value);
        else if (offset.value == IOWIN) write_register(select_, std::uint32_t(value));
        else if (offset.value == EOIR && version_ >= kVersionWithEoi) end_of_interrupt(std::uint8_t(value));
    }

  private:
    std::uint32_t read_register(unsigned index) const {
        switch (index) {
        case IOAPICID:
        case IOAPICARB: return id_;
        case IOAPICVER: return version_ | (kPins - 1) << 16;
        default: break;
        }
        const unsigned pin = (index - IOREDTBL) / 2;
        if (index < IOREDTBL || pin >= kPins) return 0;
        return std::uint32_t(entries_[pin] >> (index % 2 ? 32 : 0));
    }

    void write_register(unsigned index, std::uint32_t value) {
        if (index == IOAPICID) id_ = value & kIdMask;
        const unsigned pin = (index - IOREDTBL) / 2;
        if (index < IOREDTBL || pin >= kPins) return;
        const unsigned shift = index % 2 ? 32 : 0;
        const std::uint64_t lanes = (std::uint64_t{0xffffffff} << shift) & kWritable;
        std::uint64_t& entry = entries_[pin];
        entry = (entry & ~lanes) | (std::uint64_t{value} << shift & lanes);
        if (!(entry & kLevel)) entry &= ~kRemoteIrr;  // it means nothing for edges; software clears it so
        announce(pin);
        serve_level(pin);
    }

    bool raised(unsigned pin) const { return (levels_ >> pin & 1) != 0; }

    void pin_changed(unsigned pin, int level) {
        const std::uint32_t bit = 1u << pin;
        if (level && !raised(pin)) ++counts_[pin];
        levels_ = level ? levels_ | bit : levels_ & ~bit;
        if (!level) return;
        if (entries_[pin] & kLevel) serve_level(pin);
        // 3.2.4: an edge on a masked pin is neither delivered nor held.
        else if (!(entries_[pin] & kMasked)) send(entries_[pin]);
    }

    void serve_level(unsigned pin) {
        std::uint64_t& entry = entries_[pin];
        if (!raised(pin) || !(entry & kLevel) || (entry & (kMasked | kRemoteIrr))) return;
        // What the 8259 answers for is no interrupt that anybody ends here.
        if ((entry >> kModeShift & 7) != kExternal) entry |= kRemoteIrr;
        send(entry);
    }

    void end_of_interrupt(std::uint8_t vector) override {
        for (unsigned pin = 0; pin < kPins; ++pin) {
            if (!(entries_[pin] & kRemoteIrr) || (entries_[pin] & kVectorMask) != vector) continue;
            entries_[pin] &= ~kRemoteIrr;
            serve_level(pin);
        }
    }

    /// SDM 3A 11.11.
    static std::uint64_t address_of(std::uint64_t entry) {
        return x86::kMessageBase | (entry >> kDestinationShift) << 12 | (entry >> kLogicalShift & 1) << 2;
    }
    static std::uint32_t data_of(std::uint64_t entry) {
        constexpr std::uint32_t kAssert = 1u << 14;
        return std::uint32_t((entry & (kVectorMask | 7u << kModeShift | kLevel)) | kAssert);
    }

    /// Straight to the bus where that is known: an EOI comes from there, and a device does not reach by DMA what is busy
    /// with a call to it.
    void send(std::uint64_t entry) {
        if (bus_) bus_->send(x86::unpack_message(address_of(entry), data_of(entry)));
        else dma_store(context_.dma(), GuestAddress(address_of(entry)), data_of(entry));
    }

    void announce(unsigned pin) {
        if (!bus_) return;
        const x86::InterruptMessage message =
            x86::unpack_message(address_of(entries_[pin]), data_of(entries_[pin]));
        bus_->pin_sends(pin, entries_[pin] & kMasked ? nullptr : &message);
    }
    void announce_all() {
        for (unsigned pin = 0; pin < kPins; ++pin) announce(pin);
    }

    DeviceContext& context_;
    InputOf<&IoApic::pin_changed> inputs_{*this};
    x86::ApicBus* bus_ = nullptr;
    std::uint8_t version_ = kVersionWithEoi;
    std::uint64_t counts_[kPins] = {};
};

constexpr PropertyInfo IoApic::kProperties[] = {
    property<&IoApic::version_>(
        {.name = "version",
         .summary = "as the version register says; below 0x20 there is no EOI register",
         .default_text = "0x20",
         .minimum = 0x11}),
    property<&IoApic::bus_>(
        {.name = "bus",
         .summary = "where messages go and ends of interrupts come from; unset: memory, nowhere"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<IoApic, Device>(), offers<IoApic, InterruptControllerText>(),
                                         offers<IoApic, InterruptCounts>()};

constexpr HistoryRow kHistory[] = {{"2.7", "version", "0x11"}};

constexpr RegionInfo kRegions[] = {{.name = "ioapic", .size = kWindowSize}};
constexpr WireInfo kWires[] = {{.name = "", .direction = WireDirection::Input, .count = IoApic::kPins}};

constexpr TypeInfo kTypes[] = {
    device_type<IoApic>({
        .name = "ioapic",
        .summary = "82093AA I/O APIC",
        .category = "Misc",
        .interfaces = kInterfaces,
        .properties = IoApic::kProperties,
        .regions = kRegions,
        .wires = kWires,
        .history = kHistory,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("ioapic", "1.0", "Backplane", backplane::kTypes)
