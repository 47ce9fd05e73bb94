#include "migration.h"

#include <lib/json.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace backplane::migration {
namespace {

std::string text_argument(const Json& arguments, const char* name) {
    const auto found = arguments.find(name);
    return found == arguments.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

/// A parameter's value as settings take it.
std::string value_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : json_text(value);
}

}  // namespace

Migration::Migration(Object& object) : context_(backend_context(object)) {}

bool Migration::complete(Errors& errors) {
    snapshots_ = static_cast<Snapshots*>(context_.host_interface(Snapshots::kId));
    if (incoming_.empty()) {
        if (!snapshots_->expecting()) return true;
        errors.fail(
            "the place is missing; give file:PATH, exec:COMMAND, unix:PATH, tcp:HOST:PORT, fd:NUMBER or defer");
        return false;
    }
    const std::optional<Place> place = parse_place(incoming_, errors);
    if (!place) return false;
    snapshots_->expect();
    if (place->kind != Place::Kind::Defer) context_.loop().post(*this);
    return true;
}

void Migration::shut_down() {
    context_.loop().cancel(*this);
    stop_listening();
    transfer_.reset();
    if (outgoing_) std::exchange(outgoing_, nullptr)->finish(false);
    if (incoming_snapshot_) std::exchange(incoming_snapshot_, nullptr)->release();
    if (waiting_) std::exchange(waiting_, nullptr)->fail("the machine ends");
}

/// What a message of a load begins with: the option, unless a command said where from.
std::string Migration::option() const {
    IgnoredErrors known;
    const std::optional<Place> place = parse_place(incoming_, known);
    return place && place->kind != Place::Kind::Defer ? "-incoming " + incoming_ + ": " : "";
}

void Migration::run() {
    ErrorText errors;
    if (begin_load(incoming_, Descriptor(), errors)) return;
    context_.log().write(LogLevel::Error, "migration", option() + errors.text());
    snapshots_->give_up();
}

void Migration::execute(Str command, Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    ErrorText errors;
    if (command == Str("migrate")) return migrate(arguments, reply);
    if (command == Str("migrate-incoming")) return migrate_incoming(arguments, reply);
    if (command == Str("query-migrate")) return reply.succeed(json(report()));
    if (command == Str("info migrate")) return reply.succeed_text(text(report()));
    if (command == Str("migrate_cancel")) {
        cancel();
        return reply.succeed("{}");
    }
    if (command == Str("migrate-set-capabilities")) {
        for (const Json& one : given.value("capabilities", Json::array())) {
            if (!one.is_object() || !one.contains("capability") || !one["capability"].is_string() ||
                !one.contains("state") || !one["state"].is_boolean())
                return reply.fail("a capability is {\"capability\": NAME, \"state\": true or false}");
            if (!settings_.set_capability(one["capability"].get<std::string>(), one["state"].get<bool>(),
                                          errors))
                return reply.fail(errors.text());
        }
        return reply.succeed("{}");
    }
    if (command == Str("migrate_set_capability")) {
        const std::string state = text_argument(given, "state");
        if (settings_.set_capability(text_argument(given, "capability"), state == "on", errors))
            return reply.succeed("{}");
        return reply.fail(errors.text());
    }
    if (command == Str("migrate-set-parameters")) {
        for (const auto& [name, value] : given.items())
            if (!settings_.set_parameter(name, value_text(value), errors)) return reply.fail(errors.text());
        return reply.succeed("{}");
    }
    if (command == Str("migrate_set_parameter")) {
        if (settings_.set_parameter(text_argument(given, "parameter"),
                                    value_text(given.value("value", Json(""))), errors))
            return reply.succeed("{}");
        return reply.fail(errors.text());
    }
    const bool people = command.view().starts_with("info ");
    std::string lines;
    if (command.view().ends_with("capabilities")) {
        Json all = Json::array();
        for (const auto& [name, on] : settings_.capabilities()) {
            all.push_back({{"capability", name}, {"state", on}});
            lines += name + ": " + (on ? "on" : "off") + "\n";
        }
        return people ? reply.succeed_text(lines) : reply.succeed(json_text(all));
    }
    Json all = Json::object();
    for (const auto& [name, value] : settings_.parameters()) {
        all[name] = parse_json(value);
        lines += name + ": " + value_text(all[name]) + "\n";
    }
    return people ? reply.succeed_text(lines) : reply.succeed(json_text(all));
}

// Going out.

void Migration::migrate(Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    // People's face of the command has another name for the same: they wait for its end unless they say -d.
    const bool waits = given.contains("destination") && !given.value("detach", false);
    const std::string uri = text_argument(given, given.contains("destination") ? "destination" : "uri");
    ErrorText errors;
    const std::optional<Place> place = parse_place(uri, errors);
    Descriptor descriptor;
    if (place && place->kind == Place::Kind::Defer) errors.fail("'defer' is for -incoming");
    else if (place && place->kind == Place::Kind::Descriptor) {
        const bool number = place->text.find_first_not_of("0123456789") == std::string::npos;
        descriptor =
            number ? inherited(place->text, errors) : Descriptor(reply.take_descriptor(place->text, errors));
    }
    if (errors.failed() || !begin_save(*place, std::move(descriptor), errors))
        return reply.fail(errors.text());
    if (waits) waiting_ = &reply;
    else reply.succeed("{}");
}

bool Migration::begin_save(const Place& place, Descriptor descriptor, Errors& errors) {
    if (busy() || outgoing_) {
        errors.fail("There's a migration process in progress");
        return false;
    }
    if (snapshots_->expecting()) {
        errors.fail("Guest is waiting for an incoming migration");
        return false;
    }
    began_ns_ = active_ns_ = context_.loop().host_clock().now_ns();
    set_status(Status::Setup);
    ErrorText why;
    outgoing_ = snapshots_->save(why);
    if (!outgoing_) {
        set_status(Status::Failed, why.text());
        errors.fail(why.text());
        return false;
    }
    transfer_ =
        std::make_unique<Transfer>(context_.loop(), static_cast<Transfer::Listener&>(*this), settings_);
    active_ns_ = context_.loop().host_clock().now_ns();
    set_status(Status::Active);
    transfer_->save(*outgoing_, place, std::move(descriptor));
    return true;
}

void Migration::saved() {
    const std::string problem = transfer_->problem();
    const bool cancelled = status_ == Status::Cancelling;
    last_ = report();
    transfer_.reset();
    std::exchange(outgoing_, nullptr)->finish(problem.empty());
    if (problem.empty()) set_status(Status::Completed);
    else set_status(cancelled ? Status::Cancelled : Status::Failed, cancelled ? "" : problem);
    CommandReply* reply = std::exchange(waiting_, nullptr);
    if (!reply) return;
    if (problem.empty()) reply->succeed("{}");
    else reply->fail(problem);
}

void Migration::cancel() {
    if (!outgoing_ || !transfer_) return;
    set_status(Status::Cancelling);
    transfer_->cancel();
}

// Coming in.

void Migration::migrate_incoming(Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    ErrorText errors;
    if (!snapshots_->expecting()) return reply.fail("'-incoming' was not specified on the command line");
    const std::string uri = text_argument(given, "uri");
    const std::optional<Place> place = parse_place(uri, errors);
    Descriptor descriptor;
    if (place && place->kind == Place::Kind::Descriptor &&
        place->text.find_first_not_of("0123456789") != std::string::npos)
        descriptor = Descriptor(reply.take_descriptor(place->text, errors));
    if (place && place->kind == Place::Kind::Defer) errors.fail("'defer' is for -incoming");
    // A word that is mistyped is no end of the machine that waits.
    if (place && place->kind == Place::Kind::File && access(place->text.c_str(), R_OK) != 0)
        errors.fail("Could not open '" + place->text + "': " + std::strerror(errno));
    exit_on_error_ = given.value("exit-on-error", true);
    if (errors.failed() || !begin_load(uri, std::move(descriptor), errors)) return reply.fail(errors.text());
    reply.succeed("{}");
}

bool Migration::begin_load(const std::string& text, Descriptor descriptor, Errors& errors) {
    if (busy()) {
        errors.fail("The incoming migration has already been started");
        return false;
    }
    const std::optional<Place> place = parse_place(text, errors);
    if (!place) return false;
    place_ = *place;
    if (place_.kind == Place::Kind::Descriptor && !descriptor) {
        descriptor = inherited(place_.text, errors);
        if (!descriptor) return false;
    }
    if (place_.kind == Place::Kind::Unix || place_.kind == Place::Kind::Tcp) {
        listening_ = listen_at(place_, errors);
        if (!listening_) return false;
        watch_ = context_.loop().watch(listening_.get(), *this, true, false);
        if (!watch_) {
            errors.fail("the host has no descriptors left");
            stop_listening();
            return false;
        }
        set_status(Status::Setup);
        return true;
    }
    start_load(std::move(descriptor));
    return true;
}

void Migration::fd_ready(int, bool, bool) {
    Descriptor connection(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;  // it went away again
    stop_listening();
    start_load(std::move(connection));
}

void Migration::stop_listening() {
    if (watch_) std::exchange(watch_, nullptr)->release();
    listening_ = Descriptor();
}

void Migration::start_load(Descriptor descriptor) {
    began_ns_ = active_ns_ = context_.loop().host_clock().now_ns();
    incoming_snapshot_ = snapshots_->load();
    transfer_ =
        std::make_unique<Transfer>(context_.loop(), static_cast<Transfer::Listener&>(*this), settings_);
    set_status(Status::Active);
    transfer_->load(*incoming_snapshot_, place_, std::move(descriptor));
}

void Migration::loaded() {
    ErrorText errors;
    if (const std::string& problem = transfer_->problem(); !problem.empty()) errors.fail(problem);
    last_ = report();
    transfer_.reset();
    IncomingSnapshot* snapshot = std::exchange(incoming_snapshot_, nullptr);
    const bool good = !errors.failed() && snapshot->apply(errors);
    const bool run = good && snapshot->was_running();
    snapshot->release();
    if (good) {
        set_status(Status::Completed);
        snapshots_->arrived(run);
        return;
    }
    set_status(Status::Failed, errors.text());
    context_.log().write(LogLevel::Error, "migration",
                         option() + "load of migration failed: " + errors.text());
    if (exit_on_error_) snapshots_->give_up();
}

// Both.

void Migration::transfer_ended() {
    if (outgoing_) saved();
    else loaded();
}

void Migration::set_status(Status status, std::string problem) {
    status_ = status;
    problem_ = std::move(problem);
    if (settings_.events())
        context_.emit_event("MIGRATION", std::string("{\"status\":\"") + status_name(status) + "\"}");
}

Report Migration::report() const {
    Report report = transfer_ ? Report{} : last_;
    report.status = status_;
    report.problem = problem_;
    if (!transfer_) return report;
    const SnapshotProgress& progress = transfer_->progress();
    report.total = progress.total;
    report.done = std::min(progress.done.load(), report.total);
    report.transferred = progress.transferred;
    report.zero_pages = progress.zero_pages;
    report.data_pages = progress.data_pages;
    report.total_ms = (context_.loop().host_clock().now_ns() - began_ns_) / 1'000'000;
    report.setup_ms = (active_ns_ - began_ns_) / 1'000'000;
    report.stopped_machine = outgoing_ != nullptr;
    return report;
}

}  // namespace backplane::migration
