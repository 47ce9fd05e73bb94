// The local APIC's timer: one-shot, periodic, TSC deadline.
//
// Follows SDM 3A 11.5.4. Its clock is 1 GHz before the divider. It counts by the machine's clock: reading it costs nothing,
// and while its interrupt is masked nothing runs.
#pragma once

#include <backplane/device.h>
#include <backplane/x86.h>
#include <lib/interrupt_chips.h>

namespace backplane::apic {

class ApicTimer final : chips::ApicTimerRegisters {
  public:
    /// Who hears of it.
    class Owner {
      public:
        virtual void timer_expired() = 0;

      protected:
        ~Owner() = default;
    };
    enum class Kind : std::uint8_t { OneShot, Periodic, Deadline };

    ApicTimer(DeviceContext& context, Owner& owner);
    void set_tsc(x86::TimeStampCounter* tsc) { tsc_ = tsc; }

    /// The LVT entry says which kind it is and whether anybody hears.
    void set_entry(std::uint32_t entry);
    std::uint32_t initial_count() const { return initial_count_; }
    void set_initial_count(std::uint32_t count);
    std::uint32_t current_count() const;
    std::uint32_t divide() const { return divide_; }
    void set_divide(std::uint32_t value);
    std::uint64_t deadline() const { return deadline_; }
    void set_deadline(std::uint64_t tsc);
    void stop();
    /// After a load, with the entry that it had.
    void resume_counting(std::uint32_t entry);

  private:
    static Kind kind_of(std::uint32_t entry);
    std::uint64_t now() const { return context_.clock().now_ns(); }
    void schedule(std::uint64_t after);
    void expired();

    DeviceContext& context_;
    Owner& owner_;
    x86::TimeStampCounter* tsc_ = nullptr;
    OwnedTimer<&ApicTimer::expired> timer_{*this};
    Kind kind_ = Kind::OneShot;
    bool masked_ = true;
};

}  // namespace backplane::apic
