// chardev-add and chardev-remove. QMP wraps what -chardev says flat:
//   {"type": "socket", "data": {"addr": {"type": "unix", "data": {"path": …}}}}
#include "kernel/management/management.h"
#include "kernel/management/object_arguments.h"

#include <algorithm>
#include <utility>
#include <lib/json.h>

#include <fcntl.h>

namespace backplane::kernel {
namespace {

/// Members of the call, by what the command line calls them.
std::string property_of(const std::string& member) {
    if (member == "device" || member == "out") return "path";
    if (member == "in") return "input-path";
    return member == "str" ? "fd" : member;
}

std::string local_property_of(const std::string& property) {
    return property == "host" ? "localaddr" : property == "port" ? "localport" : property;
}

bool is_wrapper(const std::string& member) {
    constexpr const char* kWrappers[] = {"data", "addr", "remote", "local"};
    return std::ranges::find(kWrappers, member) != std::end(kWrappers);
}

/// `shown`: where `value` stands in the call.
void unwrap(const Json& value, const std::string& shown, const JsonProperties& properties,
            PropertyList& out) {
    for (const auto& [name, member] : value.items()) {
        const std::string place = shown + "." + name;
        if (is_wrapper(name) && !member.is_object())
            fail_command("Invalid parameter type for '" + place + "', expected: object");
        if (name == "local") {
            PropertyList local;
            unwrap(member, place, properties, local);
            for (auto& [property, text] : local)
                out.emplace_back(local_property_of(property), std::move(text));
        } else if (is_wrapper(name)) {
            unwrap(member, place, properties, out);
        } else if (member.is_array()) {
            for (std::size_t index = 0; index < member.size(); ++index) {
                const std::string number = "." + std::to_string(index);
                properties.add(member[index], name + number, place + number, out);
            }
        } else if (name != "type") {
            // A descriptor's name is text in the call, and a number in the option.
            if (name == "str" && member.is_string()) out.emplace_back("fd", member.get<std::string>());
            else properties.add(member, property_of(name), place, out);
        }
    }
}

/// A descriptor that getfd gave a name, while something is made with it.
class NamedDescriptor {
  public:
    explicit NamedDescriptor(const Call& call) : call_(call) {}
    NamedDescriptor(const NamedDescriptor&) = delete;
    NamedDescriptor& operator=(const NamedDescriptor&) = delete;
    /// It keeps its name when it was not made use of.
    ~NamedDescriptor() {
        if (descriptor_ >= 0 && fcntl(descriptor_, F_GETFD) >= 0)
            call_.host.descriptors().name(call_.caller, name_, descriptor_);
    }
    /// Puts the number of the descriptor in place of its name.
    void look_up(PropertyList& properties) {
        for (auto& [property, text] : properties) {
            const bool number = !text.empty() && text[0] >= '0' && text[0] <= '9';
            if (property != "fd" || number) continue;
            descriptor_ = call_.host.descriptors().take(call_.caller, text);
            if (descriptor_ < 0) fail_command("File descriptor named '" + text + "' has not been found");
            name_ = std::exchange(text, std::to_string(descriptor_));
        }
    }
    void used() { descriptor_ = -1; }

  private:
    const Call& call_;
    int descriptor_ = -1;
    std::string name_;
};

}  // namespace

Json chardev_add(const Call& call) {
    ErrorText errors;
    const std::string id = required_id(call.arguments);
    const Json& backend = call.arguments["backend"];
    const std::string name = member_text(backend, "type");
    if (name.empty()) fail_command("Parameter 'backend.type' is missing");
    const std::string type =
        call.machine.catalog().resolve_option(name, "chardev", "character device backend", errors);
    expect(!type.empty(), errors);
    PropertyList properties;
    unwrap(backend, "backend", JsonProperties(call, type), properties);
    NamedDescriptor descriptor(call);
    descriptor.look_up(properties);
    expect(call.machine.create_backend(type, id, properties, "chardevs", errors), errors);
    descriptor.used();
    return Json::object();
}

Json chardev_remove(const Call& call) { return remove_backend(call, "/chardevs"); }

}  // namespace backplane::kernel
