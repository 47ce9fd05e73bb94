#include "kernel/machine/run_control.h"

#include "kernel/machine/json_text.h"
#include "kernel/machine/machine_parts.h"

#include <backplane/block.h>
#include <backplane/nmi.h>
#include <backplane/power.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace backplane::kernel {

const char* run_state_name(RunState state) {
    switch (state) {
    case RunState::Prelaunch: return "prelaunch";
    case RunState::Running: return "running";
    case RunState::Paused: return "paused";
    case RunState::Suspended: return "suspended";
    case RunState::Debug: return "debug";
    case RunState::Shutdown: return "shutdown";
    case RunState::GuestPanicked: return "guest-panicked";
    case RunState::Watchdog: return "watchdog";
    case RunState::InternalError: return "internal-error";
    case RunState::IoError: return "io-error";
    case RunState::InMigrate: return "inmigrate";
    case RunState::FinishMigrate: return "finish-migrate";
    case RunState::PostMigrate: return "postmigrate";
    }
    return "";
}

namespace {

/// For all disks together.
constexpr std::chrono::seconds kDrainLimit{10};

std::string reason_data(const std::string& reason) {
    return std::string("{\"guest\":") + (reason.starts_with("guest") ? "true" : "false") +
           ",\"reason\":" + json_quoted(reason) + "}";
}

}  // namespace

/// What is asked for is carried out on the loop, together with whatever else came in meanwhile.
void RunControl::request(const std::function<void(Requests&)>& change) {
    bool post = false;
    {
        const std::lock_guard guard(mutex_);
        change(requests_);
        post = !std::exchange(posted_, true);
    }
    if (post) machine_.loop.post(*this);
}

void RunControl::carry_out() {
    Requests todo;
    {
        const std::lock_guard guard(mutex_);
        todo = std::exchange(requests_, {});
        posted_ = false;
        // What is being saved must not change.
        if (state_ == RunState::FinishMigrate) {
            requests_.reset = std::exchange(todo.reset, {});
            requests_.powerdown = std::exchange(todo.powerdown, false);
            requests_.sleep = std::exchange(todo.sleep, false);
            requests_.wake = std::exchange(todo.wake, {});
            if (todo.end && todo.end->guest()) requests_.end = std::exchange(todo.end, {});
        }
    }
    for (const auto& [name, data] : todo.events) emit(name, data);
    if (todo.internal_error) {
        machine_.hub.write(LogLevel::Error, "machine", *todo.internal_error);
        stop(RunState::InternalError);
    }
    if (todo.io_error && goes_on()) stop(RunState::IoError);
    if (todo.panic) panicked(todo);
    if (todo.watchdog) watchdog_expired(todo);
    if (todo.sleep) fall_asleep();
    if (todo.powerdown) power_down();
    const bool reset_ends =
        todo.reset && actions_.reboot == RunActions::Reboot::Shutdown && todo.reset->starts_with("guest");
    if (reset_ends && !todo.end) todo.end = EndRequest{*todo.reset};
    if (todo.end) {
        if (!todo.end->guest()) machine_.loop.begin_end();
        emit("SHUTDOWN", reason_data(todo.end->reason));
        if (actions_.shutdown == RunActions::Shutdown::Pause && todo.end->guest())
            return stop(RunState::Shutdown);
        stand(RunState::Shutdown);  // nobody is told that it could go on
        machine_.debug.tell([&](RunListener& listener) { listener.machine_ends(todo.end->exit_code); });
        machine_.loop.stop(todo.end->exit_code);
        return;
    }
    if (todo.reset) {
        reset();
        emit("RESET", reason_data(*todo.reset));
    }
    if (todo.wake) wake(*todo.wake);
}

/// Asks the guest, which may not have looked for a button, or may do something else.
void RunControl::power_down() {
    machine_.objects->walk(machine_.objects->root(), [](Instance& instance) {
        auto* button = query<PowerButton>(instance);
        if (button) contained(instance.callee(), "PowerButton::press()", [&] { button->press(); });
    });
    emit("POWERDOWN", "{}");
}

bool RunControl::inject_nmi() {
    bool any = false;
    machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
        auto* input = query<NmiInput>(instance);
        if (!input) return;
        any = true;
        contained(instance.callee(), "NmiInput::inject_nmi()", [&] { input->inject_nmi(); });
    });
    return any;
}

void RunControl::close() { machine_.loop.cancel(*this); }

/// The guest's kernel said that it cannot go on.
void RunControl::panicked(Requests& requests) {
    constexpr int kFailure = 1;
    switch (actions_.panic) {
    case RunActions::Panic::None: return emit("GUEST_PANICKED", "{\"action\":\"run\"}");
    case RunActions::Panic::Pause:
        emit("GUEST_PANICKED", "{\"action\":\"pause\"}");
        return stop(RunState::GuestPanicked);
    case RunActions::Panic::Shutdown:
    case RunActions::Panic::ExitFailure: break;
    }
    emit("GUEST_PANICKED", "{\"action\":\"poweroff\"}");
    const int status = actions_.panic == RunActions::Panic::ExitFailure ? kFailure : 0;
    if (!requests.end) requests.end = EndRequest{"guest-panic", status};
}

void RunControl::watchdog_expired(Requests& requests) {
    const auto say = [&](const char* action) {
        emit("WATCHDOG", std::string("{\"action\":\"") + action + "\"}");
    };
    switch (actions_.watchdog) {
    case RunActions::Watchdog::Reset:
        say("reset");
        if (!requests.reset) requests.reset = "guest-reset";
        return;
    case RunActions::Watchdog::Shutdown:
        say("shutdown");
        requests.powerdown = true;
        return;
    case RunActions::Watchdog::Poweroff:
        say("poweroff");
        if (!requests.end) requests.end = EndRequest{"guest-shutdown"};
        return;
    case RunActions::Watchdog::Pause: say("pause"); return stop(RunState::Watchdog);
    case RunActions::Watchdog::Debug:
        say("debug");
        return machine_.hub.write(LogLevel::Warning, "machine", "the watchdog ran out");
    case RunActions::Watchdog::None: return say("none");
    case RunActions::Watchdog::InjectNmi:
        say("inject-nmi");
        if (!inject_nmi())
            machine_.hub.write(LogLevel::Warning, "machine",
                               "the watchdog ran out, and the machine does not provide NMIs");
        return;
    }
}

/// An internal error is for good: nobody knows what state the machine is in.
void RunControl::set_state(RunState next) {
    if (state_ != RunState::InternalError) state_ = next;
}

void RunControl::emit(std::string_view name, const std::string& data) {
    // A listener may take itself off.
    const std::vector<EventListener*> all = listeners_;
    for (EventListener* listener : all)
        if (std::ranges::find(listeners_, listener) != listeners_.end()) listener->machine_event(name, data);
}

/// Whoever asks for the end while the machine is made (a board that only describes it) has it before a CPU runs.
bool RunControl::end_is_due() {
    const std::lock_guard guard(mutex_);
    return requests_.end.has_value();
}

void RunControl::start() {
    for (const RunState standing : {RunState::Running, RunState::Suspended, RunState::InternalError,
                                    RunState::Shutdown, RunState::FinishMigrate})
        if (state_ == standing) return;
    if (end_is_due()) return;
    if (state_ == RunState::InMigrate) {
        run_on_arrival_ = true;
        return;
    }
    if (!come_here()) return;
    if (std::exchange(loaded_, false)) machine_.devices.resume();
    set_state(asleep_ ? RunState::Suspended : RunState::Running);
    machine_.debug.tell([](RunListener& listener) { listener.machine_starts(); });
    machine_.loop.virtual_clock().start();
    machine_.disk_failures.go_on();
    if (!asleep_) machine_.processors.start();
    emit("RESUME", "{}");
}

/// A machine that another process has does not run here.
bool RunControl::come_here() {
    ErrorText errors;
    if (machine_.whereabouts.come(errors)) return true;
    machine_.hub.write(LogLevel::Error, "machine", "the machine cannot go on here: " + errors.text());
    return false;
}

void RunControl::stop(RunState why) {
    if (stand(why)) emit("STOP", "{}");
}

/// False where it stood already.
bool RunControl::stand(RunState why) {
    const bool went_on = goes_on(), was_running = state_ == RunState::Running;
    set_state(why);
    if (!went_on) return false;
    if (was_running) machine_.processors.stop();
    machine_.loop.virtual_clock().stop();
    drain_disks();
    machine_.debug.tell([&](RunListener& listener) { listener.machine_stopped(run_state_name(why)); });
    return true;
}

/// What a stopped machine has on its disks is what it wrote. A host that never answers does not hold up a monitor for
/// good.
void RunControl::drain_disks() {
    const auto limit = std::chrono::steady_clock::now() + kDrainLimit;
    machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
        auto* node = backplane::query<BlockBackend>(instance);
        if (!node || !instance.is_a("block-node") || !instance.realized()) return;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
        bool done = false;
        contained(instance.callee(), "BlockBackend::drain_for()",
                  [&] { done = node->drain_for(std::uint32_t(std::max<std::int64_t>(0, left.count()))); });
        if (!done)
            machine_.hub.write(LogLevel::Warning, "machine",
                               "the machine stopped, and block node '" + std::string(instance.id().view()) +
                                   "' still has requests that the host did not finish");
    });
}

void RunControl::reset() {
    if (state_ == RunState::InternalError) return;
    const bool running = goes_on();
    if (state_ == RunState::Running) machine_.processors.stop();
    machine_.reset_all();
    asleep_ = false;
    if (running) {
        set_state(RunState::Running);
        machine_.processors.start();
    } else if (state_ != RunState::InMigrate) {
        set_state(RunState::Prelaunch);
    }
    loaded_ = false;
}

void RunControl::begin_saving() {
    const bool went_on = goes_on();
    if (went_on) stop(RunState::Paused);
    carry_out();
    VirtualClock& clock = machine_.loop.virtual_clock();
    clock.step_to(clock.now_ns());  // timers that are due
    const RunState running = asleep_ ? RunState::Suspended : RunState::Running;
    before_saving_ = went_on && state_ == RunState::Paused ? running : state_.load();
    set_state(RunState::FinishMigrate);
}

void RunControl::end_saving(bool saved) {
    if (state_ != RunState::FinishMigrate) return;
    if (saved) machine_.whereabouts.leave();
    const bool here = !saved && come_here();
    const bool went_on = before_saving_ == RunState::Running || before_saving_ == RunState::Suspended;
    set_state(saved ? RunState::PostMigrate : went_on ? RunState::Paused : before_saving_);
    if (here && went_on) start();
    machine_.standstill.over();
    request([](Requests&) {});  // what had to wait
}

void RunControl::expect_state() {
    if (state_ != RunState::Prelaunch) return;
    set_state(RunState::InMigrate);
    machine_.whereabouts.leave();
}

void RunControl::arrived(bool run) {
    if (state_ != RunState::InMigrate) return;
    set_state(RunState::Paused);
    if (come_here() && run && run_on_arrival_) start();
}

void RunControl::state_loaded(bool asleep) {
    const std::lock_guard guard(mutex_);
    requests_.reset.reset();
    requests_.powerdown = false;
    requests_.sleep = false;
    requests_.wake.reset();
    asleep_ = asleep;
    if (requests_.end && requests_.end->guest()) requests_.end.reset();
    loaded_ = true;
}

void RunControl::request_reset(std::string reason) {
    request([&](Requests& r) { r.reset = std::move(reason); });
}
void RunControl::request_end(std::string reason, int exit_code) {
    request([&](Requests& r) {
        EndRequest wanted{std::move(reason), exit_code};
        if (!r.end || (r.end->guest() && !wanted.guest())) r.end = std::move(wanted);
    });
}
void RunControl::request_powerdown() {
    request([](Requests& r) { r.powerdown = true; });
}
void RunControl::request_io_error() {
    request([](Requests& r) { r.io_error = true; });
}
void RunControl::request_internal_error(std::string message) {
    request([&](Requests& r) { r.internal_error = std::move(message); });
}
void RunControl::report_panic() {
    request([](Requests& r) { r.panic = true; });
}
void RunControl::report_watchdog() {
    request([](Requests& r) { r.watchdog = true; });
}
void RunControl::post_event(std::string name, std::string data) {
    request([&](Requests& r) { r.events.emplace_back(std::move(name), std::move(data)); });
}

}  // namespace backplane::kernel
