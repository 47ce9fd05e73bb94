// Acme Accumulator: adds up what is written, and interrupts above a limit. Data sheet: ACME-AC-3.
//
// Users place it: -device acme-accum,step=5 on any board with a platform bus.
#include <backplane/device.h>
#include <backplane/platform.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/register_table.h>

using namespace backplane;

namespace {

class Accumulator final : public DeviceBase, public RegisterDevice<Accumulator>, public DeviceTreeNode {
  public:
    static const Register<Accumulator> kRegisters[3];

    explicit Accumulator(Object& object)
        : context_(device_context(object)), irq_(context_.add_outputs("irq", 1)) {
        set_register_log(context_.log());
        describe_registers(context_.state());
        context_.export_region("registers",
                               context_.memory().io("acme-accum", 0x40, *this, {.minimum = 4, .maximum = 4}));
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) irq_.set(0);
    }

    // Its data sheet's binding; whoever does not know it may read SUM as a clock.
    Str node_name() const override { return "accumulator"; }
    void describe_node(DeviceTreeWriter& node, const PlatformPlace&) override {
        node.texts("compatible", {"acme,accum\0google,goldfish-rtc", 30});
        const std::uint32_t step[] = {step_};
        node.cells("acme,step", step);
    }

    std::uint32_t step_ = 1;

  private:
    void add(std::uint64_t value) {
        sum_ += std::uint32_t(value) * step_;
        if (sum_ > limit_) status_ |= 1;
        drive();
    }
    void drive() { irq_.set(status_ & 1); }

    DeviceContext& context_;
    Wire& irq_;
    std::uint32_t sum_ = 0;
    std::uint32_t limit_ = 0;
    std::uint32_t status_ = 0;
};

constexpr Register<Accumulator> Accumulator::kRegisters[3] = {
    {.name = "SUM", .offset = 0x0, .storage = &Accumulator::sum_, .write = &Accumulator::add},
    {.name = "LIMIT", .offset = 0x4, .storage = &Accumulator::limit_, .reset_value = 0xffffffff},
    {.name = "STATUS",
     .offset = 0x8,
     .access = RegisterAccess::WriteOneClear,
     .storage = &Accumulator::status_,
     .write_mask = 1,
     .written = &Accumulator::drive},
};

constexpr PropertyInfo kProperties[] = {
    property<&Accumulator::step_>({.name = "step", .summary = "what a unit counts", .default_text = "1"})};
constexpr InterfaceInfo kInterfaces[] = {offers<Accumulator, Device>(),
                                         offers<Accumulator, DeviceTreeNode>()};
constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "data sheet, 3.2", .size = 0x40}};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "the sum passed the limit"}};
constexpr TypeInfo kTypes[] = {device_type<Accumulator>({.name = "acme-accum",
                                                         .summary = "Acme Accumulator",
                                                         .user_creatable = true,
                                                         .category = "Misc",
                                                         .interfaces = kInterfaces,
                                                         .properties = kProperties,
                                                         .regions = kRegions,
                                                         .wires = kWires})};

}  // namespace

BACKPLANE_PLUGIN("acme-accum", "1.0", "Acme Ltd", kTypes)
