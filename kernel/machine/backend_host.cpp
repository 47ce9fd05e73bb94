#include "kernel/machine/backend_host.h"

#include "kernel/machine/machine_parts.h"

namespace backplane::kernel {

BackendHost::BackendHost(MachineParts& machine, Instance& instance)
    : machine_(machine), instance_(instance), log_(machine.hub, instance.path_text()) {}

void* BackendHost::query(Str interface_id) {
    if (interface_id == Str(BackendContext::kId)) return static_cast<BackendContext*>(this);
    return nullptr;
}

bool BackendHost::realize(Instance& instance, Errors& errors) {
    std::vector<Completable*> completed;
    bool ok = true;
    instance.for_each_part<Completable>([&](Completable& part) {
        ok = ok && part.complete(errors);
        if (ok) completed.push_back(&part);
    });
    if (!ok)
        for (auto part = completed.rbegin(); part != completed.rend(); ++part) (*part)->shut_down();
    return ok;
}

void BackendHost::unrealize(Instance& instance) {
    std::vector<Completable*> parts;
    instance.for_each_part<Completable>([&](Completable& part) { parts.push_back(&part); });
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) (*part)->shut_down();
}

EventLoop& BackendHost::loop() { return machine_.loop; }
void BackendHost::request_quit() { machine_.run.request_end("host-ui", 0); }

void BackendHost::emit_event(Str name, Str json) {
    machine_.run.post_event(std::string(name.view()), std::string(json.view()));
}

Object* BackendHost::find(Str id) { return machine_.objects->find(id); }
void* BackendHost::host_interface(Str interface_id) { return machine_.interfaces.find(interface_id); }

}  // namespace backplane::kernel
