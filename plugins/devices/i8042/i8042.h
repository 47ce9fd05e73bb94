// The keyboard controller of a PC: an 8042 with the program that the IBM PC/AT and PS/2 gave it.
//
// Follows the "IBM PS/2 Hardware Interface Technical Reference", Keyboard and Auxiliary Device Controller, with the reset
// line on output port bit 0 and A20 on bit 1 (PC/AT Technical Reference). Bytes take no time. Not modelled: the RAM behind
// commands 21-3F and 61-7F, the password, and the diagnostic commands, which are taken and answered with nothing.
#pragma once

#include "ps2_device.h"

#include <backplane/isa.h>

namespace backplane::i8042 {

class Controller final : public DeviceBase {
  public:
    explicit Controller(Object& object);

    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;

  private:
    enum class Source : std::uint8_t { None, Controller, Keyboard, Mouse };

    class DataPort final : public IoHandler {
      public:
        explicit DataPort(Controller& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned, Access& access) override {
            return access.debug() ? owner_.byte_ : owner_.read_data();
        }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) owner_.write_data(std::uint8_t(value));
        }

      private:
        Controller& owner_;
    };
    class CommandPort final : public IoHandler {
      public:
        explicit CommandPort(Controller& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned, Access&) override { return owner_.status(); }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) owner_.write_command(std::uint8_t(value));
        }

      private:
        Controller& owner_;
    };

    Ps2Device* make_device(const char* type, const char* name, const char* input, Errors& errors);
    std::uint8_t status() const;
    std::uint8_t read_data();
    void write_data(std::uint8_t value);
    void write_command(std::uint8_t command);
    void write_output_port(std::uint8_t value);
    std::uint8_t output_port() const;
    void answer(std::uint8_t byte, Source source = Source::Controller);
    /// Puts the next byte into the output buffer, if that is free.
    void fill();
    std::uint8_t from_keyboard(std::uint8_t byte);
    void drive_interrupts();
    void input_changed(unsigned, int) { fill(); }

    DeviceContext& context_;
    Wire& interrupts_;
    Wire& a20_;
    InputOf<&Controller::input_changed> inputs_{*this};
    DataPort data_port_{*this};
    CommandPort command_port_{*this};
    Ps2Device* keyboard_ = nullptr;
    Ps2Device* mouse_ = nullptr;

  public:
    std::uint8_t keyboard_irq_ = 1;
    std::uint8_t mouse_irq_ = 12;

  private:
    std::uint8_t mode_ = 0;         ///< the controller's command byte
    std::uint8_t output_port_ = 0;  ///< without its bits 4 and 5
    std::uint8_t command_ = 0;      ///< whose data comes next; 0: none
    bool to_command_port_ = true;   ///< where the last write went
    bool self_tested_ = false;
    bool release_ = false;  ///< set 2's F0 was left out: the next code is a break
    std::uint8_t byte_ = 0;
    Source source_ = Source::None;  ///< of what is in the output buffer
    std::uint8_t answer_ = 0;
    Source answer_source_ = Source::None;  ///< as which `answer_` waits for the output buffer
};

}  // namespace backplane::i8042
