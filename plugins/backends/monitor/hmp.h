// A monitor for people: a prompt, lines that are commands, and what they answer.
#pragma once

#include "line_editor.h"
#include "output_queue.h"

#include <backplane/backend.h>
#include <backplane/draft/management.h>
#include <backplane/property.h>

namespace backplane::monitor {

/// Thread: the host loop, with the machine lock held.
class HmpMonitor final : public Completable, CharFront, ManagementCaller {
  public:
    explicit HmpMonitor(Object& object);

    bool complete(Errors& errors) override;
    void shut_down() override;

    static const PropertyInfo kProperties[];

  private:
    std::size_t can_receive() override;
    void receive(Bytes bytes) override;
    void char_event(CharEvent event) override;
    void can_send() override;
    void management_reply(const ManagementReply& reply) override;
    int take_passed_descriptor() override { return -1; }
    void write(std::string_view text);
    bool run_line(const std::string& line);
    void feed();

    Object& object_;
    CharBackend* chardev_ = nullptr;
    Management* management_ = nullptr;
    LineEditor editor_;
    OutputQueue output_;
    std::string typed_;     ///< and not looked at yet
    bool waiting_ = false;  ///< for the answer to a line
    bool feeding_ = false;
    bool connected_ = false;
};

inline constexpr PropertyInfo HmpMonitor::kProperties[] = {
    property<&HmpMonitor::chardev_>(
        {.name = "chardev", .summary = "the character device to speak on", .required = true}),
};

}  // namespace backplane::monitor
