// Run state, reset, shutdown, events.
#include "kernel/machine/json_text.h"
#include "kernel/machine/machine_state.h"

#include <algorithm>
#include <utility>

namespace backplane::kernel {

namespace {

std::string reason_data(const std::string& reason) {
    return std::string("{\"guest\":") + (reason.starts_with("guest") ? "true" : "false") +
           ",\"reason\":" + json_quoted(reason) + "}";
}

}  // namespace

/// Any thread: what is asked for is carried out on the loop, together with whatever else came in meanwhile.
void MachineState::request(const std::function<void(Requests&)>& change) {
    bool post = false;
    {
        const std::lock_guard guard(request_mutex);
        change(requests);
        post = !std::exchange(work_posted, true);
    }
    if (post) loop.post(*this);
}

void MachineState::carry_out_requests() {
    Requests todo;
    {
        const std::lock_guard guard(request_mutex);
        todo = std::exchange(requests, {});
        work_posted = false;
    }
    for (const auto& [name, data] : todo.events) emit(name, data);
    if (todo.internal_error) {
        hub.write(LogLevel::Error, "machine", *todo.internal_error);
        machine.stop(RunState::InternalError);
    }
    if (todo.powerdown) emit("POWERDOWN", "{}");
    const bool reset_ends = todo.reset && no_reboot && todo.reset->starts_with("guest");
    if (reset_ends && !todo.end) todo.end = EndRequest{*todo.reset};
    if (todo.end) {
        emit("SHUTDOWN", reason_data(todo.end->reason));
        machine.stop(RunState::Shutdown);
        if (!no_shutdown || !todo.end->guest()) loop.stop(todo.end->exit_code);
        return;
    }
    if (todo.reset) {
        machine.reset();
        emit("RESET", reason_data(*todo.reset));
    }
}

void MachineState::internal_error(Str message) {
    request([&](Requests& r) { r.internal_error = std::string(message.view()); });
}

/// An internal error is for good: nobody knows what state the machine is in.
void MachineState::set_run_state(RunState next) {
    if (run_state != RunState::InternalError) run_state = next;
}

void MachineState::emit(std::string_view name, const std::string& data) {
    // A listener may take itself off.
    const std::vector<EventListener*> all = listeners;
    for (EventListener* listener : all)
        if (std::ranges::find(listeners, listener) != listeners.end()) listener->machine_event(name, data);
}

void MachineState::reset_devices() {
    std::vector<Instance*> devices;
    objects->walk(objects->root(), [&](Instance& instance) {
        if (instance.is_a("device") && instance.realized()) devices.push_back(&instance);
    });
    for (const ResetPhase phase : {ResetPhase::Enter, ResetPhase::Hold, ResetPhase::Exit})
        for (Instance* device : devices) context_of(*device).reset(phase);
    if (board) {  // a device on a bench has none
        auto& context = static_cast<BoardContextImpl&>(*machine_instance->context());
        context.load_blobs();
        board->reset(context);
    }
    if (accelerator) accelerator->states_changed();
}

void MachineState::step_to(std::uint64_t now_ns) { loop.virtual_clock().step_to(now_ns); }
std::uint64_t MachineState::next_deadline() const { return loop.virtual_clock().next_deadline(); }

RunState Machine::run_state() const { return state_->run_state; }

void Machine::start() {
    const std::lock_guard guard(state_->machine_lock);
    if (state_->run_state == RunState::Running || state_->run_state == RunState::InternalError) return;
    if (state_->run_state == RunState::Shutdown) reset();
    state_->set_run_state(RunState::Running);
    state_->loop.virtual_clock().start();
    state_->accelerator->start();
    state_->emit("RESUME", "{}");
}

void Machine::stop(RunState why) {
    const std::lock_guard guard(state_->machine_lock);
    const bool was_running = state_->run_state == RunState::Running;
    state_->set_run_state(why);
    if (!was_running) return;
    state_->accelerator->stop();
    state_->loop.virtual_clock().stop();
    state_->emit("STOP", "{}");
}

void Machine::reset() {
    const std::lock_guard guard(state_->machine_lock);
    if (state_->run_state == RunState::InternalError) return;
    const bool running = state_->run_state == RunState::Running;
    if (running) state_->accelerator->stop();
    state_->reset_devices();
    if (running) state_->accelerator->start();
    else if (state_->run_state != RunState::Prelaunch) state_->set_run_state(RunState::Paused);
}

void Machine::request_reset(std::string reason) {
    state_->request([&](Requests& r) { r.reset = std::move(reason); });
}
void Machine::request_end(std::string reason, int exit_code) {
    state_->request([&](Requests& r) {
        EndRequest wanted{std::move(reason), exit_code};
        if (!r.end || (r.end->guest() && !wanted.guest())) r.end = std::move(wanted);
    });
}
void Machine::request_powerdown() {
    state_->request([](Requests& r) { r.powerdown = true; });
}

int Machine::run() { return state_->loop.run(); }

void Machine::add_event_listener(EventListener& listener) { state_->listeners.push_back(&listener); }
void Machine::remove_event_listener(EventListener& listener) { std::erase(state_->listeners, &listener); }
void Machine::emit_event(std::string_view name, std::string_view data) {
    state_->emit(name, std::string(data));
}

}  // namespace backplane::kernel
