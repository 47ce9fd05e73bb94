// Threads, and how they go on.
#include "hex.h"
#include "session.h"

#include <algorithm>

namespace backplane::gdb {

Session::Answer Session::why_stopped(std::string_view) {
    general_cpu_ = std::min(last_stop_.cpu, debuggee_.cpu_count() - 1);
    resumed_ = {.all = true};
    return stop_reply(last_stop_);
}

/// H: for which thread what follows is.
Session::Answer Session::select_thread(std::string_view arguments) {
    if (arguments.empty()) return error(kInvalid);
    const char operation = arguments[0];
    arguments.remove_prefix(1);
    const auto thread = take_thread(arguments);
    if (!thread || !arguments.empty()) return error(kInvalid);
    if (operation == 'c') {
        resumed_ = *thread;
        return "OK";
    }
    if (operation != 'g') return error(kInvalid);
    if (!thread->all && !thread->any) general_cpu_ = thread->cpu;
    return "OK";
}

Session::Answer Session::thread_alive(std::string_view arguments) {
    const auto thread = take_thread(arguments);
    return thread && arguments.empty() && !thread->all && !thread->any ? "OK" : error(kInvalid);
}

/// c, s, and their forms with a signal, which no CPU could take: [ADDRESS].
Session::Answer Session::resume_selected(std::string_view arguments, DebugResume how) {
    if (!arguments.empty()) {
        const auto address = take_number(arguments);
        if (!address || !arguments.empty()) return error(kInvalid);
        if (being_saved()) return error(kBusy);
        debuggee_.set_program_counter(general_cpu_, *address);
    }
    std::vector<DebugResume> each(debuggee_.cpu_count(), DebugResume::Run);
    const bool steps = how != DebugResume::Run;
    const std::size_t one = resumed_.all || resumed_.any ? general_cpu_ : resumed_.cpu;
    if (steps) {
        std::ranges::fill(each, DebugResume::Stand);
        each[one] = how;
    }
    return resume(each);
}

namespace {

/// "SS" or "SS;ADDRESS": what is behind the signal.
std::optional<std::string_view> behind_signal(std::string_view text) {
    if (!take_number(text)) return std::nullopt;
    take_char(text, ';');
    return text;
}

}  // namespace

Session::Answer Session::go_on_with_signal(std::string_view arguments) {
    const auto rest = behind_signal(arguments);
    return rest ? go_on(*rest) : error(kInvalid);
}

Session::Answer Session::step_with_signal(std::string_view arguments) {
    const auto rest = behind_signal(arguments);
    return rest ? step(*rest) : error(kInvalid);
}

Session::Answer Session::can_resume(std::string_view) { return "vCont;c;C;s;S"; }

/// vCont;ACTION[:THREAD]…: for each thread the first action that names it; without one it stands.
Session::Answer Session::resume_each(std::string_view arguments) {
    std::vector<DebugResume> each(debuggee_.cpu_count(), DebugResume::Stand);
    std::vector<bool> decided(each.size());
    while (take_char(arguments, ';')) {
        if (arguments.empty()) return error(kInvalid);
        const char action = arguments[0];
        arguments.remove_prefix(1);
        if (std::string_view("cCsS").find(action) == std::string_view::npos) return error(kInvalid);
        const bool signal = action == 'C' || action == 'S';
        if (signal && !take_number(arguments)) return error(kInvalid);
        const auto thread = take_char(arguments, ':') ? take_thread(arguments) : Thread{.all = true};
        if (!thread) return error(kInvalid);
        for (std::size_t cpu = 0; cpu < each.size(); ++cpu) {
            if (decided[cpu] || !thread->matches(cpu)) continue;
            each[cpu] = action == 'c' || action == 'C' ? DebugResume::Run : step_kind();
            decided[cpu] = true;
            if (thread->any) break;
        }
    }
    if (!arguments.empty() || std::ranges::find(decided, true) == decided.end()) return error(kInvalid);
    return resume(each);
}

Session::Answer Session::resume(const std::vector<DebugResume>& how) {
    const bool free = std::ranges::count(how, DebugResume::Run) == std::ptrdiff_t(how.size());
    if (!free && !debuggee_.can_stop_at_points()) return error(kInvalid);
    waits_ = true;
    if (debuggee_.resume(how)) return std::nullopt;
    waits_ = false;  // it stands where it stood
    return stop_reply(last_stop_);
}

// ---- leaving

/// The machine goes on without a debugger.
Session::Answer Session::detach(std::string_view) {
    debuggee_.detach();
    debuggee_.resume({});
    active_ = true;
    waits_ = false;
    return "OK";
}

Session::Answer Session::kill(std::string_view) {
    debuggee_.quit();
    return std::nullopt;
}

Session::Answer Session::kill_process(std::string_view) {
    debuggee_.quit();
    return "OK";
}

/// The only process: the debugger is attached already, or was and comes again.
Session::Answer Session::attach_process(std::string_view arguments) {
    const auto process = take_char(arguments, ';') ? take_number(arguments) : std::nullopt;
    if (!process || *process != 1 || !arguments.empty() || debuggee_.cpu_count() == 0) return error(kInvalid);
    debuggee_.attach();
    last_stop_ = {.stop = DebugStop{}};
    return stop_reply(last_stop_);
}

}  // namespace backplane::gdb
