// A 16550A UART without a bus: eight registers, an interrupt line, a character stream.
//
// Follows National Semiconductor, "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", June 1995
// (section numbers in the code are its). Not modelled: the time that a character takes to be sent, parity and
// framing on a line that has neither, and the modem's inputs, which stay at "carrier, ready, clear to send".
#pragma once

#include <backplane/char.h>
#include <backplane/device.h>
#include <backplane/standstill_gate.h>

#include <algorithm>
#include <array>

namespace backplane::serial {

/// A queue of 16 characters; receivers keep a character's error bits (as in LSR) with it.
struct Fifo {
    static constexpr unsigned kSize = 16;
    std::uint8_t data[kSize] = {};
    std::uint8_t errors[kSize] = {};
    std::uint8_t head = 0;
    std::uint8_t count = 0;

    bool empty() const { return count == 0; }
    void clear() { head = count = 0; }
    void push(std::uint8_t value, std::uint8_t error) {
        const unsigned slot = (head + count) % kSize;
        data[slot] = value;
        errors[slot] = error;
        ++count;
    }
    void pop() {
        head = (head + 1) % kSize;
        --count;
    }
    std::uint8_t front() const { return data[head]; }
    std::uint8_t front_errors() const { return errors[head]; }
    bool any_error() const;
    void describe_state(StateTable& table);
};

/// Thread: holding the machine lock.
class Uart16550 final : public CharFront {
  public:
    Uart16550(DeviceContext& context, Wire& interrupt);

    /// Joins the character stream; null: nothing is ever received and all that is sent is lost.
    bool start(CharBackend* backend, std::uint64_t input_clock_hz, Errors& errors);
    void stop();
    void reset(ResetPhase phase);
    void after_load() { update_interrupt(); }
    /// What waits is sent now, and there may be room for what comes.
    void resume();

    /// `index` is the register, 0–7.
    std::uint8_t read(unsigned index, const Access& access);
    void write(unsigned index, std::uint8_t value);

    std::size_t can_receive() override;
    void receive(Bytes bytes) override;
    void char_event(CharEvent event) override;
    void can_send() override {
        if (!gate_.shut()) transmit();
    }

  private:
    bool fifo_enabled() const { return (fifo_control_ & 1) != 0; }
    bool loopback() const;
    bool divisor_latch() const { return (line_control_ & 0x80) != 0; }
    unsigned capacity() const { return fifo_enabled() ? Fifo::kSize : 1; }
    unsigned trigger_level() const;
    std::uint64_t character_ns() const;

    std::uint8_t line_status() const;
    std::uint8_t modem_status() const;
    std::uint8_t interrupt_identification() const;
    std::uint8_t read_receiver(bool debug);

    void write_transmitter(std::uint8_t value);
    void write_interrupt_enable(std::uint8_t value);
    void write_fifo_control(std::uint8_t value);
    void write_line_control(std::uint8_t value);
    void write_modem_control(std::uint8_t value);
    void accept(std::uint8_t value, std::uint8_t error);
    void transmit();
    void update_interrupt() { interrupt_.set((interrupt_identification() & 1) == 0); }
    void timeout();
    void restart_timeout();
    void tell_room();

    DeviceContext& context_;
    Wire& interrupt_;
    CharBackend* backend_ = nullptr;
    std::uint64_t input_clock_hz_ = 1843200;
    OwnedTimer<&Uart16550::timeout> timeout_timer_{*this};
    StandstillGate<&Uart16550::resume> gate_{*this};

    Fifo received_;
    Fifo sending_;
    std::uint16_t divisor_ = 12;
    std::uint8_t interrupt_enable_ = 0;
    std::uint8_t fifo_control_ = 0;
    std::uint8_t line_control_ = 0;
    std::uint8_t modem_control_ = 0;
    std::uint8_t scratch_ = 0;
    std::uint8_t line_errors_ = 0;      ///< LSR bits OE, PE, FE, BI as they are shown
    std::uint8_t modem_delta_ = 0;      ///< MSR bits 0–3
    bool transmitter_pending_ = false;  ///< the THRE interrupt is due
    bool timeout_pending_ = false;
};

}  // namespace backplane::serial
