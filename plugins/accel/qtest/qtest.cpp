#include "qtest.h"

#include <cerrno>
#include <cstring>

namespace backplane::qtest {

Qtest::~Qtest() {
    if (protocol_) chardev_->disconnect(*this);
    if (log_file_) std::fclose(log_file_);
}

bool Qtest::open(AcceleratorContext& context, Errors& errors) {
    if (!chardev_) {
        errors.fail("no test is connected; give -qtest unix:PATH or another character device");
        return false;
    }
    if (log_ != "none" && !log_.empty()) {
        log_file_ = std::fopen(log_.c_str(), "we");
        if (!log_file_) {
            errors.fail("-qtest-log " + log_ + ": could not open the file: " + std::strerror(errno));
            return false;
        }
    }
    auto* clock = static_cast<ManualClock*>(context.host_interface(ManualClock::kId));
    auto* wires = static_cast<WireProbe*>(context.host_interface(WireProbe::kId));
    if (!clock || !wires) {
        errors.fail("this host has no clock that can be stepped, or no probe on wires");
        return false;
    }
    const Target target{context.system_memory(),  context.io_ports(), context.clock(), *clock, *wires,
                        root_of(context.object())};
    protocol_ = std::make_unique<Protocol>(target, [this](const std::string& line) { send(line); });
    if (chardev_->connect(this)) return true;
    protocol_.reset();
    errors.fail("the character device of -qtest is in use; give it one of its own");
    return false;
}

void Qtest::receive(Bytes bytes) {
    for (const std::uint8_t byte : bytes) {
        if (byte != '\n') {
            too_long_ |= line_.size() >= kMaximumLine;
            if (!too_long_) line_ += char(byte);
            continue;
        }
        note('R', line_);
        // A command may run timers, which may raise lines, which come out before the reply.
        const std::string reply = too_long_ ? "FAIL the line is too long\n" : protocol_->execute(line_);
        line_.clear();
        too_long_ = false;
        send(reply);
    }
}

void Qtest::char_event(CharEvent event) {
    if (event != CharEvent::Opened) return;
    line_.clear();
    output_.clear();
    too_long_ = false;
}

void Qtest::send(const std::string& text) {
    note('S', std::string_view(text).substr(0, text.size() - 1));
    output_ += text;
    flush();
}

void Qtest::flush() {
    while (!output_.empty()) {
        const std::size_t taken =
            chardev_->write({reinterpret_cast<const std::uint8_t*>(output_.data()), output_.size()});
        if (taken == 0) return;
        output_.erase(0, taken);
    }
}

void Qtest::can_send() {
    const bool waiting = !output_.empty();
    flush();
    if (waiting && output_.empty()) chardev_->accept_input();
}

void Qtest::note(char direction, std::string_view text) {
    if (!log_file_) return;
    std::fprintf(log_file_, "[%c] %.*s\n", direction, int(text.size()), text.data());
    std::fflush(log_file_);
}

}  // namespace backplane::qtest
