// One debugger's session: what its packets ask, and what they are answered. GDB manual, appendix E.
//
// Threads are CPUs, number N being CPU N - 1, in one process. All stop together. Not here: non-stop mode, tracepoints,
// reverse execution, files of the host, conditions that the stub evaluates.
#pragma once

#include "debuggee.h"
#include "packet.h"

#include <backplane/draft/management.h>
#include <backplane/standstill.h>

#include <functional>

namespace backplane::gdb {

/// Errors as numbers have no meaning to the client; this is the host's.
inline constexpr unsigned kInvalid = 22, kBusy = 16;

/// Thread: the host loop, with the machine lock held.
class Session final : DebuggeeListener, ManagementCaller {
  public:
    using Write = std::function<void(std::string_view bytes)>;
    /// `management` may be null: no monitor commands then; and so may `standstill`: the machine is never saved.
    Session(DebugControl& run, EventLoop& loop, Management* management, Standstill* standstill, Write write);

    /// A client came, and left.
    void begin();
    void end();
    bool active() const { return active_; }
    void receive(Bytes bytes);

  private:
    /// A packet's answer; nothing when there is none, or it comes later.
    using Answer = std::optional<std::string>;
    using Handler = Answer (Session::*)(std::string_view arguments);
    struct Row {
        std::string_view name;
        Handler handler;
    };
    /// Which CPUs a thread-id of the protocol means.
    struct Thread {
        bool all = false, any = false;
        std::size_t cpu = 0;
        bool matches(std::size_t index) const { return all || any || cpu == index; }
    };

    // ---- session.cpp
    void handle(PacketEvent event);
    Answer answer(std::string_view packet);
    void send(std::string_view payload);
    void debuggee_stopped(const StopReport& report) override;
    void debuggee_ends(int exit_code) override;
    void management_reply(const ManagementReply& reply) override;
    int take_passed_descriptor() override { return -1; }
    std::string stop_reply(const StopReport& report) const;
    std::optional<Thread> take_thread(std::string_view& text) const;
    std::string thread_name(std::size_t cpu) const;
    static std::string error(unsigned number);
    /// What is written to a stream does not change meanwhile.
    bool being_saved() const { return standstill_ && standstill_->now(); }

    // ---- session_state.cpp: registers, memory, breakpoints
    Answer read_registers(std::string_view);
    Answer write_registers(std::string_view arguments);
    Answer read_register(std::string_view arguments);
    Answer write_register(std::string_view arguments);
    Answer read_memory(std::string_view arguments);
    Answer write_memory(std::string_view arguments);
    Answer write_binary(std::string_view arguments);
    Answer insert_point(std::string_view arguments) { return change_point(arguments, true); }
    Answer remove_point(std::string_view arguments) { return change_point(arguments, false); }
    Answer change_point(std::string_view arguments, bool insert);
    template <class Visit>
    void for_each_general(Visit visit) const;

    // ---- session_run.cpp: threads, and how they go on
    Answer why_stopped(std::string_view);
    Answer select_thread(std::string_view arguments);
    Answer thread_alive(std::string_view arguments);
    Answer go_on(std::string_view arguments) { return resume_selected(arguments, DebugResume::Run); }
    Answer step(std::string_view arguments) { return resume_selected(arguments, step_kind()); }
    Answer go_on_with_signal(std::string_view arguments);
    Answer step_with_signal(std::string_view arguments);
    Answer resume_selected(std::string_view arguments, DebugResume how);
    Answer resume_each(std::string_view arguments);
    Answer can_resume(std::string_view);
    Answer resume(const std::vector<DebugResume>& how);
    Answer detach(std::string_view);
    Answer kill(std::string_view);
    Answer kill_process(std::string_view);
    Answer attach_process(std::string_view);
    DebugResume step_kind() const {
        return step_bits_ & kNoInterrupts ? DebugResume::Step : DebugResume::StepWithInterrupts;
    }

    // ---- session_query.cpp
    Answer supported(std::string_view arguments);
    Answer start_no_ack(std::string_view);
    Answer extended(std::string_view);
    Answer nothing(std::string_view) { return ""; }
    Answer is_attached(std::string_view) { return "1"; }
    Answer current_thread(std::string_view);
    Answer first_threads(std::string_view);
    Answer more_threads(std::string_view);
    Answer thread_extra(std::string_view arguments);
    Answer transfer(std::string_view arguments);
    Answer monitor_command(std::string_view arguments);
    Answer step_bits_names(std::string_view);
    Answer step_bits(std::string_view);
    Answer set_step_bits(std::string_view arguments);
    Answer physical_memory(std::string_view);
    Answer set_physical_memory(std::string_view arguments);
    std::string list_threads();

    static const Row kLetters[], kNames[];
    static constexpr unsigned kStepEnabled = 1, kNoInterrupts = 2;

    Debuggee debuggee_;
    Management* management_;
    Standstill* standstill_;
    Write write_;
    PacketReader reader_;
    bool active_ = false;
    bool acknowledges_ = true;
    bool waits_ = false;                                                          ///< for a stop
    bool processes_ = false, software_breaks_ = false, hardware_breaks_ = false;  ///< what the client knows
    unsigned step_bits_ = kStepEnabled | kNoInterrupts;
    std::size_t general_cpu_ = 0;  ///< of registers and memory
    Thread resumed_;               ///< of c and s
    std::size_t threads_listed_ = 0;
    StopReport last_stop_;
    std::string last_packet_;
};

}  // namespace backplane::gdb
