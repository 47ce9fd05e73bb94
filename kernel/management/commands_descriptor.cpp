// Commands that take descriptors over, by name or into sets.
#include "kernel/management/management.h"

#include <lib/json.h>

#include <unistd.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

/// What came with the call.
int passed_descriptor(const Call& call) {
    const int descriptor = call.caller ? call.caller->take_passed_descriptor() : -1;
    if (descriptor < 0) fail_command("No file descriptor supplied via SCM_RIGHTS");
    return descriptor;
}

Json getfd(const Call& call) {
    const int descriptor = passed_descriptor(call);
    const std::string name = call.text("fdname");
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) {
        close(descriptor);
        fail_command("Parameter 'fdname' expects a name not starting with a digit");
    }
    call.host.descriptors().name(call.caller, name, descriptor);
    return Json::object();
}

Json closefd(const Call& call) {
    const std::string name = call.text("fdname");
    const int descriptor = call.host.descriptors().take(call.caller, name);
    if (descriptor < 0) fail_command("File descriptor named '" + name + "' not found");
    close(descriptor);
    return Json::object();
}

std::optional<std::uint64_t> optional_number(const Call& call, const char* name) {
    return call.arguments.contains(name) ? std::optional(call.number(name)) : std::nullopt;
}

Json add_fd(const Call& call) {
    const int descriptor = passed_descriptor(call);
    const std::uint64_t set =
        call.host.descriptors().add(optional_number(call, "fdset-id"), descriptor, call.text("opaque"));
    return {{"fdset-id", set}, {"fd", descriptor}};
}

Json remove_fd(const Call& call) {
    const std::uint64_t set = call.number("fdset-id");
    const auto descriptor = optional_number(call, "fd");
    const bool removed =
        call.host.descriptors().remove(set, descriptor ? std::optional(int(*descriptor)) : std::nullopt);
    if (!removed)
        fail_command("File descriptor named 'fdset-id:" + std::to_string(set) +
                     (descriptor ? ", fd:" + std::to_string(*descriptor) : "") + "' not found");
    return Json::object();
}

Json query_fdsets(const Call& call) {
    Json list = Json::array();
    for (const auto& [number, set] : call.host.descriptors().sets()) {
        Json members = Json::array();
        for (const Descriptors::Member& member : set) {
            Json row{{"fd", member.descriptor}};
            if (!member.opaque.empty()) row["opaque"] = member.opaque;
            members.push_back(std::move(row));
        }
        list.push_back({{"fdset-id", number}, {"fds", std::move(members)}});
    }
    return list;
}

constexpr ArgumentInfo kName[] = {{.name = "fdname"}};
constexpr ArgumentInfo kAdd[] = {{.name = "fdset-id", .kind = Kind::Number, .required = false},
                                 {.name = "opaque", .required = false}};
constexpr ArgumentInfo kRemove[] = {{.name = "fdset-id", .kind = Kind::Number},
                                    {.name = "fd", .kind = Kind::Number, .required = false}};
constexpr ArgumentInfo kAdded[] = {{.name = "fdset-id", .kind = Kind::Number},
                                   {.name = "fd", .kind = Kind::Number}};
constexpr ArgumentInfo kSet[] = {{.name = "fdset-id", .kind = Kind::Number},
                                 {.name = "fds", .kind = Kind::Array}};
constexpr CoreCommand kDescriptorCommands[] = {
    {{.name = "getfd", .summary = "names the descriptor that comes with the call", .arguments = kName},
     getfd},
    {{.name = "closefd", .summary = "closes a descriptor that has a name", .arguments = kName}, closefd},
    {{.name = "add-fd",
      .summary = "adds the descriptor that comes with the call to a set, for /dev/fdset/SET",
      .arguments = kAdd,
      .returns = "AddfdInfo"},
     add_fd,
     nullptr,
     kAdded},
    {{.name = "remove-fd", .summary = "closes a descriptor of a set, or all", .arguments = kRemove},
     remove_fd},
    {{.name = "query-fdsets", .summary = "the sets of descriptors", .returns = "[FdsetInfo]"},
     query_fdsets,
     nullptr,
     kSet},
};

}  // namespace

Slice<const CoreCommand> descriptor_commands() { return kDescriptorCommands; }

}  // namespace backplane::kernel
