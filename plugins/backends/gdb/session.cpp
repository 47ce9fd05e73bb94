// Packets in and out, stop replies, thread ids.
#include "session.h"

#include "hex.h"

#include <algorithm>
#include <utility>

namespace backplane::gdb {

namespace {

// Signals as the protocol numbers them (GDB manual, E.1; include/gdb/signals.def).
constexpr unsigned kInterrupted = 2, kQuit = 3, kTrap = 5, kAborted = 6;

unsigned signal_of(const StopReport& report) {
    if (report.stop || report.state == "debug") return kTrap;
    if (report.state == "shutdown") return kQuit;
    if (report.state == "internal-error" || report.state == "guest-panicked") return kAborted;
    return kInterrupted;
}

}  // namespace

Session::Session(DebugControl& run, EventLoop& loop, Management* management, Standstill* standstill,
                 Write write)
    : debuggee_(run, loop, *this),
      management_(management),
      standstill_(standstill),
      write_(std::move(write)) {}

void Session::begin() {
    reader_.reset();
    active_ = acknowledges_ = true;
    waits_ = processes_ = software_breaks_ = hardware_breaks_ = false;
    step_bits_ = kStepEnabled | kNoInterrupts;
    general_cpu_ = 0;
    resumed_ = {.all = true};
    last_packet_.clear();
    debuggee_.attach();
    last_stop_ = {.stop = DebugStop{}};
}

void Session::end() {
    active_ = waits_ = false;
    if (management_) management_->forget(*this);
    debuggee_.detach();
}

void Session::receive(Bytes bytes) {
    for (const std::uint8_t byte : bytes) {
        if (!active_) return;
        if (std::optional<PacketEvent> event = reader_.feed(byte)) handle(std::move(*event));
    }
}

void Session::handle(PacketEvent event) {
    using Kind = PacketEvent::Kind;
    switch (event.kind) {
    case Kind::Interrupt:
        if (debuggee_.running()) debuggee_.interrupt();
        return;
    case Kind::Resend:
        if (acknowledges_ && !last_packet_.empty()) write_(last_packet_);
        return;
    case Kind::Damaged:
        if (acknowledges_) write_("-");
        return;
    case Kind::TooLong:
        if (acknowledges_) write_("+");
        return send(error(22));
    case Kind::Packet: break;
    }
    if (acknowledges_) write_("+");
    if (const Answer text = answer(event.payload)) send(*text);
}

void Session::send(std::string_view payload) {
    last_packet_ = framed(payload);
    write_(last_packet_);
}

Session::Answer Session::answer(std::string_view packet) {
    if (packet.empty()) return "";
    const bool named = std::string_view("qQv").find(packet[0]) != std::string_view::npos;
    const std::size_t length = named ? std::min(packet.find_first_of(":,;="), packet.size()) : 1;
    const std::string_view name = packet.substr(0, length);
    const std::string_view arguments = packet.substr(length);
    const Row* row = named ? kNames : kLetters;
    while (!row->name.empty() && row->name != name) ++row;
    if (row->name.empty()) return "";
    // What is about CPUs waits for them.
    if (debuggee_.cpu_count() == 0 && !named && packet[0] != '!' && packet[0] != 'D') return error(1);
    constexpr std::string_view kWriting = "GMPX";
    if (!named && kWriting.find(packet[0]) != std::string_view::npos && being_saved()) return error(kBusy);
    return (this->*row->handler)(arguments);
}

const Session::Row Session::kLetters[] = {
    {"?", &Session::why_stopped},
    {"!", &Session::extended},
    {"c", &Session::go_on},
    {"C", &Session::go_on_with_signal},
    {"D", &Session::detach},
    {"g", &Session::read_registers},
    {"G", &Session::write_registers},
    {"H", &Session::select_thread},
    {"k", &Session::kill},
    {"m", &Session::read_memory},
    {"M", &Session::write_memory},
    {"p", &Session::read_register},
    {"P", &Session::write_register},
    {"s", &Session::step},
    {"S", &Session::step_with_signal},
    {"T", &Session::thread_alive},
    {"X", &Session::write_binary},
    {"z", &Session::remove_point},
    {"Z", &Session::insert_point},
    {},
};

const Session::Row Session::kNames[] = {
    {"qSupported", &Session::supported},
    {"QStartNoAckMode", &Session::start_no_ack},
    {"qAttached", &Session::is_attached},
    {"qC", &Session::current_thread},
    {"qfThreadInfo", &Session::first_threads},
    {"qsThreadInfo", &Session::more_threads},
    {"qThreadExtraInfo", &Session::thread_extra},
    {"qXfer", &Session::transfer},
    {"qRcmd", &Session::monitor_command},
    {"qqemu.sstepbits", &Session::step_bits_names},
    {"qqemu.sstep", &Session::step_bits},
    {"Qqemu.sstep", &Session::set_step_bits},
    {"qqemu.PhyMemMode", &Session::physical_memory},
    {"Qqemu.PhyMemMode", &Session::set_physical_memory},
    {"vMustReplyEmpty", &Session::nothing},
    {"vCont?", &Session::can_resume},
    {"vCont", &Session::resume_each},
    {"vAttach", &Session::attach_process},
    {"vKill", &Session::kill_process},
    {},
};

std::string Session::error(unsigned number) { return "E" + hex_of_number(number, 2); }

// ---- stops

void Session::debuggee_stopped(const StopReport& report) {
    last_stop_ = report;
    // Without a stop of its own, the CPU that is looked at is as good as another.
    if (!report.stop) last_stop_.cpu = std::min(general_cpu_, debuggee_.cpu_count() - 1);
    general_cpu_ = last_stop_.cpu;
    if (std::exchange(waits_, false)) send(stop_reply(last_stop_));
}

void Session::debuggee_ends(int exit_code) {
    if (!active_) return;
    send("W" + hex_of_number(std::uint8_t(exit_code), 2) + (processes_ ? ";process:1" : ""));
    waits_ = false;
}

std::string Session::stop_reply(const StopReport& report) const {
    std::string reply = "T" + hex_of_number(signal_of(report), 2) + "thread:" + thread_name(report.cpu) + ";";
    if (!report.stop) return reply;
    const std::string address = hex_of_number(report.stop->address);
    switch (report.stop->reason) {
    case DebugStop::Reason::SoftwareBreakpoint: return reply + (software_breaks_ ? "swbreak:;" : "");
    case DebugStop::Reason::HardwareBreakpoint: return reply + (hardware_breaks_ ? "hwbreak:;" : "");
    case DebugStop::Reason::Write: return reply + "watch:" + address + ";";
    case DebugStop::Reason::Read: return reply + "rwatch:" + address + ";";
    case DebugStop::Reason::Access: return reply + "awatch:" + address + ";";
    case DebugStop::Reason::Step: break;
    }
    return reply;
}

// ---- thread ids (GDB manual, E.1, "thread-id syntax")

std::string Session::thread_name(std::size_t cpu) const {
    return (processes_ ? "p1." : "") + hex_of_number(cpu + 1, 2);
}

std::optional<Session::Thread> Session::take_thread(std::string_view& text) const {
    const auto take_part = [&]() -> std::optional<std::int64_t> {
        if (text.starts_with("-1")) {
            text.remove_prefix(2);
            return -1;
        }
        const auto number = take_number(text);
        if (!number || *number > 0xffffffff) return std::nullopt;
        return std::int64_t(*number);
    };
    if (take_char(text, 'p')) {
        const auto process = take_part();
        if (!process || (*process != 1 && *process != 0 && *process != -1)) return std::nullopt;
        if (!take_char(text, '.')) return Thread{.all = true};
    }
    const auto thread = take_part();
    if (!thread) return std::nullopt;
    if (*thread == -1) return Thread{.all = true};
    if (*thread == 0) return Thread{.any = true};
    const auto index = std::size_t(*thread - 1);
    if (index >= debuggee_.cpu_count()) return std::nullopt;
    return Thread{.cpu = index};
}

}  // namespace backplane::gdb
