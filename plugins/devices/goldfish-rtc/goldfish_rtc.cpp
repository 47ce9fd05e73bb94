// Goldfish real-time clock: nanoseconds since 1970 in two registers, with one alarm.
//
// Follows "Goldfish virtual hardware", docs/GOLDFISH-VIRTUAL-HARDWARE.TXT of the Android emulator, section III
// (Goldfish timer); binding "google,goldfish-rtc". Everything that it names is modelled.
#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/register_table.h>

namespace backplane {
namespace {

class GoldfishRtc final : public DeviceBase, public RegisterDevice<GoldfishRtc> {
  public:
    static const Register<GoldfishRtc> kRegisters[];

    explicit GoldfishRtc(Object& object)
        : context_(device_context(object)), irq_(context_.add_outputs("irq", 1)) {
        set_register_log(context_.log());
        describe_registers(context_.state());
        describe(context_.state(), "irq_pending", irq_pending_);
        describe(context_.state(), "time_offset", offset_ns_, 0,
                 false);  // a set clock runs on through a reset
        context_.export_region(
            "registers",
            context_.memory().io("goldfish_rtc", 0x24, *this,
                                 {.minimum = 4, .maximum = 4, .implemented_min = 4, .implemented_max = 4}));
        timer_.create(context_.clock());
    }

    void unrealize() override { timer_.cancel(); }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) timer_.cancel();
        if (phase == ResetPhase::Hold) update_irq();
    }

    bool after_load(Errors&) override {
        if (alarm_running_) arm_timer();
        else timer_.cancel();
        update_irq();
        return true;
    }

    /// Reading the low half keeps the high half for the read that follows.
    std::uint64_t read_time_low(Access& access) {
        const std::uint64_t now = std::uint64_t(now_ns());
        if (!access.debug()) time_high_ = std::uint32_t(now >> 32);
        return now & 0xffffffff;
    }
    void write_time_low(std::uint64_t value) { set_time((std::uint64_t(now_ns()) & ~0xffffffffull) | value); }
    void write_time_high(std::uint64_t value) {
        set_time((std::uint64_t(now_ns()) & 0xffffffff) | value << 32);
        time_high_ = std::uint32_t(value);
    }

    void arm_alarm() {
        if (alarm_ns() <= now_ns()) {
            alarm();
            return;
        }
        alarm_running_ = 1;
        arm_timer();
    }
    void clear_alarm(std::uint64_t) {
        alarm_running_ = 0;
        timer_.cancel();
    }
    void clear_interrupt(std::uint64_t) {
        irq_pending_ = 0;
        update_irq();
    }
    void update_irq() { irq_.set(irq_pending_ & irq_enabled_ & 1); }

  private:
    /// The device's time. Sums of what the guest writes wrap, as its registers do.
    std::int64_t now_ns() const {
        return std::int64_t(std::uint64_t(context_.wall_clock().now_ns()) + std::uint64_t(offset_ns_));
    }
    std::int64_t alarm_ns() const { return std::int64_t(std::uint64_t(alarm_high_) << 32 | alarm_low_); }
    void arm_timer() {
        const std::int64_t wall = std::int64_t(std::uint64_t(alarm_ns()) - std::uint64_t(offset_ns_));
        timer_.arm(context_.wall_clock().deadline_for(wall));
    }
    void set_time(std::uint64_t ns) {
        offset_ns_ = std::int64_t(ns - std::uint64_t(context_.wall_clock().now_ns()));
        if (alarm_running_) arm_alarm();
    }
    void alarm() {
        alarm_running_ = 0;
        irq_pending_ = 1;
        update_irq();
    }

    DeviceContext& context_;
    Wire& irq_;
    OwnedTimer<&GoldfishRtc::alarm> timer_{*this};
    std::int64_t offset_ns_ = 0;  ///< what the guest has added to the host's date
    std::uint32_t time_high_ = 0;
    std::uint32_t alarm_low_ = 0;
    std::uint32_t alarm_high_ = 0;
    std::uint32_t alarm_running_ = 0;
    std::uint32_t irq_enabled_ = 0;
    std::uint32_t irq_pending_ = 0;
};

constexpr Register<GoldfishRtc> GoldfishRtc::kRegisters[] = {
    {.name = "TIME_LOW",
     .offset = 0x00,
     .read = &GoldfishRtc::read_time_low,
     .write = &GoldfishRtc::write_time_low},
    {.name = "TIME_HIGH",
     .offset = 0x04,
     .storage = &GoldfishRtc::time_high_,
     .write = &GoldfishRtc::write_time_high},
    {.name = "ALARM_LOW",
     .offset = 0x08,
     .storage = &GoldfishRtc::alarm_low_,
     .written = &GoldfishRtc::arm_alarm},
    {.name = "ALARM_HIGH", .offset = 0x0c, .storage = &GoldfishRtc::alarm_high_},
    {.name = "IRQ_ENABLED",
     .offset = 0x10,
     .storage = &GoldfishRtc::irq_enabled_,
     .write_mask = 1,
     .written = &GoldfishRtc::update_irq},
    {.name = "CLEAR_ALARM",
     .offset = 0x14,
     .access = RegisterAccess::WriteOnly,
     .write = &GoldfishRtc::clear_alarm},
    {.name = "ALARM_STATUS",
     .offset = 0x18,
     .access = RegisterAccess::ReadOnly,
     .storage = &GoldfishRtc::alarm_running_},
    {.name = "CLEAR_INTERRUPT",
     .offset = 0x1c,
     .access = RegisterAccess::WriteOnly,
     .write = &GoldfishRtc::clear_interrupt},
};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "time and alarm", .size = 0x24}};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "the alarm"}};

constexpr TypeInfo kTypes[] = {
    device_type<GoldfishRtc>({
        .name = "goldfish_rtc",
        .summary = "Goldfish real-time clock",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<GoldfishRtc>,
        .regions = kRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("goldfish-rtc", "1.0", "Backplane", backplane::kTypes)
