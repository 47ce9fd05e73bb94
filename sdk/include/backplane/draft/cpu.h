// Draft: needs the exact host build. CPUs as boards, accelerators and the monitor see them.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>
#include <backplane/object.h>

#include <atomic>
#include <vector>

namespace backplane {

class AddressSpace;
class Clock;
class MachineLock;
class VcpuRunner;

/// What the vCPU's thread, translated code and everyone who wants its attention share. Stands first in the
/// architecture's state structure, so that translated code reaches it from the state pointer.
struct CpuRunState {
    /// Not 0: leave translated code at the next check. Set by anyone, cleared by the vCPU's thread.
    std::atomic<std::uint32_t> exit_request{0};
    /// Waiting for an interrupt (WFI, HLT). Written by the vCPU's thread.
    std::atomic<std::uint32_t> halted{0};
    /// The accelerator's own per-vCPU block (soft TLB, jump cache); translated code reaches it from here.
    void* engine = nullptr;
    /// The host's id of the thread that runs it (gettid(2)); 0 before there is one. Written by that thread.
    std::atomic<std::int32_t> thread_id{0};
};

/// What the host gives to a CPU, for the CPU's life.
struct CpuHost {
    std::uint32_t index = 0;  ///< among the machine's CPUs
    /// What it can see, by number (BoardContext::set_cpu_memory). At least number 0, in which it is after reset.
    std::vector<AddressSpace*> address_spaces{};
    Clock* clock = nullptr;  ///< the virtual clock
    MachineLock* lock = nullptr;
};

/// Offered by the part of a type derived from "cpu". The architecture's own state structure, in
/// <backplane/draft/ARCH/…>, is what state() points to; it begins with a CpuRunState.
class Cpu {
  public:
    static constexpr const char* kId = "backplane.cpu/draft";
    /// "riscv64", "x86_64": a translator's front end is the type "tcg-" + this.
    virtual Str architecture() const = 0;
    /// Called by the host, after the CPU was made and before it is realized; again when the board gives it memory of its
    /// own.
    virtual void set_host(const CpuHost& host) = 0;
    virtual std::uint32_t index() const = 0;
    virtual Object& object() = 0;
    virtual void* state() = 0;
    CpuRunState& run_state() { return *static_cast<CpuRunState*>(state()); }
    virtual std::size_t address_space_count() const = 0;
    virtual AddressSpace& address_space(std::size_t number) = 0;
    /// The number of the one that it is in: what its physical addresses mean now. The CPU must be stopped, or the caller its
    /// thread.
    virtual std::size_t current_address_space() const { return 0; }
    AddressSpace& address_space() { return address_space(current_address_space()); }
    /// Set by the accelerator that runs it: whom to kick. Null when none does.
    virtual void set_runner(VcpuRunner* runner) = 0;
    /// Must a halted CPU run (an enabled interrupt is pending)? Thread: any.
    virtual bool has_work() const = 0;
    virtual std::uint64_t program_counter() const = 0;
    virtual void set_program_counter(std::uint64_t value) = 0;
    /// Is it off until another CPU starts it (a hart that is stopped at reset)?
    virtual bool powered_off() const = 0;
    /// `info registers` and `-d cpu`. The CPU must be stopped, or the caller its thread.
    virtual void dump(TextSink& out) const = 0;
    /// The physical address of a virtual one for a debugger, in address_space(); false when not mapped. No side effect.
    virtual bool translate_debug(std::uint64_t virtual_address, GuestAddress& physical) = 0;

  protected:
    ~Cpu() = default;
};

/// The accelerator's side of one CPU.
class VcpuRunner {
  public:
    /// Makes the vCPU look at its interrupts soon, and wakes it when it is halted. Thread: any; never blocks.
    virtual void kick() = 0;
    /// Runs `work(data)` on the vCPU's thread between instructions (or at once when called there or when it is
    /// stopped) and returns when it is done. The caller must not hold a lock that the vCPU could wait for, other than
    /// the machine lock, which is dropped meanwhile.
    virtual void run_on(void (*work)(void* data), void* data) = 0;

  protected:
    ~VcpuRunner() = default;
};

}  // namespace backplane
