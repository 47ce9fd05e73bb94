// A generic PCI Express host bridge: ECAM, memory and port windows, and four interrupt lines.
//
// Follows "PCI Express Base Specification" 4.0, 7.2.2 (ECAM), and the device-tree binding "pci-host-ecam-generic".
// Bridges to further buses, PCIe capabilities of the root complex and AER are not modelled.
#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane {
namespace {

constexpr std::uint64_t kEverything = 0;  // 2^64 bytes
constexpr std::uint64_t kEcamSize = 256u << 20;
constexpr std::uint64_t kPioSize = 64u << 10;
constexpr unsigned kLines = 4;

/// What no device decodes: reads are ones, writes are lost.
class Unclaimed final : public IoHandler {
  public:
    std::uint64_t read(Offset, unsigned, Access&) override { return ~std::uint64_t{0}; }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}
};

/// Configuration space in memory: bus, device, function and register in bits 20, 15, 12 and 0 upwards.
class Ecam final : public IoHandler {
  public:
    void set_bus(PciBus& bus) { bus_ = &bus; }
    std::uint64_t read(Offset offset, unsigned size, Access& access) override {
        return bus_->config_read(address(offset), offset.value & 0xfff, size, access);
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        bus_->config_write(address(offset), offset.value & 0xfff, size, std::uint32_t(value), access);
    }

  private:
    static PciAddress address(Offset offset) {
        return PciAddress::from_requester(std::uint16_t(offset.value >> 12));
    }
    PciBus* bus_ = nullptr;
};

class GpexHost final : public DeviceBase, public PciBridge {
  public:
    static const PropertyInfo kProperties[];

    explicit GpexHost(Object& object)
        : context_(device_context(object)),
          memory_(context_.memory().container("gpex_mmio_window", kEverything)),
          ports_(context_.memory().container("gpex_ioport_window", kPioSize)) {
        context_.add_outputs("intx", kLines);
    }

    bool realize(Errors& errors) override {
        Object* bus = context_.create_bus("pcie-bus", "pcie.0", errors);
        if (!bus) return false;
        PciBus& root = *query<PciBus>(*bus);
        root.set_bridge(*this);
        ecam_.set_bus(root);
        if (!make_windows(errors)) return false;
        Object* function = bus->create_child("gpex-root", "gpex-root", errors);
        return function && function->set_property("addr", "00.0", errors) &&
               bus->realize_child(*function, errors);
    }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold)
            for (unsigned line = 0; line < kLines; ++line) context_.wire_at("intx", line)->set(levels_[line]);
    }

    MemoryRegion& pci_memory() override { return memory_; }
    MemoryRegion& pci_io() override { return ports_; }
    /// PCI-to-PCI Bridge Architecture 1.2, 9.1: the pins are rotated by the device number.
    unsigned interrupt_line(unsigned device, unsigned pin) const override { return (device + pin) % kLines; }
    void set_interrupt_line(unsigned line, int level) override {
        levels_[line] = level;
        context_.wire_at("intx", line)->set(level);
    }
    bool delivers_messages() const override { return messages_; }
    DmaPort* dma(std::uint8_t) override { return nullptr; }

  private:
    bool make_windows(Errors& errors) {
        MemoryFactory& factory = context_.memory();
        constexpr int kBehindAll = -1;
        if (!memory_.add(factory.io("gpex_mmio", kEverything, unclaimed_, {}), Offset(0), kBehindAll,
                         errors) ||
            !ports_.add(factory.io("gpex_ioport", kPioSize, unclaimed_, {}), Offset(0), kBehindAll, errors))
            return false;
        context_.export_region("ecam",
                               factory.io("pcie-mmcfg-mmio", kEcamSize, ecam_, {.implemented_max = 4}));
        context_.export_region("mmio32",
                               factory.alias("pcie-mmio", memory_, Offset(mmio32_base_), mmio32_size_));
        context_.export_region("mmio64",
                               factory.alias("pcie-mmio-high", memory_, Offset(mmio64_base_), mmio64_size_));
        context_.export_region("pio", ports_);
        return true;
    }

    DeviceContext& context_;
    MemoryRegion& memory_;
    MemoryRegion& ports_;
    Unclaimed unclaimed_;
    Ecam ecam_;
    std::uint64_t mmio32_base_ = 0;
    std::uint64_t mmio32_size_ = 0;
    std::uint64_t mmio64_base_ = 0;
    std::uint64_t mmio64_size_ = 0;
    bool messages_ = false;
    int levels_[kLines] = {};
};

constexpr PropertyInfo GpexHost::kProperties[] = {
    size_property<&GpexHost::mmio32_base_>(
        {.name = "mmio32-base", .summary = "bus address of the 32-bit window", .default_text = "0x40000000"}),
    size_property<&GpexHost::mmio32_size_>({.name = "mmio32-size", .default_text = "1G", .minimum = 4096}),
    size_property<&GpexHost::mmio64_base_>(
        {.name = "mmio64-base", .summary = "bus address of the 64-bit window", .default_text = "16G"}),
    size_property<&GpexHost::mmio64_size_>({.name = "mmio64-size", .default_text = "16G", .minimum = 4096}),
    property<&GpexHost::messages_>(
        {.name = "msi",
         .summary = "the machine has something that takes message-signalled interrupts",
         .default_text = "off"}),
};

/// The function 00.0 that stands for the root complex.
class GpexRoot final : public DeviceBase {
  public:
    explicit GpexRoot(Object& object) : object_(object) {}
    bool realize(Errors&) override {
        query<PciDevice>(object_)->set_identity({.vendor = 0x1b36, .device = 0x0008, .class_code = 0x060000});
        return true;
    }

  private:
    Object& object_;
};

constexpr RegionInfo kHostRegions[] = {
    {.name = "ecam", .summary = "configuration space", .size = kEcamSize},
    {.name = "mmio32", .summary = "the window to the bus's memory below 4 GiB"},
    {.name = "mmio64", .summary = "the window to the bus's memory above"},
    {.name = "pio", .summary = "the bus's I/O ports", .size = kPioSize},
};
constexpr WireInfo kHostWires[] = {{.name = "intx", .summary = "INTA# to INTD#", .count = kLines}};

constexpr TypeInfo kTypes[] = {
    device_type<GpexHost>({
        .name = "gpex-pcihost",
        .summary = "generic PCI Express host bridge",
        .category = "Bridge",
        .interfaces = kDeviceInterfaces<GpexHost>,
        .properties = GpexHost::kProperties,
        .regions = kHostRegions,
        .wires = kHostWires,
    }),
    device_type<GpexRoot>({
        .name = "gpex-root",
        .parent = "pci-device",
        .summary = "root complex of the generic PCI Express host bridge",
        .category = "Bridge",
        .interfaces = kDeviceInterfaces<GpexRoot>,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("pcie-host", "1.0", "Backplane", backplane::kTypes)
