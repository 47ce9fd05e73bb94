#include "kernel/machine/backend_host.h"

#include "kernel/machine/machine_parts.h"

namespace backplane::kernel {

BackendHost::BackendHost(MachineParts& machine, Instance& instance)
    : machine_(machine),
      instance_(instance),
      log_(machine.hub, instance.path_text()),
      events_(machine.loop, instance.callee()) {}

BackendHost::~BackendHost() {
    if (const std::size_t left = events_.release())
        machine_.hub.write(LogLevel::Warning, "backend",
                           instance_.callee().who() + ": it is gone, and " + std::to_string(left) +
                               " timers, watches or posts that it did not release with it");
}

void* BackendHost::query(Str interface_id) {
    if (interface_id == Str(BackendContext::kId)) return static_cast<BackendContext*>(this);
    return nullptr;
}

bool BackendHost::realize(Instance& instance, Errors& errors) {
    Callee& callee = instance.callee();
    std::vector<Completable*> completed;
    bool ok = true;
    instance.for_each_part<Completable>([&](Completable& part) {
        ok = ok &&
             refusable(callee, "complete()", errors, [&](Errors& reason) { return part.complete(reason); });
        if (ok) completed.push_back(&part);
    });
    if (!ok) shut_down(completed);
    return ok;
}

void BackendHost::unrealize(Instance& instance) {
    std::vector<Completable*> parts;
    instance.for_each_part<Completable>([&](Completable& part) { parts.push_back(&part); });
    shut_down(parts);
}

void BackendHost::shut_down(const std::vector<Completable*>& parts) {
    for (auto part = parts.rbegin(); part != parts.rend(); ++part)
        last_call(instance_.callee(), "shut_down()", [&] { (*part)->shut_down(); });
}

void BackendHost::broke(const std::string& message) {
    if (instance_.is_a("accelerator")) {
        machine_.run.request_internal_error(message);
        return;
    }
    machine_.hub.write(LogLevel::Error, "backend", message + "; it is broken and is not called any more");
    // A descriptor that stays ready would keep the loop busy.
    events_.release();
}

void BackendHost::request_quit() { machine_.run.request_end("host-ui", 0); }

void BackendHost::emit_event(Str name, Str json) {
    machine_.run.post_event(std::string(name.view()), std::string(json.view()));
}

Object* BackendHost::find(Str id) { return machine_.objects->find(id); }
void* BackendHost::host_interface(Str interface_id) {
    if (interface_id == Str(EventLoop::kId)) return &events_.loop();
    if (interface_id == Str(Clock::kId)) return &events_.clock();
    return machine_.find_interface(interface_id);
}

}  // namespace backplane::kernel
