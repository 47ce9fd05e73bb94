// The program's life: read the command line, answer a question or build a machine, run it, clean up.
#include "kernel/program/program.h"

#include "kernel/barrier/crash_report.h"
#include "kernel/event/loop.h"
#include "kernel/launch/build.h"
#include "kernel/launch/command_line.h"
#include "kernel/launch/option_table.h"
#include "kernel/machine/log_hub.h"
#include "kernel/management/management.h"
#include "kernel/program/core_names.h"
#include "kernel/program/pid_file.h"
#include "kernel/program/process.h"
#include "kernel/vocabulary/listings.h"
#include "kernel/vocabulary/log_items.h"
#include "kernel/vocabulary/plugin_listing.h"
#include "kernel/vocabulary/user_error.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

/// A closed standard descriptor would become the first file that is opened, and a console would write into it.
/// True when standard input was closed.
bool fill_standard_descriptors() {
    const bool input_closed = fcntl(STDIN_FILENO, F_GETFD) < 0;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return input_closed;
    return input_closed;
}

/// Guests' connections take descriptors, and the limit that shells set is made for programs that use select(2).
void raise_descriptor_limit() {
    constexpr rlim_t kEnough = 65536;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
    limit.rlim_cur = std::min(limit.rlim_max, kEnough);
    setrlimit(RLIMIT_NOFILE, &limit);
}

int show(const std::string& text) {
    // A long text is written in pieces, of which the last may be the only one that fits.
    if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 && !std::ferror(stdout)) return 0;
    throw UserError(std::string("cannot write to standard output: ") + std::strerror(errno));
}

/// One line, whatever was typed, and none that fills the screen.
void complain(const MessageStyle& style, std::string message) {
    constexpr std::size_t kHead = 400, kTail = 800;
    if (message.size() > kHead + kTail)
        message = message.substr(0, kHead) + " [" + std::to_string(message.size() - kHead - kTail) +
                  " bytes more] " + message.substr(message.size() - kTail);
    std::ranges::replace_if(
        message, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    std::fprintf(stderr, "%s%s\n", style.prefix().c_str(), message.c_str());
}

int plugin_command(const std::vector<std::string>& arguments) {
    const PluginAnswer answer = answer_plugin_command({arguments.begin() + 1, arguments.end()}, core_names());
    const int shown = show(answer.text);
    return answer.refused ? 1 : shown;
}

/// A folder that the user named and that is not used, is no small thing.
void check_plugin_folders(const Catalog& catalog) {
    for (const SearchFolder& folder : catalog.search_path()) {
        const std::string message = std::string(origin_text(folder.origin)) + ": " + folder.problem;
        if (folder.problem.empty()) continue;
        if (folder.origin == FolderOrigin::Option) throw UserError(message);
        complain({}, "warning: " + message);
    }
}

/// Switches the plan's log items on, and its file.
void configure_log(const LaunchPlan& plan, const Catalog& catalog, LogHub& log) {
    ErrorText errors;
    if (!plan.log_file.empty() && !log.set_file(plan.log_file, errors))
        throw UserError("-D " + plan.log_file + ": " + errors.text());
    for (const auto& [option, item] : plan.log_items) {
        if (!known_log_item(catalog, item, errors))
            throw UserError(option + ": '" + item + "': " + errors.text());
        log.enable(item);
    }
}

/// Throws UserError for a character device on a terminal that is not there.
void check_terminal(const LaunchPlan& plan, bool input_closed) {
    const auto on_terminal = [](const ObjectPlan& chardev) { return chardev.type == "stdio"; };
    const auto user = std::ranges::find_if(plan.chardevs, on_terminal);
    if (user == plan.chardevs.end()) return;
    if (input_closed)
        throw UserError(
            user->option +
            ": standard input is closed; redirect it from /dev/null, or use another character device");
    if (plan.process.daemonize)
        throw UserError(user->option +
                        ": with -daemonize there is no terminal; use another character device");
}

/// Duplicates what the process was started with.
void add_descriptors(const LaunchPlan& plan, Descriptors& descriptors) {
    for (const DescriptorPlan& each : plan.descriptors) {
        const int copy = fcntl(each.descriptor, F_DUPFD_CLOEXEC, 0);
        if (copy < 0)
            throw UserError(each.option + ": descriptor " + std::to_string(each.descriptor) +
                            " was not passed to this process: " + std::strerror(errno));
        descriptors.add(each.set, copy, each.opaque);
    }
}

int run(const LaunchPlan& plan, Catalog& catalog, const MessageStyle& style, bool input_closed) {
    check_machine_type(plan, catalog);
    check_terminal(plan, input_closed);
    LogHub log;
    log.set_style(style);
    configure_log(plan, catalog, log);
    raise_descriptor_limit();
    if (!plan.process_name.empty()) prctl(PR_SET_NAME, plan.process_name.c_str());
    follow_parent(plan.process);
    Daemon daemon(plan.process.daemonize);
    PidFile pid_file;
    if (!plan.pid_file.empty()) pid_file.create(plan.pid_file);

    ManagementHost management;
    Machine machine(catalog, log);
    management.serve(machine, {plan.name, OptionTable(&catalog).listings()});
    add_descriptors(plan, management.descriptors());
    int signal = 0;
    machine.loop().handle_signals([&](int number) {
        signal = number;
        machine.request_end("host-signal");
    });
    const auto terminated = [&] {
        return UserError("terminating on signal " + std::to_string(signal) + " (" + strsignal(signal) + ")");
    };
    try {
        build_machine(plan, machine);
    } catch (const UserError&) {
        if (signal) throw terminated();  // a part that waited gave up
        throw;
    }
    confine_process(plan.process);
    daemon.ready();
    if (!plan.start_paused) {
        const std::lock_guard guard(machine.lock());
        machine.start();
    }
    const int status = machine.run();
    if (signal) throw terminated();
    return status;
}

/// Of programs that serve one architecture each users know these names; links to this one may have them.
void select_architecture(const std::string& program, Catalog& catalog) {
    constexpr std::string_view kPrefix = "qemu-system-";
    const std::string name = program.substr(program.rfind('/') + 1);
    if (!name.starts_with(kPrefix)) return;
    ErrorText errors;
    if (!catalog.select_architecture(name.substr(kPrefix.size()), errors))
        throw UserError(name + ": " + errors.text());
}

int run_or_throw(const std::string& program, const std::vector<std::string>& arguments, MessageStyle& style) {
    // A peer that is gone and a file at its limit are errors of the write, not the end.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    const bool input_closed = fill_standard_descriptors();
    if (!arguments.empty() && arguments.front() == "plugin") return plugin_command(arguments);
    Catalog catalog(plugin_directories(arguments), Trust(), core_names());
    check_plugin_folders(catalog);
    select_architecture(program, catalog);
    const CommandLine command_line = read_command_line(arguments, &catalog);
    if (const auto& topic = command_line.topic) {
        const std::string options = topic->kind == HelpTopic::Kind::Usage ? usage(&catalog) : "";
        return show(help_text(*topic, catalog) + options);
    }
    const LaunchPlan& plan = command_line.plan;
    if (command_line.print_plan) return show(print_plan(plan));
    style = {plan.message_timestamp, plan.message_guest_name ? plan.name : ""};
    return run(plan, catalog, style, input_closed);
}

int run_or_complain(const std::string& program, const std::vector<std::string>& arguments) {
    MessageStyle style;
    try {
        return run_or_throw(program, arguments, style);
    } catch (const std::bad_alloc&) {
        std::fputs("backplane: out of memory; ask for a smaller machine\n", stderr);
    } catch (const std::exception& error) {
        complain(style, error.what());
    }
    return 1;
}

}  // namespace

int run_program(const std::string& name, const std::vector<std::string>& arguments) {
    report_crashes();
    const int status = run_or_complain(name, arguments);
    if (report_left_threads() == 0) return status;
    // Static objects may not be destroyed under a thread that runs.
    std::fflush(nullptr);
    _exit(status);
}

}  // namespace backplane::kernel
