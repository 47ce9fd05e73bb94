#include "hpet.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::hpet {
namespace {

constexpr std::uint64_t kWindowSize = 0x400;
constexpr std::uint64_t kTickNs = 10;
constexpr std::uint32_t kPeriodFs = 10'000'000;      // 2.3.4: COUNTER_CLK_PERIOD
constexpr std::uint32_t kCapabilities = 0x8086a001;  // LEG_RT_CAP, COUNT_SIZE_CAP, revision 1
constexpr unsigned kTimerCountShift = 8;

enum Register : unsigned {
    GCAP_ID = 0x00,
    GEN_CONF = 0x10,
    GINTR_STA = 0x20,
    MAIN_CNT = 0xf0,
    TIM_CONF = 0x100,
};
constexpr unsigned kTimerSize = 0x20;

constexpr std::uint32_t kEnable = 1 << 0;
constexpr std::uint32_t kLegacy = 1 << 1;

}  // namespace

Hpet::Hpet(Object& object) : context_(device_context(object)), pit_enabled_(context_.add_outputs("", 1)) {
    context_.add_inputs("", 2, legacy_inputs_);
    context_.add_outputs("sysbus-irq", kRoutes);
    for (unsigned route = 0; route < kRoutes; ++route)
        outputs_[route] = context_.wire_at("sysbus-irq", route);
    StateTable& state = context_.state();
    describe(state, "GEN_CONF", configuration_);
    describe(state, "GINTR_STA", status_);
    describe(state, "MAIN_CNT", halted_at_);
    describe(state, "offset", offset_);
    describe(state, "legacy_levels", legacy_levels_, {.reset = false, .maximum = 1});
}

bool Hpet::realize(Errors&) {
    for (unsigned number = 0; number < timers_; ++number)
        comparators_[number].set_up(*this, number, context_.clock());
    comparators_[0].describe_state(context_.state().group(
        {.name = "timer", .first = comparators_.data(), .count = timers_, .stride = sizeof(Comparator)}));
    const IoTraits traits{.minimum = 4, .maximum = 8, .implemented_min = 4, .implemented_max = 8};
    context_.export_region("hpet", context_.memory().io("hpet", kWindowSize, *this, traits));
    return true;
}

void Hpet::unrealize() {
    for (Comparator& comparator : comparators_) comparator.cancel();
}

void Hpet::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) schedule_all();
    if (phase == ResetPhase::Hold) drive();
}

bool Hpet::after_load(Errors&) {
    schedule_all();
    return true;
}

bool Hpet::enabled() const { return (configuration_ & kEnable) != 0; }
bool Hpet::legacy() const { return (configuration_ & kLegacy) != 0; }

std::uint64_t Hpet::counter() const {
    return enabled() ? offset_ + context_.clock().now_ns() / kTickNs : halted_at_;
}

std::uint64_t Hpet::time_after(std::uint64_t ticks) const {
    const std::uint64_t now = context_.clock().now_ns() / kTickNs;
    constexpr std::uint64_t kNever = ~std::uint64_t{0};
    return ticks > kNever / kTickNs - now - 1 ? kNever : (now + ticks) * kTickNs;
}

void Hpet::set_pending(unsigned number, bool pending) {
    status_ = (status_ & ~(1u << number)) | std::uint32_t{pending} << number;
}

std::uint64_t Hpet::read(Offset offset, unsigned size, Access&) {
    if (size == 8 && offset.value == MAIN_CNT) return counter();
    const std::uint64_t low = read_word(unsigned(offset.value));
    return size == 8 ? low | std::uint64_t{read_word(unsigned(offset.value) + 4)} << 32 : low;
}

void Hpet::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug()) return;
    write_word(unsigned(offset.value), std::uint32_t(value));
    if (size == 8) write_word(unsigned(offset.value) + 4, std::uint32_t(value >> 32));
}

std::uint32_t Hpet::read_word(unsigned offset) const {
    if (offset >= TIM_CONF) {
        const unsigned number = (offset - TIM_CONF) / kTimerSize;
        return number < timers_ ? comparators_[number].read(offset % kTimerSize / 4) : 0;
    }
    switch (offset) {
    case GCAP_ID: return kCapabilities | (timers_ - 1u) << kTimerCountShift;
    case GCAP_ID + 4: return kPeriodFs;
    case GEN_CONF: return configuration_;
    case GINTR_STA: return status_;
    case MAIN_CNT: return std::uint32_t(counter());
    case MAIN_CNT + 4: return std::uint32_t(counter() >> 32);
    default: return 0;
    }
}

void Hpet::write_word(unsigned offset, std::uint32_t value) {
    if (offset >= TIM_CONF) {
        const unsigned number = (offset - TIM_CONF) / kTimerSize;
        if (number < timers_) comparators_[number].write(offset % kTimerSize / 4, value);
        return;
    }
    switch (offset) {
    case GEN_CONF: return write_configuration(value);
    case GINTR_STA: status_ &= ~value; return drive();
    case MAIN_CNT: return write_counter(0, value);
    case MAIN_CNT + 4: return write_counter(1, value);
    default: return;
    }
}

void Hpet::write_configuration(std::uint32_t value) {
    const std::uint64_t before = counter();
    configuration_ = value & (kEnable | kLegacy);
    if (enabled()) offset_ = before - context_.clock().now_ns() / kTickNs;
    else halted_at_ = before;
    schedule_all();
    drive();
}

/// 2.3.7: meant for a counter that stands; one that runs goes on from there.
void Hpet::write_counter(unsigned half, std::uint32_t value) {
    const unsigned shift = 32 * half;
    const std::uint64_t set = (counter() & ~(std::uint64_t{0xffffffff} << shift)) | std::uint64_t{value}
                                                                                        << shift;
    if (enabled()) offset_ = set - context_.clock().now_ns() / kTickNs;
    else halted_at_ = set;
    schedule_all();
}

void Hpet::schedule_all() {
    for (unsigned number = 0; number < timers_; ++number) comparators_[number].schedule();
}

void Hpet::legacy_changed(unsigned index, int level) {
    legacy_levels_[index] = level != 0;
    const unsigned route = index == 0 ? kPitRoute : kRtcRoute;
    outputs_[route]->set(level_of(route));
}

int Hpet::level_of(unsigned route) const {
    if (!legacy() && route == kPitRoute && legacy_levels_[0]) return 1;
    if (!legacy() && route == kRtcRoute && legacy_levels_[1]) return 1;
    for (unsigned number = 0; number < timers_; ++number)
        if (comparators_[number].raised() && comparators_[number].route() == route) return 1;
    return 0;
}

void Hpet::drive() {
    for (unsigned route = 0; route < kRoutes; ++route) outputs_[route]->set(level_of(route));
    pit_enabled_.set(!legacy());
}

void Hpet::pulse(unsigned route) {
    outputs_[route]->set(1);
    outputs_[route]->set(level_of(route));
}

/// 2.3.10: a write to memory.
void Hpet::send(std::uint64_t address, std::uint32_t data) {
    dma_store(context_.dma(), GuestAddress(address), data);
}

namespace {

constexpr PropertyInfo kProperties[] = {
    property<&Hpet::timers_>({.name = "timers",
                              .summary = "how many comparators",
                              .default_text = "3",
                              .maximum = kMostTimers,
                              .minimum = 3}),
    property<&Hpet::messages_>(
        {.name = "msi", .summary = "comparators can send messages", .default_text = "off"}),
    property<&Hpet::routes_>({.name = "hpet-intcap",
                              .summary = "the lines that comparators can be routed to, a bit each",
                              .default_text = "4"}),
};

constexpr RegionInfo kRegions[] = {{.name = "hpet", .size = kWindowSize}};
constexpr WireInfo kWires[] = {
    {.name = "", .summary = "1: the PIT has its line"},
    {.name = "sysbus-irq", .count = kRoutes},
    {.name = "",
     .direction = WireDirection::Input,
     .summary = "the PIT's and the clock's interrupt",
     .count = 2},
};

constexpr TypeInfo kTypes[] = {
    device_type<Hpet>({
        .name = "hpet",
        .summary = "high precision event timers",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<Hpet>,
        .properties = kProperties,
        .regions = kRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane::hpet

BACKPLANE_PLUGIN("hpet", "1.0", "Backplane", backplane::hpet::kTypes)
