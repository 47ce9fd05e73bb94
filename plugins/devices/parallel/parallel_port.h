// A printer port of the PC/AT without a bus: data, status, control, an interrupt line, a stream of characters.
//
// Follows IBM, "Personal Computer AT Technical Reference", 6280070, 1984, "Serial/Parallel Adapter", and IEEE 1284-1994,
// compatibility mode. Not modelled: EPP, ECP, and a peripheral that sends.
#pragma once

#include <backplane/char.h>
#include <backplane/device.h>
#include <backplane/standstill_gate.h>

namespace backplane::parallel {

/// Thread: holding the machine lock.
class ParallelPort final : public CharFront {
  public:
    ParallelPort(DeviceContext& context, Wire& interrupt);

    /// Joins the character stream; null: what is printed is lost.
    bool start(CharBackend* backend, Errors& errors);
    void stop();
    void resume() { print(); }

    /// `index` is the register, 0–7.
    std::uint8_t read(unsigned index, const Access& access);
    void write(unsigned index, std::uint8_t value);

    std::size_t can_receive() override { return 0; }
    void receive(Bytes) override {}
    void char_event(CharEvent) override {}
    void can_send() override {
        if (!gate_.shut()) print();
    }

  private:
    std::uint8_t status() const;
    void write_control(std::uint8_t value);
    void print();

    Wire& interrupt_;
    CharBackend* backend_ = nullptr;
    std::uint8_t data_ = 0;
    std::uint8_t control_ = 0;
    std::uint8_t printing_ = 0;
    bool busy_ = false;  ///< `printing_` waits for the host to take it
    StandstillGate<&ParallelPort::print> gate_{*this};
};

}  // namespace backplane::parallel
