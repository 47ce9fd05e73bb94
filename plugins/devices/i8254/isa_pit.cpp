// 8254 programmable interval timer of a PC/AT: three counters at 1.193182 MHz, the first of which interrupts.
//
// Follows the "8254 Programmable Interval Timer" data sheet (Intel 231164-005). The output of counter 0 is a wire, on
// which a low pulse takes no time in modes 2 to 5: it falls right before it rises, as only its edges are of use. Those of
// the others are asked for through IntervalTimer. When the input falls, another timer takes the line (HPET, "legacy
// replacement"), and counter 0 drives it no more until the input rises.
#include <backplane/device.h>
#include <backplane/interval_timer.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <lib/interval_counter.h>

namespace backplane::i8254 {
namespace {

constexpr unsigned kCounters = 3;
constexpr unsigned kControl = 3;
constexpr unsigned kReadBack = 3;  // of SC1-SC0

class IsaPit final : public DeviceBase, public IoHandler, public IntervalTimer {
  public:
    static const PropertyInfo kProperties[];

    explicit IsaPit(Object& object)
        : context_(device_context(object)), interrupt_(context_.add_outputs("", 1)) {
        context_.add_inputs("", 1, inputs_);
        counters_[0].describe(context_.state(), kCounters);
        describe(context_.state(), "replaced", replaced_, 0, false);  // the level of the input
        timer_.create(context_.clock());
        describe_timer(context_.state(), "rise", timer_);
    }

    bool realize(Errors& errors) override {
        MemoryRegion& registers = context_.memory().io("pit", 4, *this, kIsaByteRegisters);
        context_.export_region("registers", registers);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || isa->add_ports(context_.object(), registers, Port(iobase_), errors);
    }
    void unrealize() override { timer_.cancel(); }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter)
            for (unsigned i = 0; i < kCounters; ++i) counters_[i].power_on(i != 2, now());
        if (phase == ResetPhase::Hold) {
            interrupt_.set(0);
            arm();
        }
    }
    bool after_load(Errors& errors) override {
        for (const Counter& counter : counters_)
            if (!counter.plausible()) {
                errors.fail("a counter of no count, or one loaded at no time");
                return false;
            }
        return true;
    }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        if (offset.value == kControl) return 0;
        Counter& counter = counters_[offset.value];
        return access.debug() ? counter.peek(now()) : counter.read(now());
    }

    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        const auto byte = std::uint8_t(value);
        if (offset.value == kControl) write_control(byte);
        else counters_[offset.value].write(byte, now());
        const bool first = offset.value == 0 || (offset.value == kControl && byte >> 6 == 0);
        if (first) update();
    }

    void set_gate(unsigned counter, int level) override {
        if (counter >= kCounters) return;
        counters_[counter].set_gate(level != 0, now());
        if (counter == 0) update();
    }
    int gate(unsigned counter) const override { return counter < kCounters && counters_[counter].gate(); }
    int output(unsigned counter) const override {
        return counter < kCounters && counters_[counter].output(now());
    }

  private:
    Tick now() const { return tick_of(context_.clock().now_ns()); }

    void write_control(std::uint8_t value) {
        const unsigned select = value >> 6;
        if (select == kReadBack) {
            for (unsigned i = 0; i < kCounters; ++i) {
                if (!(value >> (i + 1) & 1)) continue;
                if (!(value & 0x20)) counters_[i].latch_count(now());
                if (!(value & 0x10)) counters_[i].latch_status(now());
            }
        } else if ((value & 0x30) == 0) {
            counters_[select].latch_count(now());
        } else {
            counters_[select].write_control(value, now());
        }
    }

    void arm() {
        timer_.cancel();
        counters_[0].settle(now());
        if (const auto rise = counters_[0].next_rise(now()); rise && !replaced_) timer_.arm(time_of(*rise));
    }
    /// The level of the wire; pulses are not among its levels.
    void update() {
        const bool high = counters_[0].mode() >= 2 || counters_[0].output(now());
        interrupt_.set(high && !replaced_);
        arm();
    }
    void rise() {
        if (counters_[0].mode() >= 2) interrupt_.set(0);
        update();
    }
    void replaced_changed(unsigned, int level) {
        replaced_ = level == 0;
        update();
    }

  public:
    DeviceContext& context_;
    Wire& interrupt_;
    InputOf<&IsaPit::replaced_changed> inputs_{*this};
    OwnedTimer<&IsaPit::rise> timer_{*this};
    std::uint32_t iobase_ = 0x40;
    Counter counters_[kCounters];
    bool replaced_ = false;
};

constexpr PropertyInfo IsaPit::kProperties[] = {
    property<&IsaPit::iobase_>(
        {.name = "iobase", .summary = "its four ports", .default_text = "0x40", .maximum = 0xffff}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<IsaPit, Device>(), offers<IsaPit, IntervalTimer>()};

constexpr RegionInfo kRegions[] = {
    {.name = "registers", .summary = "the three counters and the control word", .size = 4}};
constexpr WireInfo kWires[] = {
    {.name = "", .summary = "OUT 0"},
    {.name = "", .direction = WireDirection::Input, .summary = "1: the HPET is in its place"}};

constexpr TypeInfo kTypes[] = {
    device_type<IsaPit>({
        .name = "isa-pit",
        .summary = "8254 interval timer",
        .bus = "isa",
        .category = "Misc",
        .interfaces = kInterfaces,
        .properties = IsaPit::kProperties,
        .regions = kRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane::i8254

BACKPLANE_PLUGIN("i8254", "1.0", "Backplane", backplane::i8254::kTypes)
