// The small ports of a PC: 92h (A20 and fast reset), 80h (power-on codes), F0h (the coprocessor's error).
//
// Follows the "82371SB PIIX3" data sheet (290550-002, sections 3.5.4 and 3.6) and the IBM PS/2 Technical Reference (system
// control port A) for 92h. Not modelled: the security lock and the activity light of 92h, whose bits are kept.
#include <backplane/device.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane {
namespace {

constexpr IoTraits kCodes = [] {
    IoTraits traits = kIsaByteRegisters;
    traits.stores_may_wait = true;
    return traits;
}();

/// A device of one port.
class OnePort : public DeviceBase, public IoHandler {
  public:
    OnePort(Object& object, const char* name, std::uint32_t port, const IoTraits& traits = kIsaByteRegisters)
        : context_(device_context(object)), name_(name), iobase_(port), traits_(traits) {}

    bool realize(Errors& errors) override {
        MemoryRegion& region = context_.memory().io(name_, 1, *this, traits_);
        context_.export_region("registers", region);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || isa->add_ports(context_.object(), region, Port(iobase_), errors);
    }

  protected:
    ~OnePort() = default;
    DeviceContext& context_;

  private:
    const char* name_;
    std::uint32_t iobase_;
    const IoTraits& traits_;
};

class Port92 final : public OnePort {
  public:
    static constexpr std::uint8_t kFastReset = 0x01;
    static constexpr std::uint8_t kA20 = 0x02;

    explicit Port92(Object& object) : OnePort(object, "port92", 0x92), a20_(context_.add_outputs("a20", 1)) {
        describe(context_.state(), "port92", value_);
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) a20_.set(0);
    }
    std::uint64_t read(Offset, unsigned, Access&) override { return value_; }
    void write(Offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        value_ = std::uint8_t(value & ~std::uint64_t{kFastReset});
        a20_.set(value_ & kA20 ? 1 : 0);
        if (value & kFastReset) context_.request_reset("guest-reset");
    }

  private:
    Wire& a20_;
    std::uint8_t value_ = 0;
};

class IoPort80 final : public OnePort {
  public:
    explicit IoPort80(Object& object) : OnePort(object, "ioport80", 0x80, kCodes) {}
    std::uint64_t read(Offset, unsigned, Access&) override { return 0xff; }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}
};

/// The coprocessor's FERR# holds IRQ 13 from its error until the guest writes here.
class IoPortF0 final : public OnePort {
  public:
    explicit IoPortF0(Object& object)
        : OnePort(object, "ioportF0", 0xf0), interrupt_(context_.add_outputs("", 1)) {
        context_.add_inputs("ferr", 1, inputs_);
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) interrupt_.set(0);
    }
    std::uint64_t read(Offset, unsigned, Access&) override { return 0xff; }
    void write(Offset, std::uint64_t, unsigned, Access& access) override {
        if (!access.debug()) interrupt_.set(0);
    }

  private:
    void error_changed(unsigned, int level) {
        if (level) interrupt_.set(1);
    }
    Wire& interrupt_;
    InputOf<&IoPortF0::error_changed> inputs_{*this};
};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "the port", .size = 1}};
constexpr WireInfo kPort92Wires[] = {{.name = "a20", .summary = "address line 20"}};
constexpr WireInfo kPortF0Wires[] = {
    {.name = "", .summary = "IRQ 13"},
    {.name = "ferr", .direction = WireDirection::Input, .summary = "FERR#"},
};

constexpr TypeInfo kTypes[] = {
    device_type<Port92>({.name = "port92",
                         .summary = "system control port A: A20 gate and fast reset",
                         .bus = "isa",
                         .category = "Misc",
                         .interfaces = kDeviceInterfaces<Port92>,
                         .regions = kRegions,
                         .wires = kPort92Wires}),
    device_type<IoPort80>({.name = "ioport80",
                           .summary = "port of the power-on codes",
                           .bus = "isa",
                           .category = "Misc",
                           .interfaces = kDeviceInterfaces<IoPort80>,
                           .regions = kRegions}),
    device_type<IoPortF0>({.name = "ioportF0",
                           .summary = "port that clears the coprocessor's interrupt",
                           .bus = "isa",
                           .category = "Misc",
                           .interfaces = kDeviceInterfaces<IoPortF0>,
                           .regions = kRegions,
                           .wires = kPortF0Wires}),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("pc-ports", "1.0", "Backplane", backplane::kTypes)
