#include "qmp.h"

#include "strict_json.h"

namespace backplane::monitor {
namespace {

constexpr std::size_t kInputChunk = 4096;
/// A client that does not read gets no more commands done, and then no more events.
constexpr std::size_t kPendingLimit = 64u << 10;
constexpr std::size_t kEventLimit = 4u << 20;

struct Request {
    Json id;  ///< discarded when there is none
    std::string command;
    std::string arguments;
    std::string error;
};

Request read_request(const std::string& text) {
    Request request{Json(Json::value_t::discarded), {}, {}, {}};
    const auto [json, problem] = parse_strictly(text);
    if (!problem.empty()) {
        request.error = problem;
        return request;
    }
    if (!json.is_object()) {
        request.error = "QMP input must be a JSON object";
        return request;
    }
    for (const auto& [name, value] : json.items()) {
        if (name == "id") {
            request.id = value;
        } else if (name == "execute") {
            if (value.is_string()) request.command = value.get<std::string>();
            else request.error = "QMP input member 'execute' must be a string";
        } else if (name == "arguments") {
            if (value.is_object()) request.arguments = json_text(value);
            else request.error = "QMP input member 'arguments' must be an object";
        } else if (request.error.empty()) {
            request.error = "QMP input member '" + name + "' is unexpected";
        }
    }
    if (request.error.empty() && !json.contains("execute"))
        request.error = "QMP input lacks member 'execute'";
    return request;
}

ManagementReply failure(const char* error_class, std::string description) {
    return {false, {}, error_class, std::move(description), {}};
}

/// Nothing can be enabled, as nothing is offered.
ManagementReply negotiate(const Request& request) {
    const Json arguments = request.arguments.empty() ? Json::object() : parse_json(request.arguments);
    for (const auto& [name, value] : arguments.items()) {
        if (name != "enable") return failure("GenericError", "Parameter '" + name + "' is unexpected");
        if (!value.is_array())
            return failure("GenericError", "Invalid parameter type for 'enable', expected: array");
        if (!value.empty())
            return failure("GenericError", "Capability not available: " + json_text(value.front()));
    }
    return {true, "{}", {}, {}, {}};
}

std::string reply_text(const ManagementReply& reply, const Json& id) {
    std::string text = "{";
    if (reply.ok) text += "\"return\": " + reply.json;
    else text += "\"error\": " + ascii_json_text({{"class", reply.error_class}, {"desc", reply.description}});
    if (!id.is_discarded()) text += ", \"id\": " + ascii_json_text(id);
    return text + "}";
}

}  // namespace

QmpMonitor::QmpMonitor(Object& object) : object_(object), id_(std::make_unique<Json>()) {}
QmpMonitor::~QmpMonitor() = default;

bool QmpMonitor::complete(Errors& errors) {
    BackendContext& context = backend_context(object_);
    management_ = static_cast<Management*>(context.host_interface(Management::kId));
    if (!management_) {
        errors.fail("this program offers no management commands, so it can have no monitor");
        return false;
    }
    chardev_ = query<CharBackend>(*chardev_object_);
    descriptors_ = query<CharDescriptors>(*chardev_object_);
    management_->add_listener(*this);
    connected_ = true;
    if (chardev_->connect(this)) return true;
    connected_ = false;
    management_->remove_listener(*this);
    errors.fail(
        "property 'chardev': the character device is in use; give the monitor one of its own, or share it "
        "with mux=on");
    return false;
}

void QmpMonitor::shut_down() {
    if (!connected_) return;
    chardev_->disconnect(*this);
    management_->remove_listener(*this);
    management_->forget(*this);
    connected_ = false;
}

void QmpMonitor::char_event(CharEvent event) {
    if (event == CharEvent::Opened) begin_session();
    if (event != CharEvent::Closed) return;
    open_ = false;
    management_->forget(*this);
    output_.clear();
    queue_.clear();
    waiting_ = false;
    chardev_->accept_input();
}

void QmpMonitor::begin_session() {
    framer_.reset();
    output_.clear();
    queue_.clear();
    waiting_ = false;
    open_ = true;
    negotiated_ = dropped_ = false;
    send("{\"QMP\": {\"version\": " + management_->version_json() + ", \"capabilities\": []}}");
}

std::size_t QmpMonitor::can_receive() {
    return queue_.empty() && output_.size() < kPendingLimit ? kInputChunk : 0;
}

void QmpMonitor::receive(Bytes bytes) {
    if (!open_) return;  // left behind by one who is gone
    for (JsonPiece& piece : framer_.feed({reinterpret_cast<const char*>(bytes.data), bytes.size}))
        queue_.push_back(std::move(piece));
    work();
}

/// One command after the other: each waits for the answer of the one before it.
void QmpMonitor::work() {
    if (working_) return;
    working_ = true;
    while (!waiting_ && !queue_.empty()) {
        const JsonPiece piece = std::move(queue_.front());
        queue_.pop_front();
        handle(piece);
    }
    working_ = false;
}

void QmpMonitor::handle(const JsonPiece& piece) {
    const Request request = piece.error.empty()
                                ? read_request(piece.text)
                                : Request{Json(Json::value_t::discarded), {}, {}, piece.error};
    *id_ = request.id;
    if (!request.error.empty()) {
        send(reply_text(failure("GenericError", request.error), *id_));
    } else if (negotiated_) {
        waiting_ = true;
        management_->execute(request.command, request.arguments, *this);
    } else if (request.command == "qmp_capabilities") {
        const ManagementReply reply = negotiate(request);
        negotiated_ = reply.ok;
        send(reply_text(reply, *id_));
    } else {
        send(reply_text(
            failure("CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'"), *id_));
    }
}

void QmpMonitor::management_reply(const ManagementReply& reply) {
    waiting_ = false;
    send(reply_text(reply, *id_));
    if (working_) return;
    work();
    chardev_->accept_input();
}

void QmpMonitor::management_event(Str json) {
    if (!open_ || !negotiated_) return;
    if (output_.size() < kEventLimit) return send(std::string(json.view()));
    if (dropped_) return;
    dropped_ = true;
    backend_context(object_).log().write(LogLevel::Warning, "monitor",
                                         "a monitor's client does not read; it gets no more events");
}

void QmpMonitor::send(const std::string& json) {
    if (pretty_)
        if (const Json parsed = parse_json(json); !parsed.is_discarded())
            return output_.put(*chardev_, json_text(parsed, 4) + "\r\n");
    output_.put(*chardev_, json + "\r\n");
}

void QmpMonitor::can_send() {
    const bool was_full = output_.size() >= kPendingLimit;
    output_.flush(*chardev_);
    if (was_full && output_.size() < kPendingLimit) chardev_->accept_input();
}

}  // namespace backplane::monitor
