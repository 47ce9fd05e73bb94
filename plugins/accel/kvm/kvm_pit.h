// "kvm-pit": the kernel's 8254 in place of "isa-pit", with its properties and state.
//
// Follows api.rst: KVM_CREATE_PIT2, KVM_GET/SET_PIT2, KVM_REINJECT_CONTROL. Its output is no wire: it raises line 0 of the
// kernel's 8259 and line 2 of its I/O APIC, as PCs are wired.
#pragma once

#include "chips.h"

#include <backplane/interval_timer.h>
#include <lib/interval_counter.h>

namespace backplane::kvm {

/// A counter as the kernel has it and back. `now`: ticks of the machine; `host_now`: ns of the host's monotonic clock, by
/// which the kernel says when it was loaded.
class KernelCounter final : public i8254::Counter {
  public:
    void from_kernel(const kvm_pit_channel_state& from, i8254::Tick now, std::int64_t host_now);
    kvm_pit_channel_state to_kernel(i8254::Tick now, std::int64_t host_now) const;
};

class KvmPit final : public ChipBase, public IoHandler, public IntervalTimer {
  public:
    static const PropertyInfo kProperties[2];
    static constexpr unsigned kCounters = 3;

    explicit KvmPit(Object& object);
    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;

    // The kernel answers before these are reached.
    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}

    // IntervalTimer
    void set_gate(unsigned counter, int level) override;
    int gate(unsigned counter) const override;
    int output(unsigned counter) const override;

    std::uint32_t iobase_ = 0x40;
    /// Default: Delay.
    enum class LostTicks : std::uint8_t { Delay, Discard };
    LostTicks lost_ticks_ = LostTicks::Delay;

  private:
    bool create(Errors& errors);
    void write_chip() override;
    void read_chip() override;
    void replaced_changed(unsigned, int level);
    void nothing() {}
    void arm();
    i8254::Tick now() const { return i8254::tick_of(context_.clock().now_ns()); }
    bool get(kvm_pit_state2& state) const;
    void set(const kvm_pit_state2& state) const;
    /// As it is in the kernel now, while the machine runs.
    KernelCounter counter_now(unsigned counter) const;

    InputOf<&KvmPit::replaced_changed> inputs_{*this};
    OwnedTimer<&KvmPit::nothing> timer_{*this};  ///< while it stands, for who goes on with the state
    KernelCounter counters_[kCounters];
    bool replaced_ = false;
};

}  // namespace backplane::kvm
