// "mux": several fronts on one character device, and the keys that go from one to the next.
//
// What is typed goes to the front that has the focus; what any front writes goes out. Ctrl-a begins a command.
#include "output_log.h"

#include <backplane/backend.h>
#include <backplane/char.h>
#include <backplane/clock.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

namespace backplane::chardev {

namespace {

/// What a front that does not listen may leave waiting; more is dropped, so that the commands are always heard.
constexpr std::size_t kQueueLimit = 64 * 1024;
constexpr std::size_t kInputAtOnce = 4096;

class MuxChar final : public CharBackend, public Completable, CharFront {
  public:
    explicit MuxChar(Object& object) : object_(object) {}

    CharBackend* base_ = nullptr;
    std::uint8_t escape_ = 1;
    std::string log_file_;
    bool log_append_ = false;

    bool complete(Errors& errors) override {
        const std::string name = "chardev '" + std::string(object_.id().view()) + "': ";
        if (!log_file_.empty())
            if (const int error = log_.open(log_file_, log_append_)) {
                errors.fail(name + "cannot write logfile='" + log_file_ + "': " + std::strerror(error));
                return false;
            }
        if (base_->connect(this)) return true;
        errors.fail(name + "the chardev below it is used by another device");
        return false;
    }
    void shut_down() override {
        base_->disconnect(*this);
        log_.close();
    }

    bool connect(CharFront* front) override {
        if (!front || find(*front) != fronts_.end()) return false;
        fronts_.push_back(std::make_unique<Front>(Front{front, {}, false}));
        if (fronts_.size() == 1) focus(*fronts_[0]);
        return true;
    }
    void disconnect(CharFront& front) override {
        const auto gone = find(front);
        if (gone == fronts_.end()) return;
        const bool had_focus = gone->get() == focused_;
        fronts_.erase(gone);
        if (!had_focus) return;
        focused_ = nullptr;
        if (!fronts_.empty()) focus(*fronts_[0]);
    }
    std::size_t write(Bytes bytes) override {
        const std::size_t taken = send(bytes);
        log_.add({bytes.data, taken});
        return taken;
    }
    void accept_input() override {
        for (std::size_t index = 0; index < fronts_.size(); ++index) drain(*fronts_[index]);
        base_->accept_input();
    }
    void send_break() override { base_->send_break(); }

  private:
    std::size_t send(Bytes bytes) {
        if (!timestamps_) return base_->write(bytes);
        std::size_t done = 0;
        while (done < bytes.size) {
            if (!send_pending()) break;
            if (line_start_) {
                stamp();
                continue;
            }
            const std::uint8_t* first = bytes.data + done;
            const std::uint8_t* end = std::find(first, bytes.end(), '\n');
            const std::size_t length = std::size_t(end - first) + (end != bytes.end() ? 1 : 0);
            const std::size_t taken = base_->write({first, length});
            done += taken;
            if (taken < length) break;
            line_start_ = end != bytes.end();
        }
        return done;
    }

    struct Front {
        CharFront* front;
        std::deque<std::uint8_t> waiting;
        bool opened;
    };
    using Fronts = std::vector<std::unique_ptr<Front>>;

    Fronts::iterator find(const CharFront& front) {
        return std::find_if(fronts_.begin(), fronts_.end(),
                            [&](const auto& known) { return known->front == &front; });
    }

    // From the device below.
    std::size_t can_receive() override { return focused_ ? kInputAtOnce : 0; }
    void receive(Bytes bytes) override {
        for (const std::uint8_t byte : bytes) take(byte);
        for (std::size_t index = 0; index < fronts_.size(); ++index) drain(*fronts_[index]);
    }
    void char_event(CharEvent event) override {
        if (event == CharEvent::Break) return focused_ ? focused_->front->char_event(event) : void();
        if (event != CharEvent::Opened && event != CharEvent::Closed) return;
        open_ = event == CharEvent::Opened;
        for (std::size_t index = 0; index < fronts_.size(); ++index) {
            Front& front = *fronts_[index];
            if (event == CharEvent::Opened && &front != focused_) continue;
            front.opened = event == CharEvent::Opened;
            front.front->char_event(event);
        }
    }
    void can_send() override {
        if (!send_pending()) return;
        for (std::size_t index = 0; index < fronts_.size(); ++index) fronts_[index]->front->can_send();
    }

    void focus(Front& front) {
        focused_ = &front;
        if (open_ && !front.opened) {
            front.opened = true;
            front.front->char_event(CharEvent::Opened);
        }
        base_->accept_input();
        drain(front);
    }

    void drain(Front& front) {
        while (!front.waiting.empty()) {
            std::uint8_t chunk[64];
            const std::size_t room =
                std::min({front.front->can_receive(), front.waiting.size(), sizeof chunk});
            if (room == 0) return;
            std::copy_n(front.waiting.begin(), room, chunk);
            front.waiting.erase(front.waiting.begin(), front.waiting.begin() + std::ptrdiff_t(room));
            front.front->receive({chunk, room});
        }
    }

    void take(std::uint8_t byte) {
        if (escaped_) {
            escaped_ = false;
            if (byte != escape_) return command(byte);
        } else if (byte == escape_) {
            escaped_ = true;
            return;
        }
        if (focused_ && focused_->waiting.size() < kQueueLimit) focused_->waiting.push_back(byte);
    }

    void command(std::uint8_t key) {
        switch (key) {
        case 'h':
        case '?': return help();
        case 'x': say("\r\nQuitting.\r\n"); return backend_context(object_).request_quit();
        case 'b': return focused_ ? focused_->front->char_event(CharEvent::Break) : void();
        case 'c': return next();
        case 't':
            timestamps_ = !timestamps_;
            started_ns_ = backend_context(object_).loop().host_clock().now_ns();
            line_start_ = false;
            return;
        default: return;
        }
    }

    void next() {
        if (fronts_.size() < 2) return;
        const auto at =
            std::find_if(fronts_.begin(), fronts_.end(), [&](const auto& f) { return f.get() == focused_; });
        const auto following = std::next(at) == fronts_.end() ? fronts_.begin() : std::next(at);
        focus(**following);
    }

    void help() {
        const std::string key =
            escape_ < 27 ? std::string("Ctrl-") + char('a' + escape_ - 1) : std::string("the escape key");
        std::string text = "\r\n";
        constexpr const char* kKeys[][2] = {{"h", "this list"},
                                            {"x", "quit"},
                                            {"c", "to the next: console, monitor"},
                                            {"b", "send a break"},
                                            {"t", "time stamps on or off"}};
        for (const auto& [letter, meaning] : kKeys) text += key + " " + letter + "  " + meaning + "\r\n";
        say(text + key + " " + key + "  send " + key + " itself\r\n");
    }

    void say(const std::string& text) {
        pending_ += text;
        send_pending();
    }
    /// False while what the multiplexer itself has to say has not gone out.
    bool send_pending() {
        if (pending_.empty()) return true;
        const std::string text = std::move(pending_);
        const std::size_t taken =
            base_->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
        pending_ = text.substr(taken);
        return pending_.empty();
    }
    void stamp() {
        const std::uint64_t ms =
            (backend_context(object_).loop().host_clock().now_ns() - started_ns_) / 1'000'000;
        char text[32];
        std::snprintf(text, sizeof text, "[%02llu:%02llu:%02llu.%03llu] ",
                      static_cast<unsigned long long>(ms / 3'600'000),
                      static_cast<unsigned long long>(ms / 60'000 % 60),
                      static_cast<unsigned long long>(ms / 1000 % 60),
                      static_cast<unsigned long long>(ms % 1000));
        line_start_ = false;
        say(text);
    }

    Object& object_;
    OutputLog log_;
    Fronts fronts_;
    Front* focused_ = nullptr;
    bool open_ = false;
    bool escaped_ = false;
    bool timestamps_ = false;
    bool line_start_ = false;
    std::uint64_t started_ns_ = 0;
    std::string pending_;
};

constexpr PropertyInfo kProperties[] = {
    property<&MuxChar::base_>({.name = "chardev", .summary = "what is shared", .required = true}),
    property<&MuxChar::escape_>(
        {.name = "escape", .summary = "the byte that begins a command (1: Ctrl-a)", .default_text = "1"}),
    property<&MuxChar::log_file_>({.name = "logfile", .summary = "a file that gets a copy of the output"}),
    property<&MuxChar::log_append_>(
        {.name = "logappend", .summary = "keep what the logfile has", .default_text = "off"}),
    {.name = "filename",
     .kind = PropertyKind::String,
     .summary = "what it leads to",
     .get = [](const void*, PropertyValue& value) { value.text = "mux"; }},
};
constexpr InterfaceInfo kInterfaces[] = {offers<MuxChar, CharBackend>(), offers<MuxChar, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<MuxChar>({.name = "chardev-mux",
                           .parent = "chardev",
                           .summary = "several fronts on one character device",
                           .option_name = "mux",
                           .interfaces = kInterfaces,
                           .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-mux", "1.0", "Backplane", backplane::chardev::kTypes)
