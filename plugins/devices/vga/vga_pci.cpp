// The VGA of a PCI bus with Bochs' registers (docs/specs/standard-vga), and the same without the ports and the window that
// there can be one of (secondary-vga).
#include "adapter.h"

#include <lib/edid.h>

#include <backplane/pci.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <bit>

namespace backplane::vga {
namespace {

constexpr std::uint32_t kVendor = 0x1234, kDevice = 0x1111;
constexpr std::uint64_t kRegistersSize = 0x1000;
// Where in BAR 2
constexpr std::uint64_t kEdidAt = 0x000, kEdidSize = 0x400;
constexpr std::uint64_t kPortsAt = 0x400, kPortsSize = 0x20;
constexpr std::uint64_t kDispiAt = 0x500, kDispiSize = 0x16;
constexpr std::uint64_t kExtendedAt = 0x600, kExtendedSize = 0x08;
constexpr std::uint32_t kLittleEndian = 0x1e1e1e1e, kBigEndian = 0xbebebebe;
constexpr std::uint16_t kDispiPort = 0x1ce;
constexpr IoTraits kByteRegisters{.maximum = 4, .implemented_max = 1};

/// BAR 2, 500h: the registers, a word each.
struct DispiWords final : IoHandler {
    explicit DispiWords(Adapter& adapter) : adapter(adapter) {}
    std::uint64_t read(Offset offset, unsigned, Access&) override {
        return adapter.dispi().read(unsigned(offset.value) / 2);
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (!access.debug()) adapter.write_dispi(unsigned(offset.value) / 2, std::uint16_t(value));
    }
    Adapter& adapter;
};

/// Ports 1CEh (index), 1CFh and 1D0h (data).
struct DispiPorts final : IoHandler {
    explicit DispiPorts(Adapter& adapter) : adapter(adapter) {}
    std::uint64_t read(Offset offset, unsigned, Access&) override {
        return offset.value == 0 ? adapter.dispi().index() : adapter.dispi().read(adapter.dispi().index());
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        if (offset.value == 0) adapter.dispi().select(std::uint16_t(value));
        else adapter.write_dispi(adapter.dispi().index(), std::uint16_t(value));
    }
    Adapter& adapter;
};

/// BAR 2, 600h: how long this is, and the order of bytes in pixels.
struct ExtendedRegisters final : IoHandler {
    explicit ExtendedRegisters(Adapter& adapter) : adapter(adapter) {}
    std::uint64_t read(Offset offset, unsigned, Access&) override {
        if (offset.value == 0) return kExtendedSize;
        return adapter.big_endian() ? kBigEndian : kLittleEndian;
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug() || offset.value != 4) return;
        if (value == kLittleEndian) adapter.set_big_endian(false);
        if (value == kBigEndian) adapter.set_big_endian(true);
    }
    Adapter& adapter;
};

struct EdidBytes final : IoHandler {
    std::uint64_t read(Offset offset, unsigned, Access&) override {
        return offset.value < bytes.size() ? bytes[offset.value] : 0;
    }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}
    EdidBlock bytes{};
};

/// `Legacy`: with the ports and the window that there can be one of.
template <bool Legacy>
class PciVga final : public DeviceBase, public ScreenSource {
  public:
    explicit PciVga(Object& object) : object_(object), context_(device_context(object)), adapter_(context_) {}

    bool realize(Errors& errors) override {
        const std::uint64_t bytes = std::uint64_t{std::bit_ceil(megabytes_)} << 20;
        PciDevice& pci = require<PciDevice>(object_, "PCI device");
        pci.set_identity({.vendor = kVendor,
                          .device = kDevice,
                          .class_code = Legacy ? 0x030000u : 0x038000u,
                          .revision = 2});
        if (!adapter_.realize(bytes, errors)) return false;
        context_.export_region("memory", adapter_.memory());
        if (!pci.add_bar(0, adapter_.memory(), PciBarKind::Memory32, PciPrefetch::Yes, errors)) return false;
        if (mmio_ || !Legacy) {
            MemoryRegion* registers = make_registers(errors);
            if (!registers || !pci.add_bar(2, *registers, PciBarKind::Memory32, PciPrefetch::No, errors))
                return false;
        }
        if (!Legacy) return true;
        IgnoredErrors taken;
        if (add_legacy(pci.bus().bridge(), taken)) return true;
        errors.fail(
            "there is a VGA in this machine already, and its ports are there once; use secondary-vga");
        unrealize();
        return false;
    }
    void unrealize() override {
        for (const auto& [container, region] : added_) container->remove(*region);
        added_.clear();
        adapter_.unrealize();
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) adapter_.reset();
    }
    bool after_load(Errors&) override {
        adapter_.loaded();
        return true;
    }

    std::uint32_t screens() const override { return 1; }
    Screen& screen(std::uint32_t) override { return adapter_; }

    static const PropertyInfo kProperties[9];

  private:
    MemoryRegion* make_registers(Errors& errors) {
        MemoryFactory& make = context_.memory();
        MemoryRegion& all = make.container("vga.mmio", kRegistersSize);
        bool ok = true;
        const auto add = [&](const char* name, std::uint64_t at, std::uint64_t size, IoHandler& handler,
                             const IoTraits& traits) {
            ok = ok && all.add(make.io(name, size, handler, traits), Offset(at), 0, errors);
        };
        if (edid_) {
            edid_bytes_.bytes = edid_of({.width = width_ ? width_ : 1280,
                                         .height = height_ ? height_ : 800,
                                         .greatest_width = most_width_,
                                         .greatest_height = most_height_,
                                         .refresh_mhz = refresh_ ? refresh_ : 75'000});
            add("edid", kEdidAt, kEdidSize, edid_bytes_, {.maximum = 4, .implemented_max = 1});
        }
        add("vga ioports remapped", kPortsAt, kPortsSize, remapped_, kByteRegisters);
        add("bochs dispi interface", kDispiAt, kDispiSize, dispi_words_,
            {.maximum = 4, .implemented_min = 2, .implemented_max = 2});
        if (extended_ || !Legacy)
            add("qemu extended regs", kExtendedAt, kExtendedSize, extended_registers_,
                {.maximum = 4, .implemented_min = 4, .implemented_max = 4});
        if (!ok) return nullptr;
        context_.export_region("registers", all);
        return &all;
    }

    /// What answers at the same place on every PC, whatever BARs say.
    bool add_legacy(PciBridge& bridge, Errors& errors) {
        MemoryFactory& make = context_.memory();
        const auto add = [&](MemoryRegion& container, MemoryRegion& region, std::uint64_t at, int priority) {
            if (!container.add(region, Offset(at), priority, errors)) return false;
            added_.push_back({&container, &region});
            return true;
        };
        struct Range {
            std::uint16_t first, size;
        };
        constexpr Range kRanges[] = {{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3da, 1}};
        MemoryRegion& ports = make.io("vga", kPorts, ports_, kByteRegisters);
        for (const Range& range : kRanges) {
            MemoryRegion& all = make.alias("vga", ports, Offset(range.first - kFirstPort), range.size);
            if (!add(bridge.pci_io(), all, range.first, 0)) return false;
        }
        MemoryRegion& dispi =
            make.io("vbe", 4, dispi_ports_,
                    {.maximum = 2, .implemented_min = 2, .implemented_max = 2, .unaligned = true});
        return add(bridge.pci_io(), dispi, kDispiPort, 0) &&
               add(bridge.pci_memory(), adapter_.window(), kWindow.value, 1);
    }
    Object& object_;
    DeviceContext& context_;
    Adapter adapter_;
    RegisterPorts ports_{adapter_.chip(), kFirstPort};
    RegisterPorts remapped_{adapter_.chip(), 0x3c0};
    DispiWords dispi_words_{adapter_};
    DispiPorts dispi_ports_{adapter_};
    ExtendedRegisters extended_registers_{adapter_};
    EdidBytes edid_bytes_;
    std::vector<std::pair<MemoryRegion*, MemoryRegion*>> added_;
    std::uint32_t megabytes_ = 16, width_ = 0, height_ = 0, most_width_ = 0, most_height_ = 0, refresh_ = 0;
    bool mmio_ = true, extended_ = true, edid_ = true;
};

template <bool Legacy>
constexpr PropertyInfo PciVga<Legacy>::kProperties[9] = {
    property<&PciVga<Legacy>::megabytes_>({.name = "vgamem_mb",
                                           .summary = "MiB of memory, made a power of two",
                                           .default_text = "16",
                                           .maximum = 512,
                                           .minimum = 1}),
    property<&PciVga<Legacy>::mmio_>({.name = "mmio", .summary = "registers in BAR 2", .default_text = "on"}),
    property<&PciVga<Legacy>::extended_>(
        {.name = "qemu-extended-regs", .summary = "byte order of pixels in BAR 2", .default_text = "on"}),
    property<&PciVga<Legacy>::edid_>(
        {.name = "edid", .summary = "tells of its monitor in BAR 2", .default_text = "on"}),
    property<&PciVga<Legacy>::width_>(
        {.name = "xres", .summary = "pixels that the monitor likes best; 0: 1280"}),
    property<&PciVga<Legacy>::height_>({.name = "yres", .summary = "the same, down; 0: 800"}),
    property<&PciVga<Legacy>::most_width_>(
        {.name = "xmax", .summary = "pixels that it shows at most; 0: xres"}),
    property<&PciVga<Legacy>::most_height_>({.name = "ymax", .summary = "the same, down; 0: yres"}),
    property<&PciVga<Legacy>::refresh_>(
        {.name = "refresh_rate", .summary = "thousandths of a picture a second; 0: 75000"}),
};

template <class T>
constexpr InterfaceInfo kInterfaces[] = {offers<T, Device>(), offers<T, ScreenSource>()};

constexpr RegionInfo kRegions[] = {
    {.name = "memory", .summary = "BAR 0"},
    {.name = "registers", .summary = "BAR 2", .size = kRegistersSize, .optional = true},
};

using Vga = PciVga<true>;
using SecondaryVga = PciVga<false>;
constexpr const char* kBootRom = "vgabios-stdvga.bin";

constexpr TypeInfo kTypes[] = {
    device_type<Vga>({.name = "VGA",
                      .parent = "pci-device",
                      .summary = "VGA with Bochs' modes",
                      .user_creatable = true,
                      .category = "Display",
                      .interfaces = kInterfaces<Vga>,
                      .properties = Vga::kProperties,
                      .regions = kRegions,
                      .class_init = [](Class& type, const void*) { type.set_default("romfile", kBootRom); }}),
    device_type<SecondaryVga>({.name = "secondary-vga",
                               .parent = "pci-device",
                               .summary = "the same without the VGA's own ports and memory",
                               .user_creatable = true,
                               .category = "Display",
                               .interfaces = kInterfaces<SecondaryVga>,
                               .properties = SecondaryVga::kProperties,
                               .regions = kRegions}),
};

}  // namespace
}  // namespace backplane::vga

BACKPLANE_PLUGIN("vga", "1.0", "Backplane", backplane::vga::kTypes)
