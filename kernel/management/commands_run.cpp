// Commands that start, stop and end the machine.
#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine_parts.h"
#include "kernel/management/management.h"
#include "kernel/management/stopped_cpus.h"
#include "kernel/vocabulary/log_items.h"

#include <backplane/draft/snapshot.h>

#include <algorithm>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

Json quit(const Call& call) {
    call.machine.request_end("host-qmp-quit");
    return Json::object();
}

Json stop(const Call& call) {
    if (call.machine.parts().run.goes_on()) call.machine.stop();
    return Json::object();
}

Json cont(const Call& call) {
    const RunState state = call.machine.run_state();
    if (state == RunState::InternalError)
        fail_command("the machine met an internal error and cannot go on; system_reset does not help either");
    if (state == RunState::Shutdown) fail_command("Resetting the Virtual Machine is required");
    ErrorText errors;
    auto& snapshots = *static_cast<Snapshots*>(call.machine.host_interface(Snapshots::kId));
    if (!snapshots.come_back(errors)) fail_command(errors.text());
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

Json system_wakeup(const Call& call) {
    RunControl& run = call.machine.parts().run;
    if (!run.can_sleep()) fail_command("wake-up from suspend is not supported by this guest");
    if (run.state() != RunState::Suspended)
        fail_command("Unable to wake up: guest is not in suspended state");
    run.request_wake(WakeCause::Other);
    return Json::object();
}

Json inject_nmi(const Call& call) {
    if (!call.machine.parts().run.inject_nmi()) fail_command("machine does not provide NMIs");
    return Json::object();
}

Json query_current_machine(const Call& call) {
    return {{"wakeup-suspend-support", call.machine.parts().run.can_sleep()}};
}

Json set_action(const Call& call) {
    RunActions actions = call.machine.actions();
    ErrorText errors;
    for (const auto& [event, choice] : call.arguments.items())
        if (!set_run_action(actions, event, choice.get<std::string>(), errors)) fail_command(errors.text());
    call.machine.set_actions(actions);
    return Json::object();
}

Json watchdog_action(const Call& call) {
    RunActions actions = call.machine.actions();
    ErrorText errors;
    if (!set_run_action(actions, "watchdog", call.text("action"), errors)) fail_command(errors.text());
    call.machine.set_actions(actions);
    return Json::object();
}

Json query_status(const Call& call) {
    const RunState state = call.machine.run_state();
    return {{"status", run_state_name(state)}, {"running", state == RunState::Running}};
}

std::string show_status(const Json& result) {
    const std::string status = result["status"];
    const bool plain = status == "running" || status == "paused";
    return "VM status: " + std::string(result["running"].get<bool>() ? "running" : "paused") +
           (plain ? "" : " (" + status + ")") + "\n";
}

/// A monitor in command mode has negotiated already.
Json capabilities(const Call&) {
    fail_command("Capabilities negotiation is already complete, command ignored", "CommandNotFound");
}

/// The line's answer may come later: the program's answer waits for it.
void human_command(const Call& call, CommandDone done) {
    ManagementHost& host = call.host;
    const std::uint64_t before = host.current_cpu_index();
    const bool other_cpu = call.arguments.contains("cpu-index");
    if (other_cpu) host.select_cpu(call.number("cpu-index"));
    host.run_line(call.text("command-line"), call.caller, [done](const ManagementReply& reply) {
        const Json text = reply.text;
        done({true, ascii_json_text(text), {}, {}, reply.text});
    });
    if (other_cpu) host.select_cpu(before);
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
    const StoppedCpus stopped(call.machine);
    for (const std::string& item : items) {
        if (item == "none") call.machine.log().disable_all();
        else call.machine.log().enable(item);
    }
    return Json::object();
}

Json log_file(const Call& call) {
    ErrorText errors;
    if (!call.machine.log().set_file(call.text("filename"), errors)) fail_command(errors.text());
    return Json::object();
}

constexpr ArgumentInfo kEnable[] = {{.name = "enable", .kind = Kind::Array, .required = false}};
constexpr ArgumentInfo kLine[] = {{.name = "command-line"},
                                  {.name = "cpu-index", .kind = Kind::Number, .required = false}};
constexpr ArgumentInfo kLogFile[] = {{.name = "filename"}};
constexpr ArgumentInfo kItems[] = {{.name = "items"}};
constexpr ArgumentInfo kActions[] = {
    {.name = "reboot", .required = false, .choices = "reset|shutdown"},
    {.name = "shutdown", .required = false, .choices = "poweroff|pause"},
    {.name = "panic", .required = false, .choices = "pause|shutdown|exit-failure|none"},
    {.name = "watchdog",
     .required = false,
     .choices = "reset|shutdown|poweroff|pause|debug|none|inject-nmi"}};
constexpr ArgumentInfo kWatchdog[] = {{.name = "action", .choices = kActions[3].choices}};
constexpr ArgumentInfo kStatus[] = {{.name = "running", .kind = Kind::Flag}, {.name = "status"}};
constexpr ArgumentInfo kCurrentMachine[] = {{.name = "wakeup-suspend-support", .kind = Kind::Flag}};
constexpr CoreCommand kRunCommands[] = {
    {{.name = "qmp_capabilities", .summary = "ends the negotiation", .arguments = kEnable}, capabilities},
    {{.name = "quit", .human = "quit|q", .summary = "end this program"}, quit},
    {{.name = "stop", .human = "stop|s", .summary = "stop the machine"}, stop},
    {{.name = "cont", .human = "cont|c", .summary = "go on"}, cont},
    {{.name = "system_reset", .human = "system_reset", .summary = "reset the machine"}, system_reset},
    {{.name = "system_powerdown", .human = "system_powerdown", .summary = "ask the guest to power off"},
     system_powerdown},
    {{.name = "system_wakeup", .human = "system_wakeup", .summary = "wake a guest that sleeps"},
     system_wakeup},
    {{.name = "inject-nmi",
      .human = "nmi",
      .summary = "interrupt the guest's processors in a way that they cannot mask"},
     inject_nmi},
    {{.name = "query-current-machine",
      .summary = "whether guests of this machine can sleep",
      .returns = "CurrentMachineParams"},
     query_current_machine,
     nullptr,
     kCurrentMachine},
    {{.name = "query-status",
      .human = "info status",
      .summary = "whether the machine runs",
      .returns = "StatusInfo"},
     query_status,
     show_status,
     kStatus},
    {{.name = "set-action",
      .summary = "what follows a reset, a power-off, a panic, a watchdog that runs out",
      .arguments = kActions},
     set_action},
    {{.human = "watchdog_action", .summary = "what follows a watchdog that runs out", .arguments = kWatchdog},
     watchdog_action},
    {{.name = "human-monitor-command",
      .summary = "runs a line of the human face",
      .arguments = kLine,
      .returns = "str"},
     nullptr,
     nullptr,
     {},
     human_command},
    {{.human = "logfile", .summary = "where the log goes from now on", .arguments = kLogFile}, log_file},
    {{.human = "log", .summary = "log items as -d does, or none", .arguments = kItems}, log_items},
};

}  // namespace

Slice<const CoreCommand> run_commands() { return kRunCommands; }

}  // namespace backplane::kernel
