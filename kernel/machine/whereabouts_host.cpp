#include "kernel/machine/whereabouts_host.h"

#include "kernel/machine/machine_parts.h"

#include <chrono>
#include <utility>

namespace backplane::kernel {

void WhereaboutsHost::visit(const std::function<void(Instance&, Exclusive&)>& visit) {
    machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
        if (instance.realized())
            instance.for_each_part<Exclusive>([&](Exclusive& part) { visit(instance, part); });
    });
}

bool WhereaboutsHost::come(Errors& errors) {
    if (here_) return true;
    bool ok = true;
    visit([&](Instance& instance, Exclusive& part) {
        ok = ok && refusable(instance.callee(), "Exclusive::take()", errors,
                             [&](Errors& reason) { return part.take(reason); });
    });
    if (ok) here_ = true;
    else leave();
    return ok;
}

void WhereaboutsHost::leave() {
    here_ = false;
    visit([](Instance& instance, Exclusive& part) {
        contained(instance.callee(), "Exclusive::let_go()", [&] { part.let_go(); });
    });
}

bool WhereaboutsHost::anything() {
    bool any = false;
    visit([&](Instance&, Exclusive&) { any = true; });
    return any;
}

bool WhereaboutsHost::leave_from_thread(const std::atomic<bool>& cancel) {
    constexpr std::chrono::milliseconds kLook{20};  // for who cancels
    std::unique_lock guard(mutex_);
    asked_ = true;
    machine_.loop.post(*this);
    while (!left_.wait_for(guard, kLook, [&] { return !asked_; }))
        if (cancel) return !std::exchange(asked_, false);
    return true;
}

void WhereaboutsHost::run() {
    {
        const std::lock_guard guard(mutex_);
        if (!asked_) return;
    }
    leave();
    const std::lock_guard guard(mutex_);
    asked_ = false;
    left_.notify_all();
}

void WhereaboutsHost::close() { machine_.loop.cancel(*this); }

}  // namespace backplane::kernel
