#include "gdbserver.h"

#include "device_text.h"

#include <backplane/text.h>

#include <utility>

namespace backplane::gdb {

namespace {

constexpr const char* kDefaultDevice = "tcp::1234";
constexpr std::size_t kInputChunk = 4096;
/// A client that does not read is not read from.
constexpr std::size_t kOutputLimit = 1u << 20;

}  // namespace

bool GdbServer::complete(Errors& errors) {
    if (!static_cast<DebugControl*>(backend_context(object_).host_interface(DebugControl::kId))) {
        errors.fail("this program has no machine that a debugger could stop");
        return false;
    }
    if (chardev_) return connect(*chardev_, errors);
    std::string device = device_;
    for (const auto& [name, value] : {std::pair{"server", &server_},
                                      {"wait", &wait_},
                                      {"nodelay", &no_delay_},
                                      {"reconnect", &reconnect_}})
        if (!value->empty()) device += std::string(",") + name + "=" + *value;
    return device.empty() || open(device, errors);
}

void GdbServer::shut_down() { close(); }

// ---- the character device

bool GdbServer::open(std::string_view text, Errors& errors) {
    DeviceText device;
    if (!read_device_text(text, device, errors)) return false;
    if (device.kind == DeviceText::Kind::None) return true;
    if (device.kind == DeviceText::Kind::Existing) {
        Object* object = backend_context(object_).find(device.name);
        auto* back = object ? query<CharBackend>(*object) : nullptr;
        if (!back) errors.fail("chardev:" + device.name + ": there is no chardev '" + device.name + "'");
        return back && connect(*back, errors);
    }
    own_chardev_ = object_.create_child(device.name, "chardev", errors);
    if (!own_chardev_) return false;
    bool ok = true;
    for (const auto& [name, value] : device.properties)
        ok = ok && own_chardev_->set_property(name, value, errors);
    ok = ok && object_.realize_child(*own_chardev_, errors) &&
         connect(*query<CharBackend>(*own_chardev_), errors);
    if (!ok) close();
    return ok;
}

bool GdbServer::connect(CharBackend& back, Errors& errors) {
    back_ = &back;
    if (back.connect(this)) return true;
    back_ = nullptr;
    errors.fail("the character device is in use; give the debugger one of its own");
    return false;
}

void GdbServer::close() {
    if (back_) back_->disconnect(*this);
    back_ = nullptr;
    if (session_) session_->end();
    session_.reset();
    output_.clear();
    if (own_chardev_) object_.destroy_child(*own_chardev_);
    own_chardev_ = nullptr;
}

std::size_t GdbServer::can_receive() { return output_.size() < kOutputLimit ? kInputChunk : 0; }

void GdbServer::receive(Bytes bytes) {
    receiving_ = true;
    session().receive(bytes);
    receiving_ = false;
}

void GdbServer::char_event(CharEvent event) {
    if (event != CharEvent::Opened && event != CharEvent::Closed) return;
    output_.clear();
    if (event == CharEvent::Opened) session().begin();
    else session().end();
}

void GdbServer::can_send() {
    const bool was_full = output_.size() >= kOutputLimit;
    write({});
    if (was_full && output_.size() < kOutputLimit) back_->accept_input();
}

void GdbServer::write(std::string_view bytes) {
    output_ += bytes;
    while (back_ && !output_.empty()) {
        const std::size_t taken =
            back_->write({reinterpret_cast<const std::uint8_t*>(output_.data()), output_.size()});
        if (taken == 0) return;
        output_.erase(0, taken);
    }
}

Session& GdbServer::session() {
    if (!session_) {
        BackendContext& context = backend_context(object_);
        auto& run = *static_cast<DebugControl*>(context.host_interface(DebugControl::kId));
        auto* management = static_cast<Management*>(context.host_interface(Management::kId));
        auto* standstill = static_cast<Standstill*>(context.host_interface(Standstill::kId));
        session_ = std::make_unique<Session>(run, context.loop(), management, standstill,
                                             [this](std::string_view bytes) { write(bytes); });
    }
    return *session_;
}

// ---- the monitor's command

namespace {

/// The value of "device" in {"device": "…"}; the text was checked against the row.
std::string device_argument(std::string_view json) {
    const std::size_t key = json.find("\"device\"");
    const std::size_t colon = key == std::string_view::npos ? key : json.find(':', key);
    const std::size_t quote = colon == std::string_view::npos ? colon : json.find('"', colon);
    std::string value;
    if (quote == std::string_view::npos) return value;
    for (std::size_t at = quote + 1; at < json.size() && json[at] != '"'; ++at) {
        if (json[at] == '\\' && at + 1 < json.size()) ++at;
        value += json[at];
    }
    return value;
}

}  // namespace

void GdbServer::execute(Str, Str arguments, CommandReply& reply) {
    std::string device = device_argument(arguments);
    if (device.empty()) device = kDefaultDevice;
    if (receiving_) return reply.fail("the debugger itself asked: its connection cannot go under its feet");
    close();
    ErrorText reason;
    if (!open(device, reason)) return reply.fail(reason.text());
    reply.succeed_text(device == "none" ? "Disabled gdbserver\n"
                                        : "Waiting for gdb connection on device '" + device + "'\n");
}

}  // namespace backplane::gdb
