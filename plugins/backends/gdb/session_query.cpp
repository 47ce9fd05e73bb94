// What a client asks of the stub itself: features, threads, descriptions, monitor commands.
#include "description.h"
#include "hex.h"
#include "session.h"

#include <algorithm>

namespace backplane::gdb {

namespace {
constexpr std::size_t kOutputPiece = 4096;  ///< bytes of a monitor command's output in one packet

}  // namespace

Session::Answer Session::supported(std::string_view arguments) {
    while (!arguments.empty()) {
        arguments.remove_prefix(1);  // the ':' or ';' before it
        const std::string_view feature = arguments.substr(0, arguments.find(';'));
        processes_ |= feature == "multiprocess+";
        software_breaks_ |= feature == "swbreak+";
        hardware_breaks_ |= feature == "hwbreak+";
        arguments.remove_prefix(feature.size());
    }
    std::string reply = "PacketSize=" + hex_of_number(kMaximumPayload) +
                        ";qXfer:features:read+;qXfer:threads:read+;vContSupported+;QStartNoAckMode+";
    if (processes_) reply += ";multiprocess+";
    if (software_breaks_) reply += ";swbreak+";
    if (hardware_breaks_) reply += ";hwbreak+";
    return reply;
}

/// The answer to this one is still acknowledged.
Session::Answer Session::start_no_ack(std::string_view) {
    send("OK");
    acknowledges_ = false;
    return std::nullopt;
}

Session::Answer Session::extended(std::string_view) { return "OK"; }

// ---- threads

Session::Answer Session::current_thread(std::string_view) { return "QC" + thread_name(general_cpu_); }

Session::Answer Session::first_threads(std::string_view) {
    threads_listed_ = 0;
    return list_threads();
}
Session::Answer Session::more_threads(std::string_view) { return list_threads(); }

std::string Session::list_threads() {
    if (threads_listed_ >= debuggee_.cpu_count()) return "l";
    std::string list;
    for (; threads_listed_ < debuggee_.cpu_count() && list.size() < kOutputPiece; ++threads_listed_)
        list += (list.empty() ? "m" : ",") + thread_name(threads_listed_);
    return list;
}

Session::Answer Session::thread_extra(std::string_view arguments) {
    const auto thread = take_char(arguments, ',') ? take_thread(arguments) : std::nullopt;
    if (!thread || thread->all || thread->any) return error(kInvalid);
    return hex_of_bytes(thread_text(debuggee_, thread->cpu));
}

// ---- documents, in pieces: ":OBJECT:read:ANNEX:OFFSET,LENGTH"

Session::Answer Session::transfer(std::string_view arguments) {
    std::string document;
    if (arguments.starts_with(":features:read:target.xml:")) {
        document = target_description(debuggee_);
    } else if (arguments.starts_with(":threads:read::")) {
        document = "<?xml version=\"1.0\"?><threads>";
        for (std::size_t cpu = 0; cpu < debuggee_.cpu_count(); ++cpu)
            document += "<thread id=\"" + thread_name(cpu) + "\" core=\"" + std::to_string(cpu) +
                        "\" name=\"" + "CPU#" + std::to_string(cpu) + "\">" +
                        (debuggee_.halted(cpu) ? "halted" : "running") + "</thread>";
        document += "</threads>";
    } else {
        return arguments.starts_with(":features:read:") ? error(0) : std::string();
    }
    arguments.remove_prefix(arguments.rfind(':') + 1);
    const auto offset = take_number(arguments);
    const auto length = take_char(arguments, ',') ? take_number(arguments) : std::nullopt;
    if (!offset || !length || !arguments.empty() || *offset > document.size()) return error(kInvalid);
    const std::string piece = document.substr(*offset, std::min<std::uint64_t>(*length, kMaximumPayload / 2));
    return (*offset + piece.size() < document.size() ? "m" : "l") + piece;
}

// ---- monitor commands

Session::Answer Session::monitor_command(std::string_view arguments) {
    if (!management_) return "";
    const auto line = take_char(arguments, ',') ? bytes_of_hex(arguments) : std::nullopt;
    if (!line) return error(kInvalid);
    management_->execute_human(*line, *this);
    return std::nullopt;
}

void Session::management_reply(const ManagementReply& reply) {
    const std::string_view text = reply.text;
    for (std::size_t at = 0; at < text.size(); at += kOutputPiece)
        send("O" + hex_of_bytes(text.substr(at, kOutputPiece)));
    send("OK");
}

// ---- what QEMU's users know: `maintenance packet` with these

Session::Answer Session::step_bits_names(std::string_view) { return "ENABLE=1,NOIRQ=2"; }
Session::Answer Session::step_bits(std::string_view) { return "0x" + hex_of_number(step_bits_); }

Session::Answer Session::set_step_bits(std::string_view arguments) {
    take_char(arguments, '=');
    if (arguments.starts_with("0x")) arguments.remove_prefix(2);
    const auto bits = take_number(arguments);
    // Steps are always single, and the clock of a machine that stands between them stands as well.
    if (!bits || !arguments.empty() || (*bits & ~std::uint64_t{kNoInterrupts}) != kStepEnabled)
        return error(kInvalid);
    step_bits_ = unsigned(*bits);
    return "OK";
}

Session::Answer Session::physical_memory(std::string_view) { return debuggee_.physical ? "1" : "0"; }

Session::Answer Session::set_physical_memory(std::string_view arguments) {
    if (arguments != ":0" && arguments != ":1") return error(kInvalid);
    debuggee_.physical = arguments == ":1";
    return "OK";
}

}  // namespace backplane::gdb
