#include "kernel/barrier/crash_report.h"

#include "kernel/barrier/callee.h"
#include "kernel/barrier/exception_text.h"
#include "kernel/barrier/mapped_file.h"
#include "kernel/barrier/plugin_map.h"
#include "kernel/barrier/throw_site.h"

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include <semaphore.h>

namespace backplane::kernel {

namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
/// A crash may be a stack that has no room left.
constexpr std::size_t kAlternateStack = 64 << 10;

const char* name_of(int signal) {
    switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "SIGABRT";
    }
}

/// A line that is put together without memory of the heap.
class Line {
  public:
    Line& add(const char* text) {
        while (*text && size_ < sizeof text_ - 1) text_[size_++] = *text++;
        return *this;
    }
    Line& add_hex(std::uintptr_t value) {
        char digits[2 * sizeof value + 1];
        char* at = digits + sizeof digits - 1;
        *at = '\0';
        do *--at = "0123456789abcdef"[value & 15];
        while (value >>= 4);
        return add("0x").add(at);
    }
    void write_out() {
        text_[size_++] = '\n';
        std::size_t done = 0;
        while (done < size_) {
            const ssize_t wrote = ::write(STDERR_FILENO, text_ + done, size_ - done);
            if (wrote <= 0) return;
            done += std::size_t(wrote);
        }
    }

  private:
    char text_[2048];
    std::size_t size_ = 0;
};

/// " in plugin 'x' (FILE+0x123), in read() of …"
void add_place(Line& line, const MappedPlugin* plugin, std::uintptr_t counter) {
    if (plugin) {
        line.add(" in plugin '").add(plugin->name).add("' (").add(plugin->file);
        if (counter - plugin->start < plugin->end - plugin->start)
            line.add("+").add_hex(counter - plugin->start);
        line.add(")");
    }
    const CallRecord call = current_call;
    if (call.callee)
        line.add(plugin ? "; the call was " : " in a call: ")
            .add(call.call)
            .add(" of ")
            .add(call.callee->label());
    if (!plugin && !call.callee) line.add(" in no plugin's code");
}

std::atomic<int> crashes{0};
std::atomic<bool> terminate_said{false};

std::uintptr_t program_counter(void* context) {
#if defined(__x86_64__)
    return std::uintptr_t(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#else
    static_cast<void>(context);
    return 0;
#endif
}

/// A page of a file that is mapped could not be had: nobody's code is wrong. False when it is something else.
bool report_lost_page(const siginfo_t& info) {
    static MappedFile file;
    const bool page = info.si_code == BUS_ADRERR || info.si_code == BUS_OBJERR;
    if (!page || !find_mapped_file(reinterpret_cast<std::uintptr_t>(info.si_addr), file)) return false;
    Line line;
    if (file.has_name())
        line.add("backplane: SIGBUS: byte ")
            .add_hex(file.at)
            .add(" of '")
            .add(file.path)
            .add(
                "', which memory is mapped from, cannot be had: the file was cut short, or its disk is full or fails");
    else line.add("backplane: SIGBUS: the host has no memory left for '").add(file.path).add("'");
    line.write_out();
    return true;
}

void crashed(int signal, siginfo_t* info, void* context) {
    const bool sent = info->si_code <= 0;  // by a process, not by an instruction
    const bool kill_of_another = sent && info->si_pid != getpid();
    // A second crash is that of looking at the stack, which is then done without.
    const int turn = crashes.fetch_add(1);
    const bool said = turn == 0 && signal == SIGBUS && !sent && report_lost_page(*info);
    if (turn < 2 && !said && !terminate_said && !kill_of_another) {
        const std::uintptr_t counter = program_counter(context);
        const MappedPlugin* plugin = plugin_at(counter);
        if (!plugin && turn == 0) plugin = plugin_on_stack();
        Line line;
        line.add("backplane: ").add(name_of(signal));
        add_place(line, plugin, counter);
        line.write_out();
    }
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    sigaction(signal, &by_default, nullptr);
    if (sent) raise(signal);
}

[[noreturn]] void terminated() {
    const bool thrown = std::current_exception() != nullptr;
    const MappedPlugin* plugin = thrown ? last_throw_plugin() : plugin_on_stack();
    Line line;
    line.add("backplane: std::terminate was called");
    add_place(line, plugin, 0);
    if (thrown) line.add(": nothing caught ").add(current_exception_text().c_str());
    line.write_out();
    terminate_said = true;
    std::abort();
}

}  // namespace

void report_crashes() {
    static char stack[kAlternateStack];
    stack_t alternate{};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    sigaltstack(&alternate, nullptr);
    for (const int signal : kSignals) {
        struct sigaction current {};
        sigaction(signal, nullptr, &current);
        if ((current.sa_flags & SA_SIGINFO) || current.sa_handler != SIG_DFL) continue;
        struct sigaction action {};
        action.sa_sigaction = crashed;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(signal, &action, nullptr);
    }
    std::set_terminate(terminated);
}

namespace {

/// What a thread that is asked by a signal says of itself.
struct Answer {
    sem_t given{};
    std::atomic<const MappedPlugin*> plugin{nullptr};
};
Answer answer;

void say_where(int) {
    const int saved = errno;
    answer.plugin = plugin_on_stack();
    sem_post(&answer.given);
    errno = saved;
}

/// The plugin that thread `id` is in; null: none, or it does not say.
const MappedPlugin* ask(pid_t id, int signal) {
    constexpr auto kPatience = std::chrono::milliseconds(200);
    answer.plugin = nullptr;
    sem_init(&answer.given, 0, 0);
    if (syscall(SYS_tgkill, getpid(), id, signal) != 0) return nullptr;
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    const auto nanoseconds = until.tv_nsec + std::chrono::nanoseconds(kPatience).count();
    until.tv_sec += nanoseconds / 1'000'000'000;
    until.tv_nsec = nanoseconds % 1'000'000'000;
    while (sem_timedwait(&answer.given, &until) != 0 && errno == EINTR) {}
    return answer.plugin;
}

std::string name_of_thread(const std::filesystem::path& task) {
    std::string name;
    std::getline(std::ifstream(task / "comm"), name);
    return name;
}

}  // namespace

unsigned report_left_threads() {
    const int signal = SIGRTMIN;
    struct sigaction action {};
    action.sa_handler = say_where;
    action.sa_flags = SA_RESTART;
    struct sigaction before {};
    sigaction(signal, &action, &before);
    unsigned left = 0;
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
        const auto id = pid_t(std::atol(task.path().filename().c_str()));
        if (id == syscall(SYS_gettid)) continue;
        const MappedPlugin* plugin = ask(id, signal);
        if (!plugin) continue;
        ++left;
        const std::string name = name_of_thread(task.path());
        Line line;
        line.add("backplane: plugin '").add(plugin->name).add("' (").add(plugin->file).add("): its thread '");
        line.add(name.c_str()).add("' still runs after everything that it could serve is gone");
        line.write_out();
    }
    sigaction(signal, &before, nullptr);
    return left;
}

}  // namespace backplane::kernel
