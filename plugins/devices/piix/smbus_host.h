// The SMBus host controller. A transaction is done when START was written, and its status is there at once.
//
// Follows Intel, "82371AB PCI-TO-ISA / IDE XCELERATOR (PIIX4)", 290562-001, 7.3. Not modelled: the slave side, and the
// time that a transaction takes.
#pragma once

#include <backplane/device.h>
#include <backplane/i2c.h>

namespace backplane::piix {

class SmbusHost final : public IoHandler {
  public:
    static constexpr IoTraits kTraits{.maximum = 4, .implemented_max = 1, .unaligned = true};

    explicit SmbusHost(DeviceContext& context);
    void set_bus(I2cBus& bus) { bus_ = &bus; }
    /// Does it ask for its interrupt?
    bool interrupt() const;

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    static constexpr unsigned kBlock = 32;
    bool transact();
    bool exchange(Bytes written, MutableBytes read);
    bool block();

    I2cBus* bus_ = nullptr;
    std::uint8_t status_ = 0;
    std::uint8_t control_ = 0;
    std::uint8_t command_ = 0;
    std::uint8_t address_ = 0;
    std::uint8_t data_[2] = {};
    std::uint8_t block_[kBlock] = {};
    std::uint8_t index_ = 0;
};

}  // namespace backplane::piix
