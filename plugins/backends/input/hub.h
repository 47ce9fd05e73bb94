// The service "input": hands what people do to the keyboard or pointer of the machine that is meant.
#pragma once

#include <backplane/backend.h>
#include <backplane/clock.h>
#include <backplane/input.h>
#include <backplane/management.h>

#include <deque>
#include <string>
#include <vector>

namespace backplane::input {

class Hub final : public Completable, public CommandHandler, public InputHub {
  public:
    explicit Hub(Object& object) : context_(backend_context(object)) {}

    bool complete(Errors& errors) override;
    void shut_down() override { timer_.cancel(); }
    void execute(Str command, Str arguments, CommandReply& reply) override;

    bool send(Slice<const InputEvent> events) override;
    bool taken(std::uint32_t kinds) const override;

  private:
    struct Device {
        Object* object;
        InputDevice* device;
    };
    /// What is left to do of the keys that monitors send: after `delay_ns`, a key goes down or up.
    struct Step {
        std::uint64_t delay_ns;
        InputEvent event;
    };
    static constexpr std::size_t kMostSteps = 1024;

    std::vector<Device> devices(std::uint32_t kinds) const;
    InputDevice* meant(std::uint32_t kinds) const;
    InputDevice* receiver(const InputEvent& event, Slice<const InputEvent> with) const;

    void send_events(Str arguments, CommandReply& reply);
    void send_keys(const std::vector<std::uint16_t>& keys, std::uint64_t hold_ms, CommandReply& reply);
    void move_mouse(Str arguments, CommandReply& reply);
    void press_buttons(std::uint32_t buttons, CommandReply& reply);
    void choose_mouse(std::uint64_t index, CommandReply& reply);
    void list_mice(bool for_people, CommandReply& reply) const;
    void answer(bool sent, CommandReply& reply) const;
    void step();

    BackendContext& context_;
    OwnedTimer<&Hub::step> timer_{*this};
    Clock* clock_ = nullptr;
    std::deque<Step> steps_;
    std::uint32_t buttons_ = 0;  ///< that mouse_button holds
    std::string chosen_;         ///< the path of the pointer that mouse_set chose
};

}  // namespace backplane::input
