#include "kvm_pit.h"

#include <backplane/isa.h>

#include <algorithm>
#include <cstring>
#include <ctime>

namespace backplane::kvm {

namespace {

using i8254::kFrequency;
using i8254::Tick;

constexpr std::int64_t kSecond = 1'000'000'000;
/// Which byte of a word comes next, as the kernel counts.
enum WordState : std::uint8_t { kLowByte = 1, kHighByte = 2, kWordLow = 3, kWordHigh = 4 };

/// What the kernel's times are of.
std::int64_t host_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

}  // namespace

// ---- a counter

void KernelCounter::from_kernel(const kvm_pit_channel_state& from, Tick now, std::int64_t host_now) {
    *this = KernelCounter();
    access_ = std::clamp<std::uint8_t>(from.rw_mode, 1, 3);
    mode_ = from.mode & 7;
    bcd_ = from.bcd & 1;
    gate_ = from.gate != 0;
    count_ = from.count == 0 || from.count > modulus() ? modulus() : from.count;
    register_ = as_register(count_);
    loaded_ = ever_written_ = true;
    null_count_ = false;
    running_ = gate_ || mode() == 1 || mode() == 5;
    const std::int64_t elapsed = std::max<std::int64_t>(0, host_now - from.count_load_time);
    const Tick ticks = i8254::tick_of(std::uint64_t(elapsed));
    start_ = now - ticks;
    held_ = running_ ? 0 : ticks;
    write_high_ = from.write_state == kWordHigh;
    low_byte_ = from.write_latch;
    read_high_ = from.read_state == kWordHigh;
    latched_bytes_ = from.count_latched == 0 ? 0 : from.count_latched == kWordLow ? 2 : 1;
    latched_count_ = from.latched_count;
    status_latched_ = from.status_latched != 0;
    latched_status_ = from.status;
}

kvm_pit_channel_state KernelCounter::to_kernel(Tick now, std::int64_t host_now) const {
    kvm_pit_channel_state to{};
    to.count = loaded_ ? count_ : written_count();
    to.latched_count = latched_count_;
    to.count_latched = latched_bytes_ == 0   ? 0
                       : latched_bytes_ == 2 ? std::uint8_t{kWordLow}
                       : access_ == 1        ? std::uint8_t{kLowByte}
                                             : std::uint8_t{kHighByte};
    to.status_latched = status_latched_;
    to.status = latched_status_;
    to.read_state = access_ != 3 ? access_ : read_high_ ? std::uint8_t{kWordHigh} : std::uint8_t{kWordLow};
    to.write_state = access_ != 3 ? access_ : write_high_ ? std::uint8_t{kWordHigh} : std::uint8_t{kWordLow};
    to.write_latch = low_byte_;
    to.rw_mode = access_;
    to.mode = std::uint8_t(mode());
    to.bcd = bcd_;
    to.gate = gate_;
    const auto ticks = __int128(elapsed(now));
    to.count_load_time = host_now - std::int64_t(ticks * kSecond / std::int64_t(kFrequency));
    return to;
}

// ---- the chip

KvmPit::KvmPit(Object& object) : ChipBase(object) {
    static_assert(sizeof(KernelCounter) == sizeof(i8254::Counter),
                  "the state's table steps from one to the next");
    context_.add_outputs("", 1);
    context_.add_inputs("", 1, inputs_);
    counters_[0].describe(context_.state(), kCounters);
    describe(context_.state(), "replaced", replaced_, 0, false);  // the level of the input
    timer_.create(context_.clock());
    describe_timer(context_.state(), "rise", timer_);
}

bool KvmPit::realize(Errors& errors) {
    if (!enter(errors) || !create(errors)) return false;
    MemoryRegion& registers = context_.memory().io("kvm-pit", 4, *this, {.maximum = 1});
    context_.export_region("registers", registers);
    auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
    return !isa || isa->add_ports(context_.object(), registers, Port(iobase_), errors);
}

/// Once in a machine's life; its line is where PCs have it.
bool KvmPit::create(Errors& errors) {
    const kvm_pit_config config{};
    if (const int result = request(vm_->fd(), KVM_CREATE_PIT2, &config); result < 0) {
        errors.fail(std::string("KVM refuses its interval timer (") + std::strerror(-result) +
                    "): use -accel kvm,kernel-irqchip=split");
        return false;
    }
    constexpr std::uint32_t kTimerGsi = 0, kIoApicPin = 2;
    if (!vm_->interrupts().routes().set(kTimerGsi, {GsiRoutes::pin(KVM_IRQCHIP_PIC_MASTER, 0),
                                                    GsiRoutes::pin(KVM_IRQCHIP_IOAPIC, kIoApicPin)})) {
        errors.fail("KVM refuses the line of its interval timer: use -accel kvm,kernel-irqchip=split");
        return false;
    }
    vm_->interrupts().set_timer_in_kernel();
    kvm_reinject_control control{};
    control.pit_reinject = lost_ticks_ == LostTicks::Delay;
    if (const int result = request(vm_->fd(), KVM_REINJECT_CONTROL, &control); result < 0)
        vm_->refusals().say("a policy for lost ticks", -result);
    return true;
}

void KvmPit::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter)
        for (unsigned i = 0; i < kCounters; ++i) counters_[i].power_on(i != 2, now());
    if (phase == ResetPhase::Hold) arm();
    ChipBase::reset(phase);
}

/// As the machine's own timer has it.
void KvmPit::arm() {
    timer_.cancel();
    counters_[0].settle(now());
    if (const auto rise = counters_[0].next_rise(now()); rise && !replaced_)
        timer_.arm(i8254::time_of(*rise));
}

bool KvmPit::after_load(Errors& errors) {
    for (const KernelCounter& counter : counters_)
        if (!counter.plausible()) {
            errors.fail("a counter of no count, or one loaded at no time");
            return false;
        }
    return ChipBase::after_load(errors);
}

bool KvmPit::get(kvm_pit_state2& state) const {
    const int result = request(vm_->fd(), KVM_GET_PIT2, &state);
    if (result < 0) vm_->refusals().say("to tell the interval timer's state", -result);
    return result >= 0;
}

void KvmPit::set(const kvm_pit_state2& state) const {
    if (const int result = request(vm_->fd(), KVM_SET_PIT2, &state); result < 0)
        vm_->refusals().say("the interval timer's state", -result);
}

void KvmPit::write_chip() {
    timer_.cancel();
    kvm_pit_state2 state{};
    for (unsigned i = 0; i < kCounters; ++i) state.channels[i] = counters_[i].to_kernel(now(), host_now());
    state.flags = replaced_ ? KVM_PIT_FLAGS_HPET_LEGACY : 0;
    set(state);
}

void KvmPit::read_chip() {
    kvm_pit_state2 state{};
    if (!get(state)) return;
    for (unsigned i = 0; i < kCounters; ++i) counters_[i].from_kernel(state.channels[i], now(), host_now());
    arm();
    // The kernel's goes on while the machine stands: it gets this back when the machine runs again.
    changed_ = true;
}

/// An HPET has the line while the input is low.
void KvmPit::replaced_changed(unsigned, int level) {
    replaced_ = level == 0;
    kvm_pit_state2 state{};
    if (!vm_ || changed_ || !get(state)) return;
    state.flags = replaced_ ? KVM_PIT_FLAGS_HPET_LEGACY : 0;
    set(state);
}

KernelCounter KvmPit::counter_now(unsigned counter) const {
    kvm_pit_state2 state{};
    if (changed_ || !get(state)) return counters_[counter];
    KernelCounter seen;
    seen.from_kernel(state.channels[counter], now(), host_now());
    return seen;
}

void KvmPit::set_gate(unsigned counter, int level) {
    if (counter >= kCounters) return;
    if (changed_) return counters_[counter].set_gate(level != 0, now());
    kvm_pit_state2 state{};
    if (!get(state) || (state.channels[counter].gate != 0) == (level != 0)) return;
    KernelCounter seen;
    seen.from_kernel(state.channels[counter], now(), host_now());
    seen.set_gate(level != 0, now());
    state.channels[counter] = seen.to_kernel(now(), host_now());
    set(state);
}

int KvmPit::gate(unsigned counter) const { return counter < kCounters && counter_now(counter).gate(); }
int KvmPit::output(unsigned counter) const {
    return counter < kCounters && counter_now(counter).output(now());
}

}  // namespace backplane::kvm
