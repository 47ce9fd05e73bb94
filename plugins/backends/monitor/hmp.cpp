#include "hmp.h"

namespace backplane::monitor {
namespace {

constexpr std::size_t kLineChunk = 1024;
constexpr std::size_t kOutputLimit = 256u << 10;

/// A terminal wants both ends of a line.
std::string on_terminal(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

}  // namespace

HmpMonitor::HmpMonitor(Object& object)
    : object_(object),
      editor_(
          "(backplane) ", [this](std::string_view text) { write(text); },
          [this](const std::string& line) { return run_line(line); },
          [this](const std::string& before) { return management_->complete(before); }) {}

bool HmpMonitor::complete(Errors& errors) {
    management_ = static_cast<Management*>(backend_context(object_).host_interface(Management::kId));
    if (!management_) {
        errors.fail("this program offers no management commands, so it can have no monitor");
        return false;
    }
    connected_ = true;
    if (chardev_->connect(this)) return true;
    connected_ = false;
    errors.fail(
        "property 'chardev': the character device is in use; give the monitor one of its own, or share it "
        "with mux=on");
    return false;
}

void HmpMonitor::shut_down() {
    if (!connected_) return;
    chardev_->disconnect(*this);
    management_->forget(*this);
    connected_ = false;
}

void HmpMonitor::char_event(CharEvent event) {
    if (event == CharEvent::Closed) {
        management_->forget(*this);
        output_.clear();
        return chardev_->accept_input();
    }
    if (event != CharEvent::Opened) return;
    editor_.reset();
    output_.clear();
    typed_.clear();
    waiting_ = false;
    write("backplane monitor - type 'help' for more information\r\n");
    editor_.show_prompt();
}

std::size_t HmpMonitor::can_receive() { return !waiting_ && output_.size() < kOutputLimit ? kLineChunk : 0; }

void HmpMonitor::receive(Bytes bytes) {
    typed_.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
    feed();
}

/// A line that is not answered yet holds up what was typed after it.
void HmpMonitor::feed() {
    feeding_ = true;
    while (!waiting_ && !typed_.empty()) {
        const char c = typed_.front();
        typed_.erase(0, 1);
        editor_.feed({&c, 1});
    }
    feeding_ = false;
}

/// False while its answer is to come, and the prompt with it.
bool HmpMonitor::run_line(const std::string& line) {
    waiting_ = true;
    management_->execute_human(line, *this);
    return !waiting_;
}

void HmpMonitor::management_reply(const ManagementReply& reply) {
    waiting_ = false;
    write(on_terminal(reply.text));
    if (feeding_) return;
    editor_.show_prompt();
    feed();
    chardev_->accept_input();
}

void HmpMonitor::write(std::string_view text) { output_.put(*chardev_, text); }

void HmpMonitor::can_send() {
    const bool was_full = output_.size() >= kOutputLimit;
    output_.flush(*chardev_);
    if (was_full && output_.size() < kOutputLimit) chardev_->accept_input();
}

}  // namespace backplane::monitor
