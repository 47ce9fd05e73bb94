// A monitor for programs: JSON commands in, replies and events out.
//
// Follows the QEMU Machine Protocol as its public specification has it (docs/interop/qmp-spec, version of the 7
// series): greeting, capabilities negotiation, `id`, error classes, asynchronous events. Not modelled: out-of-band
// execution; no capability is offered.
#pragma once

#include "json_framer.h"
#include "output_queue.h"

#include <backplane/backend.h>
#include <backplane/draft/management.h>
#include <backplane/property.h>

#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>

namespace backplane::monitor {

/// Thread: the host loop, with the machine lock held.
class QmpMonitor final : public Completable, CharFront, ManagementListener, ManagementCaller {
  public:
    explicit QmpMonitor(Object& object);
    ~QmpMonitor();

    bool complete(Errors& errors) override;
    void shut_down() override;

    static const PropertyInfo kProperties[];
    static constexpr PropertyInfo chardev_property(PropertyInfo info);

  private:
    std::size_t can_receive() override;
    void receive(Bytes bytes) override;
    void char_event(CharEvent event) override;
    void can_send() override;
    void management_event(Str json) override;

    void management_reply(const ManagementReply& reply) override;
    int take_passed_descriptor() override { return descriptors_ ? descriptors_->take_descriptor() : -1; }

    void begin_session();
    void work();
    void handle(const JsonPiece& piece);
    void send(const std::string& json);

    Object& object_;
    Object* chardev_object_ = nullptr;
    CharBackend* chardev_ = nullptr;
    CharDescriptors* descriptors_ = nullptr;  ///< null: its connection carries none
    bool pretty_ = false;
    Management* management_ = nullptr;
    JsonFramer framer_;
    std::deque<JsonPiece> queue_;                 ///< what came while a command waits for its answer
    std::unique_ptr<nlohmann::ordered_json> id_;  ///< of that command
    bool waiting_ = false;
    bool working_ = false;
    OutputQueue output_;
    bool connected_ = false;
    bool open_ = false;
    bool negotiated_ = false;
    bool dropped_ = false;
};

/// A link to what offers a character device.
constexpr PropertyInfo QmpMonitor::chardev_property(PropertyInfo info) {
    info = property<&QmpMonitor::chardev_object_>(info);
    info.choices = CharBackend::kId;
    return info;
}

inline constexpr PropertyInfo QmpMonitor::kProperties[] = {
    QmpMonitor::chardev_property(
        {.name = "chardev", .summary = "the character device to speak on", .required = true}),
    property<&QmpMonitor::pretty_>(
        {.name = "pretty", .summary = "indent what is sent", .default_text = "off"}),
};

}  // namespace backplane::monitor
