// What functions share: the default control pipe with its standard requests, and their descriptors.
//
// Follows "Universal Serial Bus Specification" 1.1, chapters 8.5.2 (control transfers) and 9 (device framework).
#pragma once

#include <backplane/device.h>
#include <backplane/usb.h>

#include <string>
#include <vector>

namespace backplane::usb {

/// Table 9-2.
struct Request {
    std::uint8_t type = 0, code = 0;
    std::uint16_t value = 0, index = 0, length = 0;
    bool to_host() const { return (type & 0x80) != 0; }
    /// bmRequestType and bRequest as one number: 0x8006 is GET_DESCRIPTOR of a device.
    std::uint16_t id() const { return std::uint16_t(type << 8 | code); }
};

/// What a function says of itself.
struct Descriptors {
    std::vector<std::uint8_t> device;         ///< 18 bytes
    std::vector<std::uint8_t> configuration;  ///< with its interfaces and endpoints
    std::vector<std::string> strings;         ///< from index 1 on; ASCII
};

class Function : public DeviceBase, public UsbFunction {
  public:
    explicit Function(Object& object);

    bool after_load(Errors& errors) override;
    void reset(ResetPhase phase) override;
    UsbSpeed speed() const override { return UsbSpeed::Full; }
    void bus_reset() override;
    UsbFunction* find(std::uint8_t address) override { return address == address_ ? this : nullptr; }
    UsbReply setup(std::uint8_t endpoint, Bytes data) override;
    UsbReply out(std::uint8_t endpoint, Bytes data) override;
    UsbReply in(std::uint8_t endpoint, MutableBytes room) override;

    std::uint8_t address() const { return address_; }  ///< that the host gave it; 0: none yet
    std::string product() const;

    std::string port_;  ///< that it asks for; empty: any

  protected:
    ~Function() = default;
    bool configured() const { return configuration_ != 0; }
    void wake();

    /// What it is. Fixed.
    virtual const Descriptors& descriptors() const = 0;
    /// A request of a class, or for an interface: its answer; false: stalled.
    virtual bool answer(const Request& request, std::vector<std::uint8_t>& reply) = 0;
    /// The same towards the function; `data` came with it.
    virtual bool take(const Request& request, Bytes data) = 0;
    /// It is what it was when it was made: after a reset of the bus, and when it is configured.
    virtual void start_over() = 0;
    /// Endpoints but 0, of a function that is configured.
    virtual UsbReply data_out(std::uint8_t, Bytes) { return {UsbHandshake::Stall, 0}; }
    virtual UsbReply data_in(std::uint8_t, MutableBytes) { return {UsbHandshake::Stall, 0}; }

    Object& object_;
    DeviceContext& context_;

  private:
    enum class Stage : std::uint8_t { Idle, ToHost, FromHost, Stalled };
    static constexpr std::size_t kMostData = 4096;  ///< of a control transfer

    void perform();
    bool standard(std::vector<std::uint8_t>& reply);
    bool get_descriptor(std::vector<std::uint8_t>& reply) const;
    bool set_standard();

    Request request_;
    Stage stage_ = Stage::Idle;
    std::uint8_t address_ = 0;
    std::uint8_t configuration_ = 0;
    std::uint16_t halted_ = 0;  ///< endpoints: bits 0-7 OUT, 8-15 IN
    bool may_wake_ = false;
    std::vector<std::uint8_t> data_;
    std::uint32_t position_ = 0;  ///< bytes of it that were given
};

inline void put16(std::vector<std::uint8_t>& bytes, unsigned value) {
    bytes.push_back(std::uint8_t(value));
    bytes.push_back(std::uint8_t(value >> 8));
}

/// 9.6.1, of a device with one configuration whose class stands in its interfaces.
std::vector<std::uint8_t> device_descriptor(std::uint8_t device_class, std::uint8_t packet,
                                            std::uint16_t vendor, std::uint16_t product, unsigned strings);
/// 9.6.2, around `interfaces`.
std::vector<std::uint8_t> configuration_descriptor(const std::vector<std::uint8_t>& interfaces, bool wakes);

}  // namespace backplane::usb
