// Commands that start, stop and end the machine, and say what it and this program are.
#include "kernel/launch/build.h"
#include "kernel/machine/log_hub.h"
#include "kernel/management/management.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace backplane::kernel {
namespace {

using Kind = Argument::Kind;

constexpr const char* kEvents[] = {"DEVICE_DELETED", "POWERDOWN", "RESET", "RESUME", "SHUTDOWN", "STOP"};

Json quit(const Call& call) {
    call.machine.request_end("host-qmp-quit");
    return Json::object();
}

Json stop(const Call& call) {
    if (call.machine.run_state() == RunState::Running) call.machine.stop();
    return Json::object();
}

Json cont(const Call& call) {
    if (call.machine.run_state() == RunState::InternalError)
        fail_command("the machine met an internal error and cannot go on; system_reset does not help either");
    call.machine.start();
    return Json::object();
}

Json system_reset(const Call& call) {
    call.machine.request_reset("host-qmp-system-reset");
    return Json::object();
}

Json system_powerdown(const Call& call) {
    call.machine.request_powerdown();
    return Json::object();
}

Json query_status(const Call& call) {
    const RunState state = call.machine.run_state();
    return {
        {"status", run_state_name(state)}, {"singlestep", false}, {"running", state == RunState::Running}};
}

std::string show_status(const Json& result) {
    const std::string status = result["status"];
    const bool plain = status == "running" || status == "paused";
    return "VM status: " + std::string(result["running"].get<bool>() ? "running" : "paused") +
           (plain ? "" : " (" + status + ")") + "\n";
}

Json query_version(const Call& call) { return Json::parse(call.host.version_json()); }

std::string show_version(const Json& result) { return result["package"].get<std::string>() + "\n"; }

Json query_name(const Call& call) {
    if (call.host.guest_name().empty()) return Json::object();
    return {{"name", call.host.guest_name()}};
}

std::string show_name(const Json& result) { return result.value("name", "") + "\n"; }

Json query_commands(const Call& call) {
    Json list = Json::array();
    for (const Command& command : call.host.commands())
        if (command.name) list.push_back({{"name", command.name}});
    return list;
}

Json query_events(const Call&) {
    Json list = Json::array();
    for (const char* event : kEvents) list.push_back({{"name", event}});
    return list;
}

/// A monitor in command mode has negotiated already.
Json capabilities(const Call&) {
    fail_command("Capabilities negotiation is already complete, command ignored", "CommandNotFound");
}

Json human_command(const Call& call) {
    const std::uint64_t before = call.host.current_cpu_index();
    if (call.arguments.contains("cpu-index")) call.host.select_cpu(call.number("cpu-index"));
    TextBuffer out;
    call.host.execute_human(call.text("command-line"), out);
    if (call.arguments.contains("cpu-index")) call.host.select_cpu(before);
    return out.text();
}

std::vector<std::string> read_log_items(const Catalog& catalog, std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string item(text.substr(0, comma));
        ErrorText errors;
        if (item != "none" && !known_log_item(catalog, item, errors))
            fail_command("'" + item + "': " + errors.text());
        items.push_back(std::move(item));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return items;
}

/// CPUs read the categories without a lock: they stand still while these change.
Json log_items(const Call& call) {
    const std::vector<std::string> items = read_log_items(call.machine.catalog(), call.text("items"));
    const bool running = call.machine.run_state() == RunState::Running;
    if (running) call.machine.accelerator()->stop();
    for (const std::string& item : items) {
        if (item == "none") call.machine.log().disable_all();
        else call.machine.log().enable(item);
    }
    if (running) call.machine.accelerator()->start();
    return Json::object();
}

Json query_machines(const Call& call) {
    Json list = Json::array();
    for (const Catalog::Listed& listed : call.machine.catalog().list("machine")) {
        const ManifestType& type = *listed.type;
        const std::string& name = type.option_name();
        const auto add = [&](const std::string& each, const std::vector<std::string>& aliases, bool first) {
            Json entry{{"name", each}, {"description", type.summary}};
            if (!aliases.empty()) entry["alias"] = aliases.front();
            if (first && type.is_default) entry["is-default"] = true;
            list.push_back(std::move(entry));
            return &list.back();
        };
        if (type.versions.empty()) add(name, type.aliases, true);
        for (const ManifestVersion& version : type.versions) {
            const bool first = &version == &type.versions.front();
            Json* entry = add(name + "-" + version.version,
                              first ? std::vector<std::string>{name} : version.aliases, first);
            if (!version.deprecated.empty()) (*entry)["deprecated"] = true;
        }
    }
    return list;
}

}  // namespace

std::vector<Command> run_commands() {
    return {
        {"qmp_capabilities",
         nullptr,
         "",
         "ends the negotiation",
         {{"enable", Kind::Value, false}},
         capabilities},
        {"quit", "quit|q", "", "end this program", {}, quit},
        {"stop", "stop|s", "", "stop the machine", {}, stop},
        {"cont", "cont|c", "", "go on", {}, cont},
        {"system_reset", "system_reset", "", "reset the machine", {}, system_reset},
        {"system_powerdown", "system_powerdown", "", "ask the guest to power off", {}, system_powerdown},
        {"query-status", "info status", "", "whether the machine runs", {}, query_status, show_status},
        {"query-version", "info version", "", "this program's version", {}, query_version, show_version},
        {"query-name", "info name", "", "the guest's name", {}, query_name, show_name},
        {"query-commands", nullptr, "", "the commands that there are", {}, query_commands},
        {"query-events", nullptr, "", "the events that there are", {}, query_events},
        {"query-machines", nullptr, "", "the kinds of machine", {}, query_machines},
        {"human-monitor-command",
         nullptr,
         "",
         "runs a line of the human face",
         {{"command-line"}, {"cpu-index", Kind::Number, false}},
         human_command},
        {nullptr, "log", "item[,item...]", "log items as -d does, or none", {{"items"}}, log_items},
    };
}

}  // namespace backplane::kernel
