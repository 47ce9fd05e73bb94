// The printer port on the ISA bus: LPT1 to LPT3 of a PC.
#include "parallel_port.h"

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
constexpr std::uint32_t kBases[] = {0x378, 0x278, 0x3bc};

class IsaParallel final : public DeviceBase, public IoHandler, public AcpiDevice {
  public:
    static const PropertyInfo kProperties[];

    explicit IsaParallel(Object& object)
        : object_(object),
          context_(device_context(object)),
          interrupt_(context_.add_outputs("irq", 1)),
          port_(context_, interrupt_) {}

    bool realize(Errors& errors) override {
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        if (!isa) {
            errors.fail("an ISA device needs an ISA bus; this machine has none");
            return false;
        }
        MemoryRegion& ports = context_.memory().io("parallel", 8, *this,
                                                   {.maximum = 4, .implemented_max = 1, .unaligned = true});
        return place(*isa, ports, errors) && isa->join(object_, 0, irq_, errors) &&
               port_.start(chardev_, errors);
    }
    void unrealize() override { port_.stop(); }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) interrupt_.set(0);
    }
    void resume() override { port_.resume(); }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        return port_.read(unsigned(offset.value), access);
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (!access.debug()) port_.write(unsigned(offset.value), std::uint8_t(value));
    }

    /// One at a place of the user's own has no name.
    Bytes acpi_terms() override {
        using namespace aml;
        if (index_ >= std::size(kBases)) return {};
        terms_ = isa_device("LPT", "PNP0400", index_,
                            {io(std::uint16_t(iobase_), 8, 8), isa_irq(std::uint16_t(1 << irq_))});
        return Bytes(terms_);
    }

  private:
    /// 0 to 2, or the number that says that it was not given.
    bool check_index(std::uint64_t index, Errors& errors) {
        if (index < std::size(kBases) || index == kUnset) return true;
        errors.fail("there are 0 to 2; for another place give iobase and irq");
        return false;
    }
    /// Where it was asked for; else the first of the usual places that is free.
    bool place(IsaBus& isa, MemoryRegion& ports, Errors& errors) {
        if (index_ == kUnset && iobase_ == kUnset)
            for (index_ = 0; index_ + 1 < std::size(kBases); ++index_) {
                IgnoredErrors taken;
                if (!isa.add_ports(object_, ports, Port(kBases[index_]), taken)) continue;
                iobase_ = kBases[index_];
                return true;
            }
        if (iobase_ == kUnset) iobase_ = kBases[index_];
        return isa.add_ports(object_, ports, Port(iobase_), errors);
    }

    Object& object_;
    DeviceContext& context_;
    Wire& interrupt_;
    parallel::ParallelPort port_;
    CharBackend* chardev_ = nullptr;
    aml::Term terms_;
    std::uint32_t index_ = kUnset;
    std::uint32_t iobase_ = kUnset;
    std::uint32_t irq_ = 7;
};

constexpr PropertyInfo IsaParallel::kProperties[] = {
    property<&IsaParallel::index_, &IsaParallel::check_index>(
        {.name = "index", .summary = "LPT port, from 0: says iobase", .default_text = "4294967295"}),
    property<&IsaParallel::iobase_>(
        {.name = "iobase", .summary = "its first port", .default_text = "4294967295"}),
    property<&IsaParallel::irq_>({.name = "irq", .summary = "its line", .default_text = "7"}),
    property<&IsaParallel::chardev_>({.name = "chardev", .summary = "where what is printed goes"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<IsaParallel, Device>(), offers<IsaParallel, AcpiDevice>()};
constexpr WireInfo kWires[] = {{.name = "irq"}};

constexpr TypeInfo kTypes[] = {
    device_type<IsaParallel>({
        .name = "isa-parallel",
        .summary = "printer port on the ISA bus",
        .user_creatable = true,
        .bus = "isa",
        .category = "Input",
        .interfaces = kInterfaces,
        .properties = IsaParallel::kProperties,
        .wires = kWires,
        .architecture = "x86_64",
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("isa-parallel", "1.0", "Backplane", backplane::kTypes)
