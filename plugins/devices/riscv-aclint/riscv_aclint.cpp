// Advanced core-local interruptor: software interrupts of machine (MSWI) and supervisor level (SSWI), and the
// machine timer (MTIMER). MSWI at 0 and MTIMER at 4000h, with mtime at its offset 7ff8h, are SiFive's CLINT.
//
// Follows "RISC-V Advanced Core Local Interruptor Specification" 1.0-rc4. Everything is modelled.
#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/riscv.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace backplane {
namespace {

constexpr std::uint32_t kMostHarts = 4095;  // chapters 2 and 3

/// Chapters 3 and 4: a register of 4 bytes for each hart, of which bit 0 counts.
class AclintSwi final : public DeviceBase, public IoHandler {
  public:
    static const PropertyInfo kProperties[];

    explicit AclintSwi(Object& object) : context_(device_context(object)) {}

    bool realize(Errors&) override {
        pending_.assign(num_harts_, 0);
        describe_array(context_.state(), "msip", pending_, {.maximum = 1});
        context_.add_outputs("", num_harts_);
        for (std::uint32_t hart = 0; hart < num_harts_; ++hart) lines_.push_back(context_.wire_at("", hart));
        context_.export_region(
            "registers",
            context_.memory().io("riscv.aclint.swi", 0x4000, *this,
                                 {.minimum = 4, .maximum = 4, .implemented_min = 4, .implemented_max = 4}));
        return true;
    }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) drive_all();
    }
    bool after_load(Errors&) override {
        drive_all();
        return true;
    }

    std::uint64_t read(Offset offset, unsigned, Access&) override {
        const std::uint64_t hart = offset.value / 4;
        return hart < num_harts_ ? pending_[hart] : 0;  // setssip reads as 0
    }

    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        const std::uint64_t hart = offset.value / 4;
        if (access.debug() || hart >= num_harts_) return;
        Wire& line = *lines_[hart];
        if (!supervisor_) {
            pending_[hart] = value & 1;
            line.set(int(value & 1));
        } else if (value & 1) {
            line.set(1);  // an edge: the hart keeps SSIP
            line.set(0);
        }
    }

  private:
    void drive_all() {
        for (std::uint32_t hart = 0; hart < num_harts_; ++hart) lines_[hart]->set(int(pending_[hart]));
    }

    DeviceContext& context_;
    std::uint32_t hartid_base_ = 0;
    std::uint32_t num_harts_ = 1;
    bool supervisor_ = false;
    std::vector<std::uint32_t> pending_;
    std::vector<Wire*> lines_;
};

/// Chapter 2: mtime, and mtimecmp for each hart.
class AclintMtimer final : public DeviceBase, public IoHandler, public riscv::TimeSource {
  public:
    static const PropertyInfo kProperties[];

    explicit AclintMtimer(Object& object) : context_(device_context(object)) {}

    bool realize(Errors& errors) override {
        if (frequency_ > 1'000'000'000) {
            errors.fail("timebase-freq: at most 1000000000 (1 GHz)");
            return false;
        }
        const std::uint64_t compare_end = timecmp_base_ + 8ull * num_harts_;
        if (std::max<std::uint64_t>(compare_end, time_base_ + 8ull) > aperture_size_ ||
            (timecmp_base_ < time_base_ + 8ull && time_base_ < compare_end)) {
            errors.fail(
                "timecmp-base, time-base, num-harts: the registers overlap or pass the end of aperture-size");
            return false;
        }
        compare_.assign(num_harts_, 0);
        armed_.assign(num_harts_, 0);
        StateTable& state = context_.state();
        describe(state, "mtime_offset", offset_, 0, false);
        describe_array(state, "mtimecmp", compare_);
        describe_array(state, "armed", armed_, {.maximum = 1});
        context_.add_outputs("", num_harts_);
        for (std::uint32_t hart = 0; hart < num_harts_; ++hart) {
            comparators_.push_back(std::make_unique<Comparator>(*this, hart, *context_.wire_at("", hart)));
            comparators_.back()->timer.create(context_.clock());
        }
        context_.export_region(
            "registers",
            context_.memory().io("riscv.aclint.mtimer", aperture_size_, *this,
                                 {.minimum = 4, .maximum = 8, .implemented_min = 4, .implemented_max = 8}));
        return true;
    }

    void unrealize() override { comparators_.clear(); }

    /// mtime starts at 0. A comparator is silent until it is written for the first time: what mtimecmp holds after
    /// reset is not said (2.1), and an interrupt that nobody asked for helps no one.
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) set_time(0);
        if (phase == ResetPhase::Hold) update_all();
    }
    bool after_load(Errors&) override {
        for (riscv::HartControl* hart : harts_) hart->set_time_offset(offset_);
        update_all();
        return true;
    }

    void add_hart(riscv::HartControl& hart) override {
        harts_.push_back(&hart);
        hart.set_time_offset(offset_);
    }
    void remove_hart(riscv::HartControl& hart) override { std::erase(harts_, &hart); }

    std::uint64_t read(Offset offset, unsigned size, Access&) override {
        const unsigned shift = offset.value & 4 ? 32 : 0;
        std::uint64_t value = 0;
        if (in_time(offset)) value = time();
        else if (in_compare(offset)) value = compare_[hart_of(offset)];
        else complain();
        return size == 8 ? value : value >> shift & 0xffffffff;
    }

    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        if (access.debug()) return;
        if (in_time(offset)) {
            set_time(merge(time(), offset, value, size));
            update_all();
        } else if (in_compare(offset)) {
            const std::uint32_t hart = hart_of(offset);
            compare_[hart] = merge(compare_[hart], offset, value, size);
            armed_[hart] = 1;
            update(hart);
        } else {
            complain();
        }
    }

  private:
    struct Comparator {
        Comparator(AclintMtimer& owner, std::uint32_t index, Wire& wire)
            : chip(owner), hart(index), line(wire) {}
        void expired() { chip.update(hart); }
        AclintMtimer& chip;
        std::uint32_t hart;
        Wire& line;
        OwnedTimer<&Comparator::expired> timer{*this};
    };

    bool in_time(Offset offset) const { return offset.value - time_base_ < 8; }
    bool in_compare(Offset offset) const { return offset.value - timecmp_base_ < 8ull * num_harts_; }
    std::uint32_t hart_of(Offset offset) const { return std::uint32_t((offset.value - timecmp_base_) / 8); }
    void complain() { context_.log().guest_error("offset", "access to no register"); }

    static std::uint64_t merge(std::uint64_t old, Offset offset, std::uint64_t value, unsigned size) {
        if (size == 8) return value;
        const unsigned shift = offset.value & 4 ? 32 : 0;
        return (old & ~(0xffffffffull << shift)) | (value & 0xffffffff) << shift;
    }

    std::uint64_t clock_ticks() const { return scale(context_.clock().now_ns(), frequency_, 1'000'000'000); }
    std::uint64_t time() const { return clock_ticks() + offset_; }
    void set_time(std::uint64_t value) {
        offset_ = value - clock_ticks();
        for (riscv::HartControl* hart : harts_) hart->set_time_offset(offset_);
    }
    __extension__ using Wide = unsigned __int128;
    static std::uint64_t scale(std::uint64_t value, std::uint64_t numerator, std::uint64_t denominator) {
        return std::uint64_t(Wide{value} * numerator / denominator);
    }

    void update_all() {
        for (std::uint32_t hart = 0; hart < num_harts_; ++hart) update(hart);
    }

    /// MTIP is mtime >= mtimecmp. The timer waits for the tick at which that changes: mtime gets there, or passes its end
    /// and is 0 again.
    void update(std::uint32_t hart) {
        if (hart >= comparators_.size()) return;
        Comparator& comparator = *comparators_[hart];
        const std::uint64_t now = time();
        const bool due = armed_[hart] && now >= compare_[hart];
        comparator.line.set(due);
        comparator.timer.cancel();
        if (!armed_[hart] || compare_[hart] == 0) return;
        const std::uint64_t ticks_left = (due ? 0 : compare_[hart]) - now;
        const Wide deadline =
            ((Wide{clock_ticks()} + ticks_left) * 1'000'000'000 + frequency_ - 1) / frequency_;
        if (deadline >> 63) return;  // three centuries ahead
        comparator.timer.arm(std::uint64_t(deadline));
    }

    DeviceContext& context_;
    std::vector<riscv::HartControl*> harts_;
    std::vector<std::unique_ptr<Comparator>> comparators_;
    std::uint32_t hartid_base_ = 0;
    std::uint32_t num_harts_ = 1;
    std::uint32_t timecmp_base_ = 0;
    std::uint32_t time_base_ = 0x7ff8;
    std::uint32_t aperture_size_ = 0x8000;
    std::uint32_t frequency_ = 10'000'000;
    std::uint64_t offset_ = 0;  ///< mtime is the virtual clock's ticks plus this, modulo 2^64
    std::vector<std::uint64_t> compare_;
    std::vector<std::uint8_t> armed_;  ///< mtimecmp was written since reset
};

constexpr PropertyInfo AclintSwi::kProperties[] = {
    property<&AclintSwi::hartid_base_>(
        {.name = "hartid-base", .summary = "the first hart's number, for information", .default_text = "0"}),
    property<&AclintSwi::num_harts_>(
        {.name = "num-harts", .default_text = "1", .maximum = kMostHarts, .minimum = 1}),
    property<&AclintSwi::supervisor_>({.name = "sswi",
                                       .summary = "supervisor software interrupts, which are edges",
                                       .default_text = "off"}),
};

constexpr PropertyInfo AclintMtimer::kProperties[] = {
    property<&AclintMtimer::hartid_base_>(
        {.name = "hartid-base", .summary = "the first hart's number, for information", .default_text = "0"}),
    property<&AclintMtimer::num_harts_>(
        {.name = "num-harts", .default_text = "1", .maximum = kMostHarts, .minimum = 1}),
    property<&AclintMtimer::timecmp_base_>(
        {.name = "timecmp-base", .summary = "offset of the first mtimecmp", .default_text = "0"}),
    property<&AclintMtimer::time_base_>(
        {.name = "time-base", .summary = "offset of mtime", .default_text = "32760"}),
    property<&AclintMtimer::aperture_size_>(
        {.name = "aperture-size", .summary = "bytes of the whole", .default_text = "32768"}),
    property<&AclintMtimer::frequency_>(
        {.name = "timebase-freq", .summary = "Hz", .default_text = "10000000", .minimum = 1}),
};

constexpr InterfaceInfo kMtimerInterfaces[] = {
    offers<AclintMtimer, Device>(),
    offers<AclintMtimer, riscv::TimeSource>(),
};

constexpr RegionInfo kSwiRegions[] = {
    {.name = "registers", .summary = "a register for each hart", .size = 0x4000}};
constexpr RegionInfo kMtimerRegions[] = {
    {.name = "registers", .summary = "mtimecmp of each hart, and mtime"}};
constexpr WireInfo kWires[] = {{.name = "", .summary = "one for each hart", .count = 0}};

constexpr TypeInfo kTypes[] = {
    device_type<AclintSwi>({
        .name = "riscv.aclint.swi",
        .summary = "RISC-V ACLINT software interrupts (MSWI, SSWI)",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<AclintSwi>,
        .properties = AclintSwi::kProperties,
        .regions = kSwiRegions,
        .wires = kWires,
    }),
    device_type<AclintMtimer>({
        .name = "riscv.aclint.mtimer",
        .summary = "RISC-V ACLINT machine timer (MTIMER)",
        .category = "Misc",
        .interfaces = kMtimerInterfaces,
        .properties = AclintMtimer::kProperties,
        .regions = kMtimerRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("riscv-aclint", "1.0", "Backplane", backplane::kTypes)
