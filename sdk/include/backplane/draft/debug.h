// Draft: needs the exact host build. What a debugger uses of a machine: a CPU's registers as they are named for it,
// points at which an accelerator stops, and the machine's run state.
//
// Features, registers, groups and types are spelled as in the GDB manual, appendix G ("Target Descriptions").
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>

namespace backplane {

class Accelerator;
class Cpu;

/// One register. Its number is its place in the list of all features' registers, from 0.
struct DebugRegister {
    Str name{};
    std::uint16_t bits = 64;  ///< a multiple of 8, at most kMaximumBits
    Str type = "int";  ///< "int", "code_ptr", "data_ptr", "ieee_double", or one that the feature defines
    Str group{};       ///< "general", "float", "vector", "system"; empty: what follows from the type
    bool save_restore = true;  ///< may a debugger put it back after calling a function of the guest?
    std::uint32_t id = 0;      ///< the CPU's own
    static constexpr unsigned kMaximumBits = 2048;
};

struct DebugFeature {
    Str name{};   ///< "org.gnu.gdb.riscv.cpu"
    Str types{};  ///< XML elements that define types for this feature's registers; usually empty
    /// Read and written as one block with each stop (the packets g and G); else one at a time.
    bool general = true;
    Slice<const DebugRegister> registers{};
};

/// Offered by the part of a CPU that a debugger can look into. Thread: the CPU's own, or one that holds the machine
/// lock while no guest code of the CPU runs.
class CpuDebug {
  public:
    static constexpr const char* kId = "backplane.cpu-debug/draft";
    /// As the debugger names the architecture: "riscv:rv64".
    virtual Str debug_architecture() const = 0;
    /// Valid as long as the CPU, and the same at each call once it is realized.
    virtual Slice<const DebugFeature> debug_features() const = 0;
    /// Writes the value of `reg`, which is one of the features', in the guest's byte order: bits / 8 bytes. False: it
    /// cannot be read now.
    virtual bool read_register(const DebugRegister& reg, MutableBytes to) = 0;
    /// False: it cannot be written, or not to that. Who runs the CPU must hear of it (Accelerator::states_changed()).
    virtual bool write_register(const DebugRegister& reg, Bytes from) = 0;

  protected:
    ~CpuDebug() = default;
};

/// Why a CPU stopped for a debugger.
struct DebugStop {
    enum class Reason : std::uint8_t { Step, SoftwareBreakpoint, HardwareBreakpoint, Write, Read, Access };
    Reason reason = Reason::Step;
    std::uint64_t address = 0;  ///< watchpoints: the first byte that was touched of what is watched
};

/// A place to stop at, for all CPUs, by virtual address. Breakpoints stop ahead of their instruction, watchpoints behind
/// the one that accessed.
struct DebugPoint {
    DebugStop::Reason kind = DebugStop::Reason::SoftwareBreakpoint;
    std::uint64_t address = 0;
    std::uint64_t size = 1;  ///< watchpoints: bytes; address + size - 1 does not wrap
    bool operator==(const DebugPoint&) const = default;
};

class DebugListener {
  public:
    /// `cpu` stopped and stands until the accelerator is stopped and started again. Thread: the CPU's, without a
    /// lock; to be carried on by posting.
    virtual void cpu_stopped(Cpu& cpu, const DebugStop& stop) = 0;

  protected:
    ~DebugListener() = default;
};

/// How a CPU goes on with the next Accelerator::start().
enum class DebugResume : std::uint8_t {
    Run,
    RunPast,             ///< the instruction at the pc is not stopped at
    Step,                ///< one instruction, and a stop
    StepWithInterrupts,  ///< the same; a pending interrupt is taken first
    Stand,
};

/// Offered by an accelerator that can stop for a debugger. Thread: holding the machine lock, between Accelerator::stop()
/// and start().
class AcceleratorDebug {
  public:
    static constexpr const char* kId = "backplane.accelerator-debug/draft";
    /// Whom to tell of stops; null: nobody, and nothing stops.
    virtual void set_debug_listener(DebugListener* listener) = 0;
    /// Replaces all points. False: too many, or of a kind that this accelerator cannot stop at.
    virtual bool set_debug_points(Slice<const DebugPoint> points) = 0;
    /// Holds until it is set again. What a CPU does that was never told: Run.
    virtual void set_debug_resume(Cpu& cpu, DebugResume how) = 0;

  protected:
    ~AcceleratorDebug() = default;
};

/// Hears how the machine's run state changes, whoever changes it. Thread: holding the machine lock.
class RunListener {
  public:
    /// CPUs are about to run.
    virtual void machine_starts() = 0;
    /// No CPU runs any more. `state` as query-status names it: "paused", "debug", "shutdown" …
    virtual void machine_stopped(Str state) = 0;
    /// The program is about to end, with this exit status.
    virtual void machine_ends(int exit_code) = 0;

  protected:
    ~RunListener() = default;
};

/// The host interface "backplane.debug-control/draft". Thread: holding the machine lock, on the host loop.
class DebugControl {
  public:
    static constexpr const char* kId = "backplane.debug-control/draft";
    virtual bool running() const = 0;
    /// cont. False: the machine cannot go on in the state that it is in.
    virtual bool start_machine() = 0;
    /// Returns when no CPU runs. The state is "debug", or "paused" when a user asked.
    virtual void stop_machine(bool for_debugger) = 0;
    /// Empty until the machine is complete.
    virtual Slice<Cpu* const> cpus() const = 0;
    virtual Accelerator* accelerator() = 0;  ///< null until then
    /// The object that the accelerator is, for what else it offers; null until then.
    virtual class Object* accelerator_object() = 0;
    virtual void quit_machine() = 0;
    virtual void add_run_listener(RunListener& listener) = 0;
    virtual void remove_run_listener(RunListener& listener) = 0;

  protected:
    ~DebugControl() = default;
};

}  // namespace backplane
