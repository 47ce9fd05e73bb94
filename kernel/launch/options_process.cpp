// What concerns the process rather than the machine: logs, files, run control, help.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

void add_log_item(PlanBuilder& builder, const std::string& item) {
    builder.plan().log_items.push_back({builder.option, item});
}

void add_log_items(PlanBuilder& builder, const std::string& items) {
    std::string_view rest = items;
    while (true) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = rest.substr(0, comma);
        if (item == "help" || item == "?") return builder.ask(Kind::LogItems);
        if (item.empty()) throw UserError("expects items with ',' between them; -d help lists them");
        add_log_item(builder, std::string(item));
        if (comma == std::string_view::npos) return;
        rest.remove_prefix(comma + 1);
    }
}

void apply_trace(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "enable");
    if (options.help()) return builder.ask(Kind::LogItems);
    if (const auto item = options.take("enable")) add_log_item(builder, *item);
    if (const auto file = options.take("file")) builder.plan().log_file = *file;
    options.expect_empty();
}

void apply_name(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "guest");
    if (options.help()) return builder.ask_parameters("name");
    builder.plan().name = options.take_or("guest", builder.plan().name);
    builder.plan().process_name = options.take_or("process", builder.plan().process_name);
    // Threads are always named: both answers are what happens.
    options.take_flag("debug-threads");
    options.expect_empty();
}

void apply_msg(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "");
    if (options.help()) return builder.ask_parameters("msg");
    LaunchPlan& plan = builder.plan();
    plan.message_timestamp = options.take_flag("timestamp").value_or(plan.message_timestamp);
    plan.message_guest_name = options.take_flag("guest-name").value_or(plan.message_guest_name);
    options.expect_empty();
}

void set_user(PlanBuilder& builder, const std::string& value) {
    if (value.empty()) throw UserError("expects a user's name, or UID:GID");
    builder.plan().process.user = value;
    builder.plan().process.user_option = builder.option;
}

void set_root(PlanBuilder& builder, const std::string& value) {
    if (value.empty()) throw UserError("expects a directory");
    builder.plan().process.root = value;
    builder.plan().process.root_option = builder.option;
}

void apply_run_with(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "");
    if (options.help()) return builder.ask_parameters("run-with");
    if (const auto user = options.take("user")) set_user(builder, *user);
    if (const auto root = options.take("chroot")) set_root(builder, *root);
    builder.plan().process.exit_with_parent = options.take_flag("exit-with-parent").value_or(false);
    if (options.take_flag("async-teardown").value_or(false))
        throw UserError(
            "async-teardown=on: memory is given back when the process ends, and not by another one");
    options.expect_empty();
}

void apply_overcommit(PlanBuilder& builder, const std::string& value) {
    using Lock = ProcessPlan::MemoryLock;
    SubOptions options = SubOptions::parse(value, "");
    if (options.help()) return builder.ask_parameters("overcommit");
    ProcessPlan& process = builder.plan().process;
    if (const auto lock = options.take("mem-lock")) {
        process.memory_lock = *lock == "on-fault"             ? Lock::OnFault
                              : flag_value("mem-lock", *lock) ? Lock::On
                                                              : Lock::Off;
        process.memory_lock_option = builder.option;
    }
    if (options.take_flag("cpu-pm").value_or(false))
        throw UserError("cpu-pm=on: no accelerator lets the guest put the host's CPUs to sleep");
    options.expect_empty();
}

/// "allow" or "deny"; true for deny.
bool denied(SubOptions& options, const char* name, bool otherwise) {
    const auto answer = options.take(name);
    if (!answer) return otherwise;
    if (*answer != "allow" && *answer != "deny")
        throw UserError("parameter '" + std::string(name) + "' is allow or deny, not '" + *answer + "'");
    return *answer == "deny";
}

void apply_sandbox(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "enable");
    if (options.help()) return builder.ask_parameters("sandbox");
    SandboxPlan& sandbox = builder.plan().process.sandbox;
    sandbox.on = options.take_flag("enable").value_or(false);
    sandbox.deny_obsolete = denied(options, "obsolete", true);
    // What a child gains is denied by the filter as such.
    const std::string elevation = options.take_or("elevateprivileges", "allow");
    if (elevation != "allow" && elevation != "deny" && elevation != "children")
        throw UserError("parameter 'elevateprivileges' is allow, deny or children, not '" + elevation + "'");
    sandbox.deny_elevation = elevation == "deny";
    sandbox.deny_spawn = denied(options, "spawn", false);
    sandbox.deny_resources = denied(options, "resourcecontrol", false);
    options.expect_empty();
}

void apply_add_fd(PlanBuilder& builder, const std::string& value) {
    constexpr std::uint64_t kLargest = 0x7fff'ffff;
    constexpr std::uint64_t kStandard = 3;
    SubOptions options = SubOptions::parse(value, "");
    if (options.help()) return builder.ask_parameters("add-fd");
    DescriptorPlan plan{builder.option, -1, options.take_number("set", kLargest), {}};
    const auto descriptor = options.take_number("fd", kLargest);
    if (!descriptor) throw UserError("parameter 'fd' is missing");
    if (*descriptor < kStandard) throw UserError("fd=0, 1 and 2 are the terminal's; pass another one");
    plan.descriptor = int(*descriptor);
    plan.opaque = options.take_or("opaque", "");
    options.expect_empty();
    builder.plan().descriptors.push_back(std::move(plan));
}

void ask_usage(PlanBuilder& builder, const std::string&) { builder.ask(Kind::Usage); }

}  // namespace

OptionGroup process_options() {
    return {
        "Running",
        {{"nodefaults", nullptr, "no device, console or monitor that was not asked for",
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
         {"plugin-dir", "DIRECTORY",
          "where plugins are looked for next to the installation's (may be repeated)",
          [](PlanBuilder&, const std::string&) {}},  // read ahead of all others
         {"print-plan", nullptr, "prints what would be launched as JSON, and ends",
          [](PlanBuilder& builder, const std::string&) { builder.result.print_plan = true; }},
         {"msg", "[timestamp=on|off][,guest-name=on|off]", "what stands before each message", apply_msg},
         {"daemonize", nullptr, "goes on in another process, without the terminal, when the machine is made",
          [](PlanBuilder& builder, const std::string&) { builder.plan().process.daemonize = true; }},
         {"run-with", "[user=NAME|UID:GID][,chroot=DIRECTORY][,exit-with-parent=on|off]",
          "who the process becomes, and where its root is, when the machine is\n"
          "made; whether it ends with the process that started it",
          apply_run_with},
         {"runas", "NAME|UID:GID", "-run-with user=", set_user},
         {"chroot", "DIRECTORY", "-run-with chroot=", set_root},
         {"sandbox",
          "on|off[,obsolete=allow|deny][,elevateprivileges=allow|deny|children]"
          "[,spawn=allow|deny][,resourcecontrol=allow|deny]",
          "denies the process, once the machine is made, what it has no business\n"
          "with on the host",
          apply_sandbox},
         {"overcommit", "[mem-lock=on|off|on-fault][,cpu-pm=off]",
          "keeps all memory from being swapped, at once or as it is touched", apply_overcommit},
         {"add-fd", "fd=N[,set=N][,opaque=TEXT]",
          "a descriptor that the process was started with, for files that are\n"
          "named /dev/fdset/SET",
          apply_add_fd},
         {"version", nullptr, "the version",
          [](PlanBuilder& b, const std::string&) { b.ask(Kind::Version); }},
         {"help", nullptr, "this text", ask_usage},
         {"h", nullptr, "the same", ask_usage}}};
}

}  // namespace backplane::kernel
