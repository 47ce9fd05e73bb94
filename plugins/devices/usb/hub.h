// A hub of eight ports.
//
// Follows "Universal Serial Bus Specification" 1.1, chapter 11. Power is always on, and nothing draws too much of it.
#pragma once

#include "function.h"

#include <array>

namespace backplane::usb {

class Hub final : public Function, private UsbPorts {
  public:
    static constexpr unsigned kPortCount = 8;

    explicit Hub(Object& object);
    bool realize(Errors& errors) override;
    void unrealize() override;
    void bus_reset() override;
    UsbFunction* find(std::uint8_t address) override;

  private:
    struct Port {
        UsbFunction* function = nullptr;
        std::uint16_t status = 0, change = 0;  ///< 11.24.2.7, without the connection's bits
    };

    // UsbPorts
    void plugged(unsigned port, UsbFunction& function) override;
    void unplugged(unsigned port) override;
    void woken(unsigned port) override;

    const Descriptors& descriptors() const override { return descriptors_; }
    bool answer(const Request& request, std::vector<std::uint8_t>& reply) override;
    bool take(const Request& request, Bytes data) override;
    void start_over() override {}
    UsbReply data_in(std::uint8_t endpoint, MutableBytes room) override;

    std::uint16_t status_of(const Port& port) const;
    static bool set_feature(Port& port, unsigned feature);
    static bool clear_feature(Port& port, unsigned feature);

    Descriptors descriptors_;
    std::array<Port, kPortCount> ports_;
};

}  // namespace backplane::usb
