// A PS/2 keyboard: it sends scan codes of set 1, 2 or 3 and takes commands.
//
// Follows the "IBM PS/2 Hardware Interface Technical Reference", Keyboards (101- and 102-key). Not modelled: the commands
// that choose for single keys of set 3 whether they repeat (F7-FD), which are refused, as by many keyboards.
#pragma once

#include "ps2_device.h"

#include <backplane/input.h>
#include <backplane/input_lights.h>

namespace backplane::i8042 {

class Ps2Keyboard final : public DeviceBase, public Ps2Device, public InputDevice, public InputLights {
  public:
    explicit Ps2Keyboard(Object& object);

    void unrealize() override { repeat_timer_.cancel(); }
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;

    bool has_byte() const override { return !output_.empty(); }
    std::uint8_t take_byte() override { return output_.take(); }
    void send(std::uint8_t byte) override;

    std::uint32_t takes() const override { return input_takes::kKeys; }
    bool listening() const override { return scanning_; }
    void input(Slice<const InputEvent> events) override;
    /// The command's bits are those of the set.
    std::uint32_t lights() const override { return leds_; }

  private:
    static constexpr unsigned kKeyNumbers = 256;

    void key(std::uint16_t number, bool down);
    void send_key(std::uint16_t number, bool down);
    void overrun();
    void set_defaults();
    void command(std::uint8_t command);
    void argument(std::uint8_t value);
    void repeat();
    bool held(std::uint16_t number) const { return down_[number]; }

    DeviceContext& context_;
    Ps2Output output_;
    OwnedTimer<&Ps2Keyboard::repeat> repeat_timer_{*this};
    std::uint8_t set_ = 2;
    std::uint8_t leds_ = 0;
    std::uint8_t typematic_ = 0x2b;
    std::uint8_t command_ = 0;  ///< whose argument comes next; 0: none
    bool scanning_ = true;
    std::uint16_t repeating_ = 0;  ///< the key that went down last; 0: none
    bool down_[kKeyNumbers] = {};
};

}  // namespace backplane::i8042
