// What a machine is doing, who asks it to do something else, and who hears of it.
#pragma once

#include "kernel/machine/machine_listener.h"
#include "kernel/machine/run_actions.h"
#include "kernel/machine/run_state.h"

#include <backplane/abi.h>
#include <backplane/event_loop.h>
#include <backplane/guest_health.h>
#include <backplane/sleep.h>

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace backplane::kernel {

struct MachineParts;

class RunControl final : Work, public GuestHealth, public MachineSleep {
  public:
    explicit RunControl(MachineParts& machine) : machine_(machine) {}

    // --- thread: main, holding the machine lock ---
    void start();  ///< not from Shutdown: that needs a reset first
    void stop(RunState why);
    void reset();  ///< CPUs are stopped and started around it
    /// The machine goes away: nothing that was asked for is carried out any more.
    void close();
    /// Interrupts processors, as far as their chips let that through; false where the machine has no input for it.
    bool inject_nmi();
    void set_actions(const RunActions& actions) { actions_ = actions; }
    const RunActions& actions() const { return actions_; }

    /// Stops the machine to be saved; what was asked for is carried out first, and afterwards waits.
    void begin_saving();
    RunState state_before_saving() const { return before_saving_; }
    /// `saved`: it stays stopped and lets go of what goes with it, as it may be going on elsewhere; else it goes on
    /// where it ran.
    void end_saving(bool saved);
    /// The machine does not run before a saved one's state arrived(), when what goes with it is taken. start() says
    /// that it shall run then.
    void expect_state();
    void arrived(bool run);
    /// It has a saved machine's state now: what the guest of before asked for means nothing any more, and devices are
    /// told when it first runs. `asleep`: it sleeps when it does.
    void state_loaded(bool asleep);

    void add_listener(EventListener& listener) { listeners_.push_back(&listener); }
    void remove_listener(EventListener& listener) { std::erase(listeners_, &listener); }
    /// `data` is JSON text of an object.
    void emit(std::string_view name, const std::string& data);

    /// Has the machine a device through which its guest can sleep?
    bool can_sleep() const;
    bool waking() const override { return waking_; }

    // --- thread: any; carried out on the loop ---
    RunState state() const { return state_; }
    /// Does its clock run?
    bool goes_on() const { return state_ == RunState::Running || state_ == RunState::Suspended; }
    void request_reset(std::string reason);
    void request_end(std::string reason, int exit_code);
    void request_powerdown();
    /// A disk waits for its host: the machine stands until users let it go on.
    void request_io_error();
    /// Nobody knows what state the machine is in: it stops for good.
    void request_internal_error(std::string message);
    void post_event(std::string name, std::string data);
    void report_panic() override;
    void report_watchdog() override;
    void request_sleep() override;
    void request_wake(WakeCause cause) override;
    bool asleep() const override { return asleep_; }

  private:
    /// Why the machine is to end ("guest-…" or "host-…", as SHUTDOWN names it), and the process's exit status then.
    struct EndRequest {
        std::string reason;
        int exit_code = 0;
        bool guest() const { return reason.starts_with("guest"); }
    };
    struct Requests {
        std::optional<std::string> reset;
        std::optional<EndRequest> end;
        bool powerdown = false;
        bool panic = false;
        bool watchdog = false;
        bool io_error = false;
        bool sleep = false;
        std::optional<WakeCause> wake;
        std::optional<std::string> internal_error;
        std::deque<std::pair<std::string, std::string>> events;
    };
    void request(const std::function<void(Requests&)>& change);
    void run() override { carry_out(); }
    void carry_out();
    void set_state(RunState state);
    bool come_here();
    void drain_disks();
    void power_down();
    void panicked(Requests& requests);
    bool stand(RunState why);
    void watchdog_expired(Requests& requests);
    bool end_is_due();
    template <class Interface, class Call>
    void tell_all(const char* name, const Call& call) const;
    void fall_asleep();
    void wake(WakeCause cause);

    MachineParts& machine_;
    std::atomic<RunState> state_{RunState::Prelaunch};
    RunState before_saving_ = RunState::Prelaunch;
    bool run_on_arrival_ = false;
    bool loaded_ = false;  ///< and has not run since
    /// The guest sleeps, also while the machine is stopped.
    std::atomic<bool> asleep_{false};
    bool waking_ = false;
    RunActions actions_;
    std::vector<EventListener*> listeners_;
    std::mutex mutex_;  ///< of the two below
    Requests requests_;
    bool posted_ = false;
};

}  // namespace backplane::kernel
