// The 16550A on the ISA bus: COM1 to COM4 of a PC.
#include "uart16550.h"

#include <backplane/acpi.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <lib/aml.h>

#include <iterator>

namespace backplane {
namespace {

constexpr std::uint32_t kUnset = 0xffffffff;
constexpr std::uint32_t kClocksPerBaud = 16;

/// IBM PC/AT Technical Reference, "Serial/Parallel Adapter", and what became of it.
struct Place {
    std::uint32_t iobase;
    std::uint32_t irq;
};
constexpr Place kPlaces[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

class IsaSerial final : public DeviceBase, public IoHandler, public AcpiDevice {
  public:
    static const PropertyInfo kProperties[];

    explicit IsaSerial(Object& object)
        : object_(object),
          context_(device_context(object)),
          uart_(context_, context_.add_outputs("irq", 1)) {}

    bool realize(Errors& errors) override {
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        if (!isa) {
            errors.fail("an ISA device needs an ISA bus; this machine has none");
            return false;
        }
        MemoryRegion& ports =
            context_.memory().io("serial", 8, *this, {.maximum = 4, .implemented_max = 1, .unaligned = true});
        if (!place(*isa, ports, errors) || !isa->join(object_, 0, irq_, errors)) return false;
        return uart_.start(chardev_, std::uint64_t{baudbase_} * kClocksPerBaud, errors);
    }
    void unrealize() override { uart_.stop(); }
    void reset(ResetPhase phase) override { uart_.reset(phase); }
    bool after_load(Errors&) override {
        uart_.after_load();
        return true;
    }
    void resume() override { uart_.resume(); }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        return uart_.read(unsigned(offset.value), access);
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (!access.debug()) uart_.write(unsigned(offset.value), std::uint8_t(value));
    }

    /// One at a place of the user's own has no name.
    Bytes acpi_terms() override {
        using namespace aml;
        if (index_ >= std::size(kPlaces)) return {};
        terms_ = isa_device("COM", "PNP0501", index_,
                            {io(std::uint16_t(iobase_), 8), isa_irq(std::uint16_t(1 << irq_))});
        return Bytes(terms_);
    }

  private:
    /// 0 to 3, or the number that says that it was not given.
    bool check_index(std::uint64_t index, Errors& errors) {
        if (index < std::size(kPlaces) || index == kUnset) return true;
        errors.fail("there are 0 to 3; for another place give iobase and irq");
        return false;
    }
    /// Where it was asked for; else the first of the usual places that is free.
    bool place(IsaBus& isa, MemoryRegion& ports, Errors& errors) {
        if (index_ == kUnset && iobase_ == kUnset)
            for (index_ = 0; index_ + 1 < std::size(kPlaces); ++index_) {
                IgnoredErrors taken;
                if (isa.add_ports(object_, ports, Port(kPlaces[index_].iobase), taken)) return settle();
            }
        settle();
        return isa.add_ports(object_, ports, Port(iobase_), errors);
    }
    bool settle() {
        const Place& usual = kPlaces[index_ < std::size(kPlaces) ? index_ : 0];
        if (iobase_ == kUnset) iobase_ = usual.iobase;
        if (irq_ == kUnset) irq_ = usual.irq;
        return true;
    }

    Object& object_;
    DeviceContext& context_;
    serial::Uart16550 uart_;
    CharBackend* chardev_ = nullptr;
    aml::Term terms_;
    std::uint32_t index_ = kUnset;
    std::uint32_t iobase_ = kUnset;
    std::uint32_t irq_ = kUnset;
    std::uint32_t baudbase_ = 115200;
};

constexpr PropertyInfo IsaSerial::kProperties[] = {
    property<&IsaSerial::index_, &IsaSerial::check_index>(
        {.name = "index", .summary = "COM port, from 0: says iobase and irq", .default_text = "4294967295"}),
    property<&IsaSerial::iobase_>(
        {.name = "iobase", .summary = "its first port", .default_text = "4294967295"}),
    property<&IsaSerial::irq_>({.name = "irq", .summary = "its line", .default_text = "4294967295"}),
    property<&IsaSerial::baudbase_>({.name = "baudbase",
                                     .summary = "the rate at a divisor of 1, Bd",
                                     .default_text = "115200",
                                     .minimum = 1}),
    property<&IsaSerial::chardev_>({.name = "chardev", .summary = "where characters go to and come from"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<IsaSerial, Device>(), offers<IsaSerial, AcpiDevice>()};
constexpr WireInfo kWires[] = {{.name = "irq"}};

constexpr TypeInfo kTypes[] = {
    device_type<IsaSerial>({
        .name = "isa-serial",
        .summary = "16550A UART on the ISA bus",
        .user_creatable = true,
        .bus = "isa",
        .category = "Input",
        .interfaces = kInterfaces,
        .properties = IsaSerial::kProperties,
        .wires = kWires,
        .architecture = "x86_64",
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("isa-serial", "1.0", "Backplane", backplane::kTypes)
