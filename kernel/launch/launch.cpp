// The program's life: read the command line, answer a question or build a machine, run it, clean up.
#include "kernel/launch/launch.h"

#include "kernel/barrier/crash_report.h"
#include "kernel/event/loop.h"
#include "kernel/launch/build.h"
#include "kernel/launch/command_line.h"
#include "kernel/launch/help.h"
#include "kernel/launch/launch_error.h"
#include "kernel/launch/pid_file.h"
#include "kernel/launch/plugin_listing.h"
#include "kernel/machine/log_hub.h"
#include "kernel/management/management.h"

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
    std::fputs(text.c_str(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

/// One line, whatever was typed.
void complain(std::string message) {
    std::ranges::replace_if(
        message, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    std::fprintf(stderr, "backplane: %s\n", message.c_str());
}

int plugin_command(const std::vector<std::string>& arguments) {
    const PluginAnswer answer = answer_plugin_command({arguments.begin() + 1, arguments.end()});
    const int shown = show(answer.text);
    return answer.refused ? 1 : shown;
}

/// A folder that the user named and that is not used, is no small thing.
void check_plugin_folders(const Catalog& catalog) {
    for (const SearchFolder& folder : catalog.search_path()) {
        const std::string message = std::string(origin_text(folder.origin)) + ": " + folder.problem;
        if (folder.problem.empty()) continue;
        if (folder.origin == FolderOrigin::Option) throw LaunchError(message);
        complain("warning: " + message);
    }
}

int run(const LaunchPlan& plan, Catalog& catalog, bool input_closed) {
    check_machine_type(plan, catalog);
    const auto on_terminal = [](const ObjectPlan& chardev) { return chardev.type == "stdio"; };
    if (const auto user = std::ranges::find_if(plan.chardevs, on_terminal);
        input_closed && user != plan.chardevs.end())
        throw LaunchError(user->option +
                          ": standard input is closed; redirect it from /dev/null, or use another " +
                          "character device");
    LogHub log;
    configure_log(plan, catalog, log);
    raise_descriptor_limit();
    if (!plan.process_name.empty()) prctl(PR_SET_NAME, plan.process_name.c_str());
    PidFile pid_file;
    if (!plan.pid_file.empty()) pid_file.create(plan.pid_file);

    ManagementHost management;
    Machine machine(catalog, log);
    management.serve(machine, plan.name);
    int signal = 0;
    machine.loop().handle_signals([&](int number) {
        signal = number;
        machine.request_end("host-signal");
    });
    const auto terminated = [&] {
        return LaunchError("terminating on signal " + std::to_string(signal) + " (" + strsignal(signal) +
                           ")");
    };
    try {
        build_machine(plan, machine);
    } catch (const LaunchError&) {
        if (signal) throw terminated();  // a part that waited gave up
        throw;
    }
    if (!plan.start_paused) {
        const std::lock_guard guard(machine.lock());
        machine.start();
    }
    const int status = machine.run();
    if (signal) throw terminated();
    return status;
}

int launch_or_throw(const std::vector<std::string>& arguments) {
    // A peer that is gone and a file at its limit are errors of the write, not the end.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    const bool input_closed = fill_standard_descriptors();
    if (!arguments.empty() && arguments.front() == "plugin") return plugin_command(arguments);
    Catalog catalog(plugin_directories(arguments));
    check_plugin_folders(catalog);
    const CommandLine command_line = read_command_line(arguments, &catalog);
    if (command_line.topic) return show(help_text(*command_line.topic, catalog));
    if (command_line.print_plan) return show(print_plan(command_line.plan));
    return run(command_line.plan, catalog, input_closed);
}

int launch_or_complain(const std::vector<std::string>& arguments) {
    try {
        return launch_or_throw(arguments);
    } catch (const LaunchError& error) {
        complain(error.what());
    } catch (const std::bad_alloc&) {
        std::fputs("backplane: out of memory; ask for a smaller machine\n", stderr);
    } catch (const std::exception& error) {
        complain(error.what());
    }
    return 1;
}

}  // namespace

int launch(const std::vector<std::string>& arguments) {
    report_crashes();
    const int status = launch_or_complain(arguments);
    if (report_left_threads() == 0) return status;
    // Static objects may not be destroyed under a thread that runs.
    std::fflush(nullptr);
    _exit(status);
}

}  // namespace backplane::kernel
