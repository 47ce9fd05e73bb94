#include "kernel/machine/disk_failures_host.h"

#include "kernel/machine/json_text.h"
#include "kernel/machine/machine_parts.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace backplane::kernel {
namespace {

const char* action_name(DiskErrorPolicy action) {
    switch (action) {
    case DiskErrorPolicy::Ignore: return "ignore";
    case DiskErrorPolicy::Stop: return "stop";
    default: return "report";
    }
}

}  // namespace

void DiskFailuresHost::failed(Object& object, const DiskFailure& given) {
    const DiskFailure failure = read_sized(given);
    auto& disk = static_cast<Instance&>(object);
    const Instance* node = machine_.drives.medium_of(disk);
    const auto member = [](const char* name, const std::string& value) {
        return ",\"" + std::string(name) + "\":" + json_quoted(value);
    };
    std::string data = "{\"device\":" + json_quoted(machine_.drives.name_of(disk)) +
                       member("qom-path", disk.path_text()) +
                       member("operation", failure.writing ? "write" : "read") +
                       member("action", action_name(failure.done)) +
                       ",\"nospace\":" + (failure.no_space ? "true" : "false") +
                       member("reason", std::strerror(failure.no_space ? ENOSPC : EIO));
    if (node) data += member("node-name", std::string(node->id().view()));
    machine_.run.post_event("BLOCK_IO_ERROR", data + "}");
    if (failure.done == DiskErrorPolicy::Stop) machine_.run.request_io_error();
}

void DiskFailuresHost::await(Object& disk, DiskRetry& who) {
    if (std::ranges::find(entries_, &who, &Entry::who) == entries_.end())
        entries_.push_back({static_cast<Instance*>(&disk), &who});
}

void DiskFailuresHost::forget(DiskRetry& who) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.who == &who; });
}

DiskErrorPolicy DiskFailuresHost::of_drive(Object& disk, bool writing) {
    return machine_.drives.error_policy(static_cast<Instance&>(disk), writing);
}

void DiskFailuresHost::go_on() {
    for (const Entry& entry : std::exchange(entries_, {}))
        contained(entry.disk->callee(), "DiskRetry::retry()", [&] { entry.who->retry(); });
}

}  // namespace backplane::kernel
