// The machine as a debugger sees it: CPUs, registers, memory, points to stop at, and how it goes on.
#pragma once

#include <backplane/draft/accelerator.h>
#include <backplane/draft/cpu.h>
#include <backplane/draft/debug.h>
#include <backplane/event_loop.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace backplane::gdb {

/// What the debugger is told of a stop.
struct StopReport {
    std::size_t cpu = 0;              ///< index
    std::optional<DebugStop> stop{};  ///< none: the machine stopped for another reason
    std::string state{};              ///< the machine's, then
};

/// Who hears of stops. Thread: the host loop, with the machine lock held.
class DebuggeeListener {
  public:
    virtual void debuggee_stopped(const StopReport& report) = 0;
    virtual void debuggee_ends(int exit_code) = 0;

  protected:
    ~DebuggeeListener() = default;
};

/// Thread: the host loop, with the machine lock held.
class Debuggee final : DebugListener, RunListener, Work {
  public:
    Debuggee(DebugControl& run, EventLoop& loop, DebuggeeListener& listener);
    ~Debuggee();

    /// A debugger came: the machine stops, now or as soon as there is one.
    void attach();
    /// It left: nothing stops for it any more. The machine stays as it is.
    void detach();

    std::size_t cpu_count() const { return run_.cpus().size; }
    Cpu& cpu(std::size_t index) const { return *run_.cpus()[index]; }
    bool halted(std::size_t cpu) const;
    bool running() const { return run_.running(); }

    // ---- registers, by the numbers of the first CPU's list
    Slice<const DebugFeature> features() const;
    const DebugRegister* find_register(std::size_t cpu, std::uint64_t number) const;
    /// Empty: it cannot be read.
    std::string read_register(std::size_t cpu, const DebugRegister& reg);
    bool write_register(std::size_t cpu, const DebugRegister& reg, std::string_view value);
    void set_program_counter(std::size_t cpu, std::uint64_t value);

    // ---- memory, without side effects
    bool physical = false;  ///< addresses are physical ones
    /// As many bytes from `address` on as can be read.
    std::string read_memory(std::size_t cpu, std::uint64_t address, std::uint64_t size);
    bool write_memory(std::size_t cpu, std::uint64_t address, std::string_view bytes);

    // ---- running
    bool can_stop_at_points() const { return debug() != nullptr; }
    enum class PointResult { Done, TooMany };
    PointResult insert(const DebugPoint& point);
    PointResult remove(const DebugPoint& point);
    /// One entry for each CPU. False: the machine cannot go on.
    bool resume(const std::vector<DebugResume>& how);
    void interrupt() { run_.stop_machine(false); }
    void quit() { run_.quit_machine(); }

  private:
    /// While one lives, no guest code runs.
    class Quiet;

    AcceleratorDebug* debug() const;
    CpuDebug* registers_of(std::size_t cpu) const;
    PointResult set_points(std::vector<DebugPoint> points);
    void resume_all(DebugResume how);
    template <class Piece>
    std::uint64_t for_each_page(std::size_t cpu, std::uint64_t address, std::uint64_t size, Piece piece);

    void cpu_stopped(Cpu& cpu, const DebugStop& stop) override;
    void machine_starts() override;
    void machine_stopped(Str state) override;
    void machine_ends(int exit_code) override { listener_.debuggee_ends(exit_code); }
    void run() override;

    DebugControl& run_;
    EventLoop& loop_;
    DebuggeeListener& listener_;
    std::vector<DebugPoint> points_;
    bool attached_ = false;
    bool stop_soon_ = false;  ///< a debugger came before the machine ran
    bool registers_changed_ = false;
    unsigned quiet_ = 0;  ///< how many Quiets live: the first one stops the CPUs

    std::mutex mutex_;
    std::vector<std::pair<Cpu*, DebugStop>> arrived_;  ///< stops that are not reported
};

}  // namespace backplane::gdb
