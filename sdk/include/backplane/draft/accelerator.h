// Draft: needs the exact host build. Accelerators: what makes CPUs run.
#pragma once

#include <backplane/clock.h>
#include <backplane/draft/address_space.h>
#include <backplane/draft/cpu.h>
#include <backplane/draft/mark.h>
#include <backplane/log.h>
#include <backplane/memory.h>

namespace backplane {

/// What the host gives to an accelerator. Owner: the host, for the machine's life.
class AcceleratorContext {
  public:
    virtual Object& object() = 0;
    virtual Log& log() = 0;
    virtual MachineLock& lock() = 0;
    virtual Clock& clock() = 0;
    virtual AddressSpace& system_memory() = 0;
    virtual AddressSpace& io_ports() = 0;
    /// Are the machine's CPUs of type `type`, or derived from it? For open(): an accelerator that runs some alone.
    virtual bool cpus_are(Str type) = 0;
    /// What the type of the machine's CPUs says that it is of; "" where it says nothing, or there are none. For open().
    virtual Str cpu_architecture() = 0;
    /// Makes an object (a front end) below the accelerator. What it offers is the machine's as what the accelerator offers.
    virtual Object* create(Str type, Str name, Errors& errors) = 0;
    /// A vCPU thread could not go on (our bug, or a host failure): the machine stops with run state
    /// "internal-error" and the message is shown.
    virtual void internal_error(Str message) = 0;
    virtual void* host_interface(Str interface_id) = 0;

  protected:
    ~AcceleratorContext() = default;
};

/// Offered by the part of a type derived from "accelerator". Thread: main, with the machine lock held, unless said.
class Accelerator {
  public:
    static constexpr const char* kId = "backplane.accelerator/draft";
    /// Is it usable here? False and the reason (why the next in `-accel a:b` is tried).
    virtual bool open(AcceleratorContext& context, Errors& errors) = 0;
    /// Takes a realized CPU and makes its runner, stopped. False and a reason.
    virtual bool attach(Cpu& cpu, Errors& errors) = 0;
    virtual void detach(Cpu& cpu) = 0;
    /// All vCPUs may run from now on.
    virtual void start() = 0;
    /// Returns when no vCPU executes guest code; their states are then complete in Cpu::state(). Drops the machine
    /// lock while it waits.
    virtual void stop() = 0;
    /// stop() follows: no vCPU goes beyond the instruction that it is at, the caller's neither, if it can be had. Returns at
    /// once. Thread: main or a vCPU's, with the machine lock held.
    virtual void request_stop() {}
    /// The states of all CPUs were changed from outside (reset, load): forget what was derived from them.
    virtual void states_changed() = 0;

  protected:
    ~Accelerator() = default;
};

/// Offered as well by an accelerator that has chips of its own (a hypervisor's interrupt controllers).
class ChipReplacements {
  public:
    static constexpr const char* kId = "backplane.chip-replacements/draft";
    /// The type that stands in for a device of type `type` on a board, with the same wires, regions, properties and
    /// state, as this accelerator was set up; `type` itself where there is none.
    virtual Str replacement(Str type) const = 0;

  protected:
    ~ChipReplacements() = default;
};

/// Offered as well by an accelerator whose virtual clock does not follow the host's (qtest).
class ClockSource {
  public:
    static constexpr const char* kId = "backplane.clock-source/draft";
    /// The virtual clock stands still but for this accelerator's steps.
    virtual bool manual_clock() const = 0;

  protected:
    ~ClockSource() = default;
};

/// The host interface "backplane.manual-clock/draft" for such an accelerator: moves the virtual clock, running
/// timers on the way in order of deadline. Thread: holding the machine lock.
class ManualClock {
  public:
    static constexpr const char* kId = "backplane.manual-clock/draft";
    virtual void step_to(std::uint64_t now_ns) = 0;
    virtual std::uint64_t next_deadline() const = 0;  ///< ~0: none

  protected:
    ~ManualClock() = default;
};

/// The host interface "backplane.wire-probe/draft": watches the inputs or outputs of a device. Called with the lock
/// held. With `intercept` outputs no longer reach their inputs (as irq_intercept_out does).
class WireProbe {
  public:
    static constexpr const char* kId = "backplane.wire-probe/draft";
    using Callback = void (*)(void* data, Str name, unsigned index, int level);
    virtual bool intercept_inputs(Object& device, Callback callback, void* data, Errors& errors) = 0;
    virtual bool intercept_outputs(Object& device, Str name, Callback callback, void* data,
                                   Errors& errors) = 0;
    virtual bool set_input(Object& device, Str name, unsigned index, int level, Errors& errors) = 0;

  protected:
    ~WireProbe() = default;
};

}  // namespace backplane
