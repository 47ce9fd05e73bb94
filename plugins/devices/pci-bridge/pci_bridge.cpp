// A PCI-to-PCI bridge.
//
// Follows "PCI-to-PCI Bridge Architecture Specification" 1.2: 3.2 (configuration space), 4 (address decoding), 9.1
// (interrupts), 13 (slot numbering). Not modelled: ISA Enable, Bus Master Enable for what is behind the bridge, parity and
// system errors, discard timers.
#include "shpc.h"

#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <array>

namespace backplane {
namespace {

constexpr std::uint64_t kEverything = 0;  // 2^64 bytes
constexpr std::uint64_t kPortCount = 64u << 10;
constexpr unsigned kPins = 4;

constexpr unsigned kFastAnd66MHz = 0x00a0;  // of both status registers
constexpr unsigned kStatusErrors = 0xf900;
constexpr unsigned kControlVga = 1u << 3;
constexpr unsigned kControlReset = 1u << 6;
constexpr unsigned kControlWritable = 0x0beb;  // 3.2.5.18, but for ISA Enable
constexpr unsigned kCapabilitySlotNumber = 0x04;
constexpr unsigned kFirstInChassis = 1u << 5;

/// Addresses of the primary side that are passed on.
struct Window {
    MemoryRegion* region = nullptr;

    void show(bool enabled, std::uint64_t base, std::uint64_t limit) {
        region->set_enabled(false);
        if (!enabled || base > limit) return;
        region->set_offset(Offset(base));
        region->set_alias_offset(Offset(base));
        region->set_alias_size(limit - base + 1);
        region->set_enabled(true);
    }
};

class PciToPciBridge final : public DeviceBase,
                             public PciBridge,
                             public PciForwarder,
                             private PciConfigObserver,
                             private Shpc::Owner {
  public:
    static const PropertyInfo kProperties[];

    explicit PciToPciBridge(Object& object)
        : object_(object),
          context_(device_context(object)),
          memory_(context_.memory().container("secondary-memory", kEverything)),
          ports_(context_.memory().container("secondary-io", kPortCount)),
          shpc_(context_.state().group({.name = "shpc", .present = has_shpc, .context = this}), *this) {}

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override {
        if (phase != ResetPhase::Hold) return;
        pci_->set_config(slot_number_ + 3, 1, std::uint32_t(chassis_));
        update();
        if (hot_plug_) shpc_.reset();
    }
    bool after_load(Errors&) override {
        update();
        if (hot_plug_) shpc_.after_load();
        return true;
    }

    // PciBridge
    MemoryRegion& pci_memory() override { return memory_; }
    MemoryRegion& pci_io() override { return ports_; }
    unsigned interrupt_line(unsigned device, unsigned pin) const override { return (device + pin) % kPins; }
    void set_interrupt_line(unsigned line, int level) override { pci_->bus().set_pin(place(), line, level); }
    bool delivers_messages() const override { return pci_->bus().bridge().delivers_messages(); }
    /// As far as the bridge's own place reaches, whether it may master itself or not: firmware starts from disks behind it
    /// and never lets it.
    DmaPort* dma(std::uint8_t) override { return pci_->bus().bridge().dma(place()); }

    // PciForwarder
    PciBus& secondary() override { return *secondary_; }
    bool forwards(std::uint8_t number) const override {
        return number >= pci_->config(pci::kSecondaryBus, 1) &&
               number <= pci_->config(pci::kSubordinateBus, 1) && number != 0;
    }

  private:
    void config_reading(unsigned offset, unsigned size, const Access&) override {
        if (hot_plug_) shpc_.config_reading(offset, size);
    }
    void config_written(unsigned offset, unsigned size, const Access& access) override;
    std::uint8_t place() const {
        const PciAddress address = pci_->address();
        return std::uint8_t(address.device << 3 | address.function);
    }
    void hot_plug_interrupt(bool level, bool again) override;
    static bool has_shpc(const void* part) { return static_cast<const PciToPciBridge*>(part)->hot_plug_; }
    bool make_header(Errors& errors);
    bool make_hot_plug(Errors& errors);
    bool make_windows(Errors& errors);
    void update();

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    PciBus* secondary_ = nullptr;
    MemoryRegion& memory_;
    MemoryRegion& ports_;
    enum Which { Memory, Prefetchable, VgaMemory, Io, VgaIoLow, VgaIoHigh, kWindows };
    std::array<Window, kWindows> windows_{};
    bool held_in_reset_ = false;
    std::uint64_t chassis_ = 0;
    unsigned slot_number_ = 0;  ///< its capability
    bool hot_plug_ = true;
    enum class Msi : std::uint32_t { Off, On, Auto } msi_ = Msi::Auto;
    Shpc shpc_;
};

bool PciToPciBridge::realize(Errors& errors) {
    if (chassis_ == 0) {
        errors.fail("chassis_nr: a bridge needs a number of its own from 1 to 255");
        return false;
    }
    pci_ = query<PciDevice>(object_);
    const Str id = object_.id();
    Object* bus = context_.create_bus("pci-bus", id.empty() ? object_.name() : id, errors);
    if (!bus) return false;
    secondary_ = query<PciBus>(*bus);
    secondary_->set_bridge(*this);
    if (!make_header(errors) || !make_windows(errors)) return false;
    pci_->observe_config(this);
    return true;
}

void PciToPciBridge::unrealize() {
    for (unsigned which = 0; which < kWindows; ++which)
        if (MemoryRegion* region = windows_[which].region) {
            PciBridge& above = pci_->bus().bridge();
            (which < Io ? above.pci_memory() : above.pci_io()).remove(*region);
        }
}

bool PciToPciBridge::make_header(Errors& errors) {
    pci_->set_identity({.vendor = 0x1b36,
                        .device = 0x0001,
                        .class_code = 0x060400,
                        .interrupt_pin = std::uint8_t(hot_plug_ ? 1 : 0),
                        .header_type = 1});
    pci_->set_config(pci::kStatus, 2, pci_->config(pci::kStatus, 2) | kFastAnd66MHz);
    pci_->set_config(pci::kSecondaryStatus, 2, kFastAnd66MHz);
    pci_->set_config_clearable(pci::kSecondaryStatus, 2, kStatusErrors);
    pci_->set_config_writable(pci::kPrimaryBus, 4, 0xffffffff);
    pci_->set_config_writable(pci::kIoWindow, 2, 0xf0f0);
    pci_->set_config_writable(pci::kMemoryWindow, 4, 0xfff0fff0);
    constexpr std::uint32_t k64Bits = 0x00010001;
    pci_->set_config(pci::kPrefetchableWindow, 4, k64Bits);
    pci_->set_config_writable(pci::kPrefetchableWindow, 4, 0xfff0fff0);
    pci_->set_config_writable(pci::kPrefetchableBaseUpper, 4, 0xffffffff);
    pci_->set_config_writable(pci::kPrefetchableLimitUpper, 4, 0xffffffff);
    pci_->set_config_writable(pci::kBridgeControl, 2, kControlWritable);
    if (hot_plug_ && !make_hot_plug(errors)) return false;
    slot_number_ = pci_->add_capability(kCapabilitySlotNumber, 4, 0, errors);
    if (slot_number_ == 0) return false;
    pci_->set_config(slot_number_ + 2, 1, kFirstInChassis);
    pci_->set_config(slot_number_ + 3, 1, std::uint32_t(chassis_));
    pci_->set_config_writable(slot_number_ + 3, 1, 0xff);
    // Who has no interrupt needs no message for it.
    return !hot_plug_ || msi_ == Msi::Off || pci_->add_msi(1, true, errors);
}

bool PciToPciBridge::make_hot_plug(Errors& errors) {
    return pci_->add_bar(0, context_.memory().io("shpc-mmio", Shpc::kSize, shpc_, Shpc::kTraits),
                         PciBarKind::Memory64, PciPrefetch::No, errors) &&
           shpc_.join(*pci_, *secondary_, errors);
}

void PciToPciBridge::hot_plug_interrupt(bool level, bool again) {
    if (!pci_->msi_enabled()) pci_->set_interrupt(level);
    else if (again) pci_->msi_notify(0);
}

bool PciToPciBridge::make_windows(Errors& errors) {
    constexpr const char* kNames[] = {"bridge-memory", "bridge-prefetchable", "bridge-vga-memory",
                                      "bridge-io",     "bridge-vga-io-3b0",   "bridge-vga-io-3c0"};
    // Over BARs, and each at a priority of its own: the guest may lay them over each other.
    constexpr int kOverBars = 0x1000;
    PciBridge& above = pci_->bus().bridge();
    for (unsigned which = 0; which < kWindows; ++which) {
        const bool io = which >= Io;
        MemoryRegion& region = context_.memory().alias(kNames[which], io ? ports_ : memory_, Offset(0), 1);
        region.set_enabled(false);
        const int priority = kOverBars + place() * kWindows + int(which);
        if (!(io ? above.pci_io() : above.pci_memory()).add(region, Offset(0), priority, errors))
            return false;
        windows_[which].region = &region;
    }
    return true;
}

/// Chapter 4. The limits' low bits are ones.
void PciToPciBridge::update() {
    secondary_->set_number(std::uint8_t(pci_->config(pci::kSecondaryBus, 1)));
    const bool memory = pci_->memory_enabled();
    const bool io = pci_->io_enabled();
    const auto edge = [this](unsigned at) { return std::uint64_t{pci_->config(at, 2) & 0xfff0} << 16; };
    const auto upper = [this](unsigned at) { return std::uint64_t{pci_->config(at, 4)} << 32; };
    constexpr std::uint64_t kMiBLess1 = 0xfffff;
    windows_[Memory].show(memory, edge(pci::kMemoryWindow), edge(pci::kMemoryWindow + 2) | kMiBLess1);
    windows_[Prefetchable].show(memory, edge(pci::kPrefetchableWindow) | upper(pci::kPrefetchableBaseUpper),
                                edge(pci::kPrefetchableWindow + 2) | upper(pci::kPrefetchableLimitUpper) |
                                    kMiBLess1);
    const auto port = [this](unsigned at) { return std::uint64_t{pci_->config(at, 1) & 0xf0} << 8; };
    windows_[Io].show(io, port(pci::kIoWindow), port(pci::kIoWindow + 1) | 0xfff);
    const bool vga = (pci_->config(pci::kBridgeControl, 2) & kControlVga) != 0;
    windows_[VgaMemory].show(memory && vga, 0xa0000, 0xbffff);
    windows_[VgaIoLow].show(io && vga, 0x3b0, 0x3bb);
    windows_[VgaIoHigh].show(io && vga, 0x3c0, 0x3df);
    held_in_reset_ = (pci_->config(pci::kBridgeControl, 2) & kControlReset) != 0;
}

void PciToPciBridge::config_written(unsigned offset, unsigned size, const Access&) {
    if (hot_plug_) shpc_.config_written(offset, size);
    const auto touches = [=](unsigned first, unsigned end) { return offset < end && first < offset + size; };
    if (!touches(pci::kCommand, pci::kCommand + 2) && !touches(pci::kPrimaryBus, pci::kIoWindowUpper) &&
        !touches(pci::kBridgeControl, pci::kBridgeControl + 2))
        return;
    const bool was_held = held_in_reset_;
    update();
    if (held_in_reset_ && !was_held) secondary_->reset_devices();
}

constexpr PropertyInfo PciToPciBridge::kProperties[] = {
    property<&PciToPciBridge::chassis_>(
        {.name = "chassis_nr",
         .summary = "number of the slots behind the bridge, from 1; each its own",
         .default_text = "0",
         .maximum = 255}),
    enum_property<&PciToPciBridge::msi_>(
        {.name = "msi",
         .summary = "message-signalled interrupts of the hot-plug controller",
         .default_text = "auto",
         .choices = "off|on|auto"}),
    property<&PciToPciBridge::hot_plug_>(
        {.name = "shpc", .summary = "a hot-plug controller", .default_text = "on"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<PciToPciBridge, Device>(),
                                         offers<PciToPciBridge, PciForwarder>()};

constexpr HistoryRow kHistory[] = {{"2.9", "shpc", "off"}, {"2.8", "shpc", "on"}};

constexpr TypeInfo kTypes[] = {device_type<PciToPciBridge>({
    .name = "pci-bridge",
    .parent = "pci-device",
    .summary = "PCI-to-PCI bridge",
    .user_creatable = true,
    .category = "Controller/Bridge/Hub",
    .interfaces = kInterfaces,
    .properties = PciToPciBridge::kProperties,
    .history = kHistory,
})};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("pci-bridge", "1.0", "Backplane", backplane::kTypes)
