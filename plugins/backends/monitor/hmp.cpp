#include "hmp.h"

namespace backplane::monitor {
namespace {

constexpr std::size_t kInputChunk = 1024;
constexpr std::size_t kInputLimit = 256u << 10;

/// A terminal wants both ends of a line.
class LineSink final : public TextSink {
  public:
    void append(Str text) override {
        for (const char c : text.view()) {
            if (c == '\n') text_ += '\r';
            text_ += c;
        }
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace

HmpMonitor::HmpMonitor(Object& object)
    : object_(object),
      editor_(
          "(backplane) ", [this](std::string_view text) { write(text); },
          [this](const std::string& line) { run_line(line); },
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
    if (connected_) chardev_->disconnect(*this);
    connected_ = false;
}

void HmpMonitor::char_event(CharEvent event) {
    if (event == CharEvent::Closed) {
        output_.clear();
        return chardev_->accept_input();
    }
    if (event != CharEvent::Opened) return;
    editor_.reset();
    output_.clear();
    write("backplane monitor - type 'help' for more information\r\n");
    editor_.show_prompt();
}

std::size_t HmpMonitor::can_receive() { return output_.size() < kInputLimit ? kInputChunk : 0; }

void HmpMonitor::receive(Bytes bytes) {
    editor_.feed({reinterpret_cast<const char*>(bytes.data), bytes.size});
}

void HmpMonitor::run_line(const std::string& line) {
    LineSink out;
    management_->execute_human(line, out);
    write(out.text());
}

void HmpMonitor::write(std::string_view text) { output_.put(*chardev_, text); }

void HmpMonitor::can_send() {
    const bool was_full = output_.size() >= kInputLimit;
    output_.flush(*chardev_);
    if (was_full && output_.size() < kInputLimit) chardev_->accept_input();
}

}  // namespace backplane::monitor
