#include "kernel/management/management.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace backplane::kernel {
namespace {

constexpr int kMaximumDepth = 64;

const char* kind_name(Argument::Kind kind) {
    switch (kind) {
    case Argument::Kind::Number: return "integer";
    case Argument::Kind::Flag: return "boolean";
    case Argument::Kind::Object: return "object";
    default: return "string";
    }
}

bool fits(Argument::Kind kind, const Json& value) {
    switch (kind) {
    case Argument::Kind::Text:
    case Argument::Kind::Rest:
    case Argument::Kind::Options:
    case Argument::Kind::Format: return value.is_string();
    case Argument::Kind::Number: return value.is_number_unsigned();
    case Argument::Kind::Flag: return value.is_boolean();
    case Argument::Kind::Object: return value.is_object();
    case Argument::Kind::Value: return true;
    }
    return false;
}

void check_arguments(const Command& command, const Json& arguments) {
    bool open = false;
    for (const Argument& argument : command.arguments) {
        open |= argument.kind == Argument::Kind::Options;
        const auto found = arguments.find(argument.name);
        if (found == arguments.end()) {
            if (argument.required) fail_command("Parameter '" + std::string(argument.name) + "' is missing");
        } else if (!fits(argument.kind, *found)) {
            fail_command("Invalid parameter type for '" + std::string(argument.name) +
                         "', expected: " + kind_name(argument.kind));
        }
    }
    if (open) return;
    for (const auto& [name, value] : arguments.items())
        if (std::ranges::none_of(command.arguments,
                                 [&given = name](const Argument& a) { return given == a.name; }))
            fail_command("Parameter '" + name + "' is unexpected");
}

Json parse_object(std::string_view text) {
    const auto limit = [](int depth, Json::parse_event_t, Json&) {
        if (depth > kMaximumDepth) fail_command("JSON nested too deep");
        return true;
    };
    if (text.empty()) return Json::object();
    Json json = Json::parse(text, limit, false);
    if (!json.is_object()) fail_command("QMP input member 'arguments' must be an object");
    return json;
}

}  // namespace

void fail_command(std::string description, const char* error_class) {
    throw CommandError{error_class, std::move(description)};
}

Json readable(std::string text) { return {{"human-readable-text", std::move(text)}}; }

std::string Call::text(const char* name, const std::string& otherwise) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? otherwise : found->get<std::string>();
}
std::uint64_t Call::number(const char* name, std::uint64_t otherwise) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? otherwise : found->get<std::uint64_t>();
}
bool Call::flag(const char* name) const {
    const auto found = arguments.find(name);
    return found != arguments.end() && found->get<bool>();
}

ManagementHost::ManagementHost() {
    for (auto rows : {run_commands(), object_commands(), inspect_commands(), memory_commands()})
        commands_.insert(commands_.end(), rows.begin(), rows.end());
}
ManagementHost::~ManagementHost() = default;

void ManagementHost::serve(Machine& machine, std::string guest_name) {
    machine_ = &machine;
    guest_name_ = std::move(guest_name);
    machine.offer_interface(Management::kId, static_cast<Management*>(this));
    machine.add_event_listener(*this);
}

std::string ManagementHost::version_json() const {
    unsigned major = 0, minor = 0, micro = 0;
    std::sscanf(BACKPLANE_VERSION, "%u.%u.%u", &major, &minor, &micro);
    // The member's name is the protocol's.
    const Json triple{{"micro", micro}, {"minor", minor}, {"major", major}};
    return Json{{"qemu", triple}, {"package", "backplane " BACKPLANE_VERSION}}.dump();
}

Json ManagementHost::run(const Command& command, const Json& arguments) {
    check_arguments(command, arguments);
    return command.run({*machine_, *this, arguments});
}

ManagementReply ManagementHost::execute(Str name, Str arguments) {
    const auto command = std::ranges::find_if(
        commands_, [&](const Command& c) { return c.name && name.view() == std::string_view(c.name); });
    try {
        if (command == commands_.end())
            fail_command("The command " + std::string(name.view()) + " has not been found",
                         "CommandNotFound");
        return {true,
                run(*command, parse_object(arguments)).dump(-1, ' ', true, Json::error_handler_t::replace),
                {},
                {}};
    } catch (const CommandError& error) {
        return {false, {}, error.error_class, error.description};
    } catch (const std::exception& error) {  // the host's: no memory, no threads
        return {false, {}, "GenericError", error.what()};
    }
}

void ManagementHost::add_listener(ManagementListener& listener) { listeners_.push_back(&listener); }
void ManagementHost::remove_listener(ManagementListener& listener) { std::erase(listeners_, &listener); }

void ManagementHost::machine_event(std::string_view name, std::string_view data) {
    using namespace std::chrono;
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    Json event{{"timestamp", {{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}}},
               {"event", name}};
    if (Json parsed = Json::parse(data, nullptr, false); parsed.is_object() && !parsed.empty())
        event["data"] = std::move(parsed);
    const std::string text = event.dump(-1, ' ', true, Json::error_handler_t::replace);
    const std::vector<ManagementListener*> all = listeners_;
    for (ManagementListener* listener : all)
        if (std::ranges::find(listeners_, listener) != listeners_.end()) listener->management_event(text);
}

Cpu* ManagementHost::current_cpu() const {
    const auto& cpus = machine_->cpus();
    return current_cpu_ < cpus.size() ? cpus[current_cpu_] : nullptr;
}

void ManagementHost::select_cpu(std::uint64_t index) {
    if (index >= machine_->cpus().size()) fail_command("invalid CPU index " + std::to_string(index));
    current_cpu_ = index;
}

}  // namespace backplane::kernel
