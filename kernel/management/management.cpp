// Which commands there are, and how a call of one is answered: at once, or when the object that serves it is done.
#include "kernel/management/management.h"

#include "kernel/event/loop.h"
#include "kernel/vocabulary/version.h"

#include <algorithm>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

constexpr int kMaximumDepth = 64;
constexpr std::uint8_t kCoreWhen = command_when::kBuilt | command_when::kIncoming;

Json parse_object(std::string_view text) {
    const auto limit = [](int depth, Json::parse_event_t, Json&) {
        if (depth > kMaximumDepth) fail_command("JSON nested too deep");
        return true;
    };
    if (text.empty()) return Json::object();
    Json json = parse_json(text, limit);
    if (!json.is_object()) fail_command("QMP input member 'arguments' must be an object");
    return json;
}

ManagementReply failure(std::string error_class, const std::string& description) {
    return {false, {}, std::move(error_class), description, "Error: " + description + "\n"};
}

/// What a person reads of a result that nobody made a text of.
std::string shown(const Json& result) {
    if (result.is_object() && result.contains("human-readable-text"))
        return result["human-readable-text"].get<std::string>();
    if (result.is_null() || (result.is_object() && result.empty())) return {};
    return json_text(result, 2) + "\n";
}

ManagementReply success(const Json& result, std::string (*show)(const Json&)) {
    return {true, ascii_json_text(result), {}, {}, show ? show(result) : shown(result)};
}

/// `work`, with what it throws as the call's answer.
template <class Work>
void answering(const CommandDone& done, Work work) {
    try {
        work();
    } catch (const CommandError& error) {
        done(failure(error.error_class, error.description));
    } catch (const std::exception& error) {  // the host's: no memory, no threads
        done(failure("GenericError", error.what()));
    }
}

}  // namespace

void fail_command(std::string description, const char* error_class) {
    throw CommandError{error_class, std::move(description)};
}

/// A call that an object serves, until it answers.
class ManagementHost::PendingCall final : public CommandReply {
  public:
    PendingCall(ManagementHost& host, ManagementCaller* caller, CommandDone done)
        : host_(host), caller_(caller), done_(std::move(done)) {}

    void succeed(Str json) override {
        Json result = parse_json(json.view());
        if (result.is_discarded()) return fail("the answer is no JSON: this is a fault of the plugin");
        answer(success(result, nullptr));
    }
    void succeed_text(Str text) override { answer(success(readable(std::string(text.view())), nullptr)); }
    void fail(Str description) override { fail_as("GenericError", description); }
    void fail_as(Str error_class, Str description) override {
        answer(failure(std::string(error_class.view()), std::string(description.view())));
    }
    /// Without a name: what came with the call.
    int take_descriptor(Str name, Errors& errors) override {
        int descriptor = -1;
        if (!name.empty()) descriptor = host_.descriptors_.take(caller_, std::string(name.view()));
        else if (caller_) descriptor = caller_->take_passed_descriptor();
        if (descriptor < 0)
            errors.fail(name.empty() ? "No file descriptor supplied via SCM_RIGHTS"
                                     : "File descriptor named '" + std::string(name.view()) + "' not found");
        return descriptor;
    }

    /// The client is gone: whatever the answer is, nobody hears it.
    void forget(const ManagementCaller& caller) {
        if (caller_ != &caller) return;
        caller_ = nullptr;
        done_ = [](const ManagementReply&) {};
    }

  private:
    void answer(const ManagementReply& reply) {
        const CommandDone done = std::move(done_);
        host_.pending_.remove_if([this](const auto& call) { return call.get() == this; });
        done(reply);
    }

    ManagementHost& host_;
    ManagementCaller* caller_;
    CommandDone done_;
};

ManagementHost::ManagementHost() {
    for (const CoreCommand* core : core_commands()) {
        Command& command =
            commands_.emplace_back(Command{row_of(core->info), core, {}, rows_of(core->results), {}});
        command.row.when = kCoreWhen;
        command.key = command.row.name.empty() ? command.row.human : command.row.name;
    }
    for (const EventInfo& event : core_events()) events_.push_back(row_of(event));
}
ManagementHost::~ManagementHost() = default;

void ManagementHost::serve(Machine& machine, Program program) {
    machine_ = &machine;
    program_ = std::move(program);
    add_offers(machine.catalog());
    machine.offer_interface(Management::kId, static_cast<Management*>(this));
    machine.offer_interface(HostFiles::kId, static_cast<HostFiles*>(&descriptors_));
    machine.add_event_listener(*this);
}

/// The catalogue has refused what would take a name of another.
void ManagementHost::add_offers(const Catalog& catalog) {
    for (const Catalog::Listed& listed : catalog.list("service"))
        for (const ManifestCommand& row : listed.type->commands)
            commands_.push_back(
                {row, nullptr, listed.type->name, {}, row.name.empty() ? row.human : row.name});
    for (const Catalog::Listed& listed : catalog.list("object"))
        for (const ManifestEvent& event : listed.type->events)
            if (std::ranges::find(events_, event.name, &ManifestEvent::name) == events_.end())
                events_.push_back(event);
}

std::string ManagementHost::version_json() const {
    // The members' names are the protocol's, and so is the version: what clients look for is how it is spoken.
    const Json triple{
        {"micro", kSpokenVersion.micro}, {"minor", kSpokenVersion.minor}, {"major", kSpokenVersion.major}};
    return json_text({{"qemu", triple}, {"package", program_version()}});
}

const Command* ManagementHost::find(std::string_view name) const {
    const auto found =
        std::ranges::find_if(commands_, [&](const Command& command) { return command.row.name == name; });
    return name.empty() || found == commands_.end() ? nullptr : &*found;
}

/// Answers once. `done` may come later, from the object that serves the command.
void ManagementHost::run(const Command& command, const Json& arguments, Face face, ManagementCaller* caller,
                         CommandDone done) {
    answering(done, [&] {
        const bool incoming = machine_->run_state() == RunState::InMigrate;
        if (!(command.row.when & (incoming ? command_when::kIncoming : command_when::kBuilt)))
            fail_command("The command '" + command.key + "' is not allowed while " +
                         (incoming ? "a saved machine is awaited" : "there is a machine"));
        check_arguments(command.row, arguments);
        if (!command.core) return run_service(command, arguments, caller, done);
        const Call call{*machine_, *this, arguments, caller, face};
        if (command.core->start) return command.core->start(call, done);
        done(success(command.core->run(call), command.core->show));
    });
}

/// The one object of the type that offers it, made now when it was not.
CommandHandler& ManagementHost::handler_of(const Command& command) {
    ErrorText errors;
    Instance* object = machine_->find_service(command.service);
    if (!object) object = machine_->create_service(command.service, {}, errors);
    if (!object) fail_command(errors.failed() ? errors.text() : "'" + command.service + "' gave no reason");
    auto* handler = query<CommandHandler>(*object);
    if (!handler) fail_command("type '" + command.service + "' lists commands and serves none");
    return *handler;
}

void ManagementHost::run_service(const Command& command, const Json& arguments, ManagementCaller* caller,
                                 CommandDone done) {
    CommandHandler& handler = handler_of(command);
    PendingCall* call =
        pending_.emplace_back(std::make_unique<PendingCall>(*this, caller, std::move(done))).get();
    std::string problem;
    try {
        return handler.execute(command.key, ascii_json_text(arguments), *call);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    const bool open = std::ranges::any_of(pending_, [&](const auto& other) { return other.get() == call; });
    if (open) call->fail("'" + command.service + "' threw: " + problem);
}

void ManagementHost::execute(Str name, Str arguments, ManagementCaller& caller) {
    const CommandDone done = [&caller](const ManagementReply& reply) { caller.management_reply(reply); };
    answering(done, [&] {
        const Command* command = find(name.view());
        if (!command)
            fail_command("The command " + std::string(name.view()) + " has not been found",
                         "CommandNotFound");
        run(*command, parse_object(arguments), Face::Programs, &caller, done);
    });
}

void ManagementHost::forget(ManagementCaller& caller) {
    descriptors_.forget(&caller);
    for (const auto& call : pending_) call->forget(caller);
}

void ManagementHost::add_listener(ManagementListener& listener) { listeners_.push_back(&listener); }
void ManagementHost::remove_listener(ManagementListener& listener) { std::erase(listeners_, &listener); }

void ManagementHost::machine_event(std::string_view name, std::string_view data) {
    const std::int64_t now = machine_->loop().host_date_ns() / 1000;
    Json event{{"timestamp", {{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}}},
               {"event", name}};
    if (Json parsed = parse_json(data); parsed.is_object() && !parsed.empty())
        event["data"] = std::move(parsed);
    const std::string text = ascii_json_text(event);
    const std::vector<ManagementListener*> all = listeners_;
    for (ManagementListener* listener : all)
        if (std::ranges::find(listeners_, listener) != listeners_.end()) listener->management_event(text);
}

Cpu* ManagementHost::current_cpu() const {
    const auto& cpus = machine_->cpus();
    const auto chosen = std::ranges::find(cpus, current_cpu_, [](const Cpu* cpu) { return cpu->index(); });
    // One that is gone leaves the choice to the first.
    return chosen != cpus.end() ? *chosen : cpus.empty() ? nullptr : cpus.front();
}

void ManagementHost::select_cpu(std::uint64_t index) {
    if (std::ranges::none_of(machine_->cpus(), [&](const Cpu* cpu) { return cpu->index() == index; }))
        fail_command("invalid CPU index " + std::to_string(index));
    current_cpu_ = index;
}

}  // namespace backplane::kernel
