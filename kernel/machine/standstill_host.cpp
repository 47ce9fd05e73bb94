#include "kernel/machine/standstill_host.h"

#include "kernel/machine/machine_parts.h"

#include <algorithm>

namespace backplane::kernel {

bool StandstillHost::now() const { return machine_.run.state() == RunState::FinishMigrate; }

void StandstillHost::add_listener(Object& owner, StandstillListener& listener) {
    entries_.push_back({static_cast<Instance*>(&owner), &listener});
}

void StandstillHost::remove_listener(StandstillListener& listener) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.listener == &listener; });
}

void StandstillHost::over() {
    const std::vector<Entry> all = entries_;
    for (const Entry& entry : all)
        if (std::ranges::find(entries_, entry.listener, &Entry::listener) != entries_.end())
            contained(entry.owner->callee(), "standstill_over()", [&] { entry.listener->standstill_over(); });
}

}  // namespace backplane::kernel
