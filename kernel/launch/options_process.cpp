// What concerns the process rather than the machine: logs, files, run control, help.
#include "kernel/launch/command_line.h"
#include "kernel/launch/suboptions.h"

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

void add_log_items(PlanBuilder& builder, const std::string& items) {
    std::string_view rest = items;
    while (true) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = rest.substr(0, comma);
        if (item == "help" || item == "?") return builder.ask(Kind::LogItems);
        if (item.empty()) throw LaunchError("expects items with ',' between them; -d help lists them");
        builder.plan().log_items.emplace_back(item);
        if (comma == std::string_view::npos) return;
        rest.remove_prefix(comma + 1);
    }
}

void apply_trace(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "enable");
    if (options.help()) return builder.ask(Kind::LogItems);
    if (const auto item = options.take("enable")) builder.plan().log_items.push_back(*item);
    if (const auto file = options.take("file")) builder.plan().log_file = *file;
    options.expect_empty();
}

void apply_name(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "guest");
    builder.plan().name = options.take_or("guest", builder.plan().name);
    builder.plan().process_name = options.take_or("process", builder.plan().process_name);
    // Threads are always named: both answers are what happens.
    options.take_flag("debug-threads");
    options.expect_empty();
}

void refuse_daemonize(PlanBuilder&, const std::string&) {
    throw LaunchError(
        "the process does not leave its terminal by itself; start it with setsid or systemd-run, and "
        "with -pidfile to know it is up");
}

template <bool LaunchPlan::*Member>
void set_flag(PlanBuilder& builder, const std::string&) {
    builder.plan().*Member = true;
}

void ask_usage(PlanBuilder& builder, const std::string&) { builder.ask(Kind::Usage); }

}  // namespace

OptionGroup process_options() {
    return {"Running",
            {{"S", nullptr, "do not start the CPUs (the monitor's cont does)",
              set_flag<&LaunchPlan::start_paused>},
             {"no-reboot", nullptr, "a guest's reset ends the machine", set_flag<&LaunchPlan::no_reboot>},
             {"no-shutdown", nullptr, "a guest's power-off stops the machine and keeps it for the monitor",
              set_flag<&LaunchPlan::no_shutdown>},
             {"nodefaults", nullptr, "no device, console or monitor that was not asked for",
              [](PlanBuilder& builder, const std::string&) { builder.plan().default_devices = false; }},
             {"name", "[guest=]NAME[,process=NAME][,debug-threads=on|off]",
              "the guest's name for monitors, and the process's for ps; threads\n"
              "are always named",
              apply_name},
             {"d", "ITEM[,ITEM...]", "log items (-d help lists them)", add_log_items},
             {"D", "FILE", "where the log goes (default: stderr)",
              [](PlanBuilder& builder, const std::string& value) { builder.plan().log_file = value; }},
             {"trace", "[enable=]ITEM[,file=FILE]", "the same, one item at a time", apply_trace},
             {"pidfile", "FILE", "writes the process's id; removed at the end",
              [](PlanBuilder& builder, const std::string& value) { builder.plan().pid_file = value; }},
             {"readconfig", "FILE", "options from a file of [section \"id\"] and key = \"value\" lines",
              read_config_file},
             {"no-user-config", nullptr, "reads no configuration of the user's: none is ever read",
              [](PlanBuilder&, const std::string&) {}},
             {"plugin-dir", "DIRECTORY", "where plugins are looked for first (may be repeated)",
              [](PlanBuilder&, const std::string&) {}},  // read ahead of all others
             {"print-plan", nullptr, "prints what would be launched as JSON, and ends",
              [](PlanBuilder& builder, const std::string&) { builder.result.print_plan = true; }},
             {"daemonize", nullptr, "refused, with what to use instead", refuse_daemonize},
             {"version", nullptr, "the version",
              [](PlanBuilder& b, const std::string&) { b.ask(Kind::Version); }},
             {"help", nullptr, "this text", ask_usage},
             {"h", nullptr, "the same", ask_usage}}};
}

}  // namespace backplane::kernel
