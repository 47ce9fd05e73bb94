// The pointer that guests read at port 5658h: where it is on the screen (or how far it moved), its buttons and its wheel.
//
// Follows Linux's drivers/input/mouse/vmmouse.c for the words, and what a peer's guest sees. That there is something to read
// is told by the PS/2 mouse's interrupt.
#pragma once

#include "vmport.h"

#include <backplane/input.h>

#include <deque>

namespace backplane::vmport {

class VmMouse final : public DeviceBase, public InputDevice, Commands {
  public:
    explicit VmMouse(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;

    // InputDevice
    std::uint32_t takes() const override {
        return !on_ ? 0 : absolute_ ? input_takes::kAbsolute : input_takes::kRelative;
    }
    bool listening() const override { return on_; }
    void input(Slice<const InputEvent> events) override;

    Object* i8042_ = nullptr;
    VmPort* port_ = nullptr;

  private:
    static constexpr std::size_t kMostWords = 1024;
    static constexpr std::uint32_t kFailed = 0xffff0000;

    std::uint32_t execute(unsigned command, std::uint64_t* registers) override;
    std::uint32_t status() const { return (on_ ? 0 : kFailed) | std::uint32_t(words_.size()); }
    std::uint32_t give(std::uint64_t* registers);
    void command(std::uint32_t what);
    void switch_off();
    bool take_button(const InputEvent& event);
    void push_state(std::int32_t wheel);
    void alarm();

    DeviceContext& context_;
    std::deque<std::uint32_t> words_;
    bool on_ = false;
    bool absolute_ = false;
    std::uint8_t buttons_ = 0;
    std::int32_t x_ = 0, y_ = 0;  ///< on the screen, to 65535; or how far it moved
};

}  // namespace backplane::vmport
