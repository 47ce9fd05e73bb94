// MC146818A real-time clock with the 128 bytes of CMOS memory of a PC/AT.
//
// Follows the "MC146818A Real-Time Clock plus RAM" data sheet (Motorola ADI1026), with the century where PCs keep it
// (0x32, seen at 0x37 as well). The date is what the wall clock says, plus what the guest has set; the periodic interrupt
// counts on the virtual clock. Updates take no time: UIP shows for the 244 µs before one. Not modelled: the SQW pin, which
// a PC leaves open; daylight saving (DSE is kept); the time bases other than 32.768 kHz, but for their reset.
#include "time_registers.h"

#include <backplane/cmos.h>
#include <backplane/device.h>
#include <backplane/isa.h>
#include <backplane/lost_ticks.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/sleep.h>
#include <backplane/text.h>

#include <algorithm>

namespace backplane::mc146818 {
namespace {

constexpr unsigned kA = 0x0a;
constexpr unsigned kB = 0x0b;
constexpr unsigned kC = 0x0c;
constexpr unsigned kD = 0x0d;
constexpr unsigned kPs2Century = 0x37;

constexpr std::uint8_t kUip = 0x80;
constexpr std::uint8_t kDividerReset = 0x60;  // DV2 and DV1
constexpr std::uint8_t kRateSelect = 0x0f;
// Register B; PIE, AIE and UIE enable what PF, AF and UF of register C say.
constexpr std::uint8_t kSet = 0x80;
constexpr std::uint8_t kPeriodic = 0x40;
constexpr std::uint8_t kAlarm = 0x20;
constexpr std::uint8_t kUpdate = 0x10;
constexpr std::uint8_t kSqwe = 0x08;
constexpr std::uint8_t kDm = 0x04;
constexpr std::uint8_t k24Hours = 0x02;
constexpr std::uint8_t kIrqf = 0x80;  // register C
constexpr std::uint8_t kVrt = 0x80;   // register D

constexpr std::uint64_t kSecond = 1'000'000'000;
/// Farther than a date can be set, in seconds, and near enough for a calendar.
constexpr std::int64_t kFarthest = 900'000'000'000;
constexpr std::uint64_t kUipLead = 244'000;  // ns; t(BUC)
constexpr std::uint64_t kTimeBase = 32768;   // Hz
/// Lost interrupts that are made up for at most, and how much faster they come.
constexpr std::uint32_t kMostLost = 65536;
constexpr std::uint64_t kCatchUpSpeed = 8;

enum class LostTicks : std::uint8_t { Discard, Slew };

class Rtc final : public DeviceBase, public IoHandler, public Cmos {
  public:
    static const PropertyInfo kProperties[];

    explicit Rtc(Object& object) : context_(device_context(object)), irq_(context_.add_outputs("", 1)) {
        ram_[kA] = 0x26;
        ram_[kB] = k24Hours;
        ram_[kD] = kVrt;
        context_.add_inputs("", 1, inputs_);
        StateTable& state = context_.state();
        describe(state, "replaced", replaced_, 0, false);  // the level of the input
        describe(state, "index", index_, {.reset = false, .maximum = kSize - 1});
        describe(state, "cmos", ram_, 0, false);
        describe(state, "offset_seconds", offset_seconds_, 0, false);
        describe(state, "offset_ns", offset_ns_, {.reset = false, .maximum = kSecond - 1});
        describe(state, "weekday_offset", weekday_offset_, {.reset = false, .maximum = 6});
        describe(state, "divider_was_reset", divider_was_reset_, 0, false);
        describe(state, "updated_at", updated_at_, 0, false);
        describe(state, "period_at", period_at_, 0, false);
        describe(state, "lost_ticks", lost_ticks_, {.maximum = kMostLost});
        periodic_timer_.create(context_.clock());
        update_timer_.create(context_.clock());
        describe_timer(state, "periodic", periodic_timer_);
        describe_timer(state, "update", update_timer_);
        announcement_.create(context_.clock());
    }

    bool realize(Errors& errors) override {
        MemoryRegion& registers = context_.memory().io("rtc", 2, *this, kIsaByteRegisters);
        IoTraits waits = kIsaByteRegisters;
        waits.stores_may_wait = true;  // until the data port is used
        MemoryRegion& index = context_.memory().io("rtc-index", 1, *this, waits);
        context_.export_region("registers", registers);
        if (!registers.add(index, Offset(0), 0, errors)) return false;
        updated_at_ = seconds();
        using Wish = backplane::LostTicks;
        if (static_cast<Wish*>(context_.host_interface(Wish::kId))->made_up_for() &&
            !context_.object().set_property("lost_tick_policy", "slew", errors))
            return false;
        machine_sleep_ = static_cast<MachineSleep*>(context_.host_interface(MachineSleep::kId));
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || (isa->add_ports(context_.object(), registers, Port(iobase_), errors) &&
                        isa->join(context_.object(), 0, irq_number_, errors));
    }
    void unrealize() override {
        periodic_timer_.cancel();
        update_timer_.cancel();
        announcement_.cancel();
    }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) {
            ram_[kB] &= std::uint8_t(~(kPeriodic | kAlarm | kUpdate | kSqwe));
            ram_[kC] = 0;
        }
        if (phase == ResetPhase::Hold) update_interrupt();
    }
    bool after_load(Errors& errors) override {
        const auto fits = [](std::int64_t seconds) { return seconds >= -kFarthest && seconds <= kFarthest; };
        if (!fits(offset_seconds_) || !fits(updated_at_)) {
            errors.fail("offset_seconds, updated_at: no guest can set its clock to that");
            return false;
        }
        announcement_.cancel();
        // The wall clock may be another one.
        arm_update();
        return true;
    }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        if (offset.value == 0) return 0xff;  // the index can only be written
        if (index_ == kC && !access.debug()) return read_flags();
        return byte(index_);
    }

    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        if (offset.value == 0)
            index_ = std::uint8_t(value & 0x7f);  // bit 7 masks NMI in a PC, which has none to mask
        else write_register(index_ == kPs2Century ? kCentury : index_, std::uint8_t(value));
    }

    bool set_byte(unsigned index, std::uint8_t value) override {
        if (index < kFirst || index >= kSize || index == kCentury || index == kPs2Century) return false;
        ram_[index] = value;
        return true;
    }
    std::uint8_t byte(unsigned index) const override {
        if (index >= kSize) return 0xff;
        if (index == kPs2Century) index = kCentury;
        if (TimeRegisters::is_time(index) && running())
            return TimeRegisters(base_year_).encode(index, seconds(), weekday_offset_, format());
        if (index == kA && updating()) return ram_[kA] | kUip;
        if (index == kC) return pending_flags();
        return ram_[index];
    }

  private:
    Format format() const { return {.binary = bool(ram_[kB] & kDm), .hours_24 = bool(ram_[kB] & k24Hours)}; }
    static bool divider_resets(std::uint8_t a) { return (a & kDividerReset) == kDividerReset; }
    bool running() const { return !(ram_[kB] & kSet) && !divider_resets(ram_[kA]); }

    /// The guest's date in ns within its second, and in seconds since 1970. Sums wrap.
    std::int64_t shifted_ns() const {
        return std::int64_t(std::uint64_t(context_.wall_clock().now_ns()) + offset_ns_);
    }
    std::uint64_t nanoseconds() const {
        const std::int64_t rest = shifted_ns() % std::int64_t(kSecond);
        return std::uint64_t(rest < 0 ? rest + std::int64_t(kSecond) : rest);
    }
    std::int64_t whole_seconds() const {
        return (shifted_ns() - std::int64_t(nanoseconds())) / std::int64_t(kSecond);
    }
    std::int64_t seconds() const { return whole_seconds() + offset_seconds_; }
    /// The time on the virtual clock at which seconds() becomes `second`.
    std::uint64_t deadline_of(std::int64_t second) const {
        const std::uint64_t wall =
            std::uint64_t(second - offset_seconds_) * kSecond - std::uint64_t(offset_ns_);
        return context_.wall_clock().deadline_for(std::int64_t(wall));
    }
    bool updating() const { return running() && nanoseconds() >= kSecond - kUipLead; }

    /// Periods of the periodic interrupt, in ticks of the time base; 0: none. (Table 5, 32.768 kHz.)
    std::uint64_t period() const {
        const unsigned rate = ram_[kA] & kRateSelect;
        if (rate == 0 || divider_resets(ram_[kA])) return 0;
        return std::uint64_t{1} << (rate < 3 ? rate + 6 : rate - 1);
    }
    std::uint64_t ticks() const {
        const std::uint64_t now = context_.clock().now_ns();
        return now / kSecond * kTimeBase + now % kSecond * kTimeBase / kSecond;
    }
    static std::uint64_t time_of_tick(std::uint64_t tick) {
        return tick / kTimeBase * kSecond + (tick % kTimeBase * kSecond + kTimeBase - 1) / kTimeBase;
    }

    /// Register C as it would read: what happened since the flags were last brought up to date is in it.
    std::uint8_t pending_flags() const {
        std::uint8_t flags = ram_[kC];
        if (running() && seconds() > updated_at_) {
            flags |= kUpdate;
            const auto alarm = TimeRegisters::next_alarm(ram_, format(), updated_at_);
            if (alarm && *alarm <= seconds()) flags |= kAlarm;
        }
        if (const std::uint64_t every = period(); every && ticks() / every > period_at_ / every)
            flags |= kPeriodic;
        if (flags & ram_[kB] & (kPeriodic | kAlarm | kUpdate)) flags |= kIrqf;
        return flags;
    }

    /// Brings register C up to date.
    void catch_up() {
        const std::uint8_t before = ram_[kC];
        ram_[kC] = pending_flags();
        if (const std::uint64_t every = period()) {
            const std::uint64_t passed = ticks() / every - period_at_ / every;
            // Those that nobody could see: all, while one waits to be seen; else all but the one that is seen now.
            const std::uint64_t lost = before & kPeriodic ? passed : passed ? passed - 1 : 0;
            if (lost_tick_policy_ == LostTicks::Slew && ram_[kB] & kPeriodic)
                lost_ticks_ = std::uint32_t(std::min<std::uint64_t>(lost_ticks_ + lost, kMostLost));
        }
        period_at_ = ticks();
        updated_at_ = seconds();
    }

    std::uint8_t read_flags() {
        catch_up();
        const std::uint8_t flags = ram_[kC];
        ram_[kC] = 0;
        update_interrupt();
        arm();
        return flags;
    }

    void update_interrupt() {
        ram_[kC] &= std::uint8_t(~kIrqf);
        if (ram_[kC] & ram_[kB] & (kPeriodic | kAlarm | kUpdate)) ram_[kC] |= kIrqf;
        irq_.set(ram_[kC] & kIrqf && !replaced_ ? 1 : 0);
    }
    void replaced_changed(unsigned, int level) {
        replaced_ = level == 0;
        update_interrupt();
    }

    /// Timers run for interrupts alone; flags that nobody waits for are found when they are read.
    void arm() {
        arm_periodic();
        arm_update();
    }
    void arm_periodic() {
        periodic_timer_.cancel();
        const std::uint64_t every = period();
        if (!every || !(ram_[kB] & ~unsigned{ram_[kC]} & kPeriodic)) return;
        std::uint64_t at = time_of_tick((ticks() / every + 1) * every);
        if (lost_ticks_)
            at = std::min(at, context_.clock().now_ns() + every * kSecond / kTimeBase / kCatchUpSpeed);
        periodic_timer_.arm(at);
    }
    void arm_update() {
        update_timer_.cancel();
        if (!running()) return;
        const unsigned wanted = ram_[kB] & ~unsigned{ram_[kC]};
        if (wanted & kUpdate) update_timer_.arm(deadline_of(seconds() + 1));
        else if (wanted & kAlarm)
            if (const auto alarm = TimeRegisters::next_alarm(ram_, format(), updated_at_))
                update_timer_.arm(deadline_of(*alarm));
    }

    void periodic_expired() {
        catch_up();
        if (!(ram_[kC] & kPeriodic) && lost_ticks_) {
            ram_[kC] |= kPeriodic;
            --lost_ticks_;
        }
        update_interrupt();
        arm();
    }
    void update_expired() {
        catch_up();
        if (ram_[kC] & ram_[kB] & kAlarm) machine_sleep_->request_wake(WakeCause::Clock);
        update_interrupt();
        arm();
    }

    void write_register(unsigned index, std::uint8_t value) {
        if (TimeRegisters::is_time(index)) {
            if (running()) latch_time();
            ram_[index] = value;
            if (running()) set_time(nanoseconds());
        } else if (index == kA || index == kB) {
            write_control(index, value);
        } else if (index < kA) {
            catch_up();
            ram_[index] = value;
        } else if (index != kC && index != kD) {
            ram_[index] = value;
            return;
        }
        update_interrupt();
        arm();
    }

    void write_control(unsigned index, std::uint8_t value) {
        catch_up();
        const bool ran = running();
        const std::uint64_t old_period = period();
        if (ran) latch_time();
        if (index == kA) {
            ram_[kA] = value & std::uint8_t(~kUip);
            divider_was_reset_ |= divider_resets(value);
        } else {
            // "A high SET bit clears UIE".
            ram_[kB] = value & kSet ? std::uint8_t(value & ~kUpdate) : value;
        }
        if (!(ram_[kB] & kPeriodic)) lost_ticks_ = 0;
        if (period() != old_period)
            lost_ticks_ =
                period()
                    ? std::uint32_t(std::min<std::uint64_t>(lost_ticks_ * old_period / period(), kMostLost))
                    : 0;
        // After a reset of the divider, the first update comes half a second later.
        if (!ran && running()) set_time(divider_was_reset_ ? kSecond / 2 : nanoseconds());
    }

    /// The registers of time become memory.
    void latch_time() {
        for (unsigned index = 0; index <= kCentury; ++index)
            if (TimeRegisters::is_time(index)) ram_[index] = byte(index);
    }

    /// The registers of time say what it is, `fraction` ns ago.
    void set_time(std::uint64_t fraction) {
        const auto now = TimeRegisters(base_year_).decode(ram_, format());
        const std::uint64_t phase = nanoseconds();
        offset_ns_ = (offset_ns_ + kSecond + fraction - phase) % kSecond;
        const std::int64_t before = offset_seconds_;
        offset_seconds_ = now.seconds - whole_seconds();
        weekday_offset_ = std::uint8_t(now.weekday_offset);
        divider_was_reset_ = false;
        updated_at_ = now.seconds;
        // At most one event a second, which tells the last change.
        if (offset_seconds_ != before)
            announcement_.arm(std::max(context_.clock().now_ns(), announced_ns_ + kSecond));
    }

    void announce() {
        announced_ns_ = context_.clock().now_ns();
        TextBuffer text;
        context_.object().path(text);
        context_.emit_event("RTC_CHANGE", "{\"offset\":" + std::to_string(offset_seconds_) +
                                              ",\"qom-path\":\"" + text.text() + "\"}");
    }

  public:
    DeviceContext& context_;
    Wire& irq_;
    MachineSleep* machine_sleep_ = nullptr;
    InputOf<&Rtc::replaced_changed> inputs_{*this};
    OwnedTimer<&Rtc::periodic_expired> periodic_timer_{*this};
    OwnedTimer<&Rtc::update_expired> update_timer_{*this};
    OwnedTimer<&Rtc::announce> announcement_{*this};
    std::uint64_t announced_ns_ = 0;
    std::uint32_t iobase_ = 0x70;
    std::uint8_t irq_number_ = 8;
    std::uint32_t base_year_ = 0;
    LostTicks lost_tick_policy_ = LostTicks::Discard;

    std::uint8_t ram_[kSize] = {};
    std::uint8_t index_ = 0;
    std::uint8_t weekday_offset_ = 0;
    bool divider_was_reset_ = false;
    std::int64_t offset_seconds_ = 0;  ///< what the guest's date is ahead of the wall clock, with the next
    std::uint64_t offset_ns_ = 0;      ///< less than a second
    std::int64_t updated_at_ = 0;      ///< the second up to which UF and AF are up to date
    std::uint64_t period_at_ = 0;      ///< the tick up to which PF is
    std::uint32_t lost_ticks_ = 0;
    bool replaced_ = false;
};

constexpr PropertyInfo Rtc::kProperties[] = {
    property<&Rtc::base_year_>({.name = "base_year",
                                .summary = "the year that year 0 of century 0 is",
                                .default_text = "0",
                                .maximum = 9999}),
    property<&Rtc::iobase_>(
        {.name = "iobase", .summary = "its two ports", .default_text = "0x70", .maximum = 0xffff}),
    property<&Rtc::irq_number_>({.name = "irq", .default_text = "8", .maximum = kIsaInterrupts - 1}),
    enum_property<&Rtc::lost_tick_policy_>(
        {.name = "lost_tick_policy",
         .summary = "periodic interrupts that the guest could not see are left out, or come later",
         .default_text = "discard",
         .choices = "discard|slew"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<Rtc, Device>(), offers<Rtc, Cmos>()};

constexpr ArgumentInfo kChange[] = {
    {.name = "offset", .kind = ArgumentKind::Integer, .summary = "seconds from -rtc's date to the guest's"},
    {.name = "qom-path", .summary = "the clock"},
};
constexpr EventInfo kEvents[] = {
    {.name = "RTC_CHANGE", .summary = "the guest has set its clock", .members = kChange}};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "index and data", .size = 2}};
constexpr WireInfo kWires[] = {
    {.name = "", .summary = "IRQ"},
    {.name = "", .direction = WireDirection::Input, .summary = "0: an HPET has taken the line"},
};

constexpr TypeInfo kTypes[] = {
    device_type<Rtc>({
        .name = "mc146818rtc",
        .summary = "MC146818A real-time clock and CMOS memory",
        .bus = "isa",
        .category = "Misc",
        .interfaces = kInterfaces,
        .properties = Rtc::kProperties,
        .regions = kRegions,
        .wires = kWires,
        .events = kEvents,
    }),
};

}  // namespace
}  // namespace backplane::mc146818

BACKPLANE_PLUGIN("mc146818rtc", "1.0", "Backplane", backplane::mc146818::kTypes)
