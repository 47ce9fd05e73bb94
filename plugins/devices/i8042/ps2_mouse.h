// A PS/2 mouse with a wheel, as soon as its driver asks for one by the sample rates that IntelliMouse drivers know.
//
// Follows the "IBM PS/2 Hardware Interface Technical Reference", Mouse, and Microsoft's "Extended PS/2 mouse" as drivers
// use it: rates 200, 100, 80 turn on the wheel (ID 3), 200, 200, 80 after that two more buttons (ID 4). Movements are sent as
// the port takes them; the sample rate is kept and not waited for.
#pragma once

#include "ps2_device.h"

#include <backplane/input.h>

#include <vector>

namespace backplane::i8042 {

class Ps2Mouse final : public DeviceBase, public Ps2Device, public InputDevice {
  public:
    explicit Ps2Mouse(Object& object);

    void reset(ResetPhase phase) override;

    bool has_byte() const override { return !output_.empty(); }
    std::uint8_t take_byte() override;
    void send(std::uint8_t byte) override;

    std::uint32_t takes() const override { return input_takes::kRelative; }
    bool listening() const override { return reporting_; }
    void input(Slice<const InputEvent> events) override;

  private:
    void button(InputButton button, bool down);
    bool moved() const { return dx_ || dy_ || dz_ || buttons_ != sent_buttons_; }
    std::size_t packet_size() const { return id_ == 0 ? 3 : 4; }
    /// As much as there is room for of what has not been said yet.
    void report();
    void add_packet(std::vector<std::uint8_t>& bytes);
    std::int32_t scaled(std::int32_t counts) const;
    std::uint8_t status() const;
    void set_defaults();
    void command(std::uint8_t command);
    void argument(std::uint8_t value);
    void set_rate(std::uint8_t rate);

    DeviceContext& context_;
    Ps2Output output_;
    std::int32_t dx_ = 0;
    std::int32_t dy_ = 0;  ///< up is positive here
    std::int32_t dz_ = 0;
    std::uint8_t buttons_ = 0;
    std::uint8_t sent_buttons_ = 0;
    std::uint8_t id_ = 0;
    std::uint8_t rate_ = 100;
    std::uint8_t resolution_ = 2;
    std::uint8_t command_ = 0;    ///< whose argument comes next; 0: none
    std::uint8_t rates_[2] = {};  ///< the last two that were set
    bool reporting_ = false;
    bool remote_ = false;
    bool wrap_ = false;
    bool scaling_ = false;
};

}  // namespace backplane::i8042
