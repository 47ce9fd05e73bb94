// The bus master of one IDE channel: "82371SB (PIIX3)" (290550), 2.4, and "Programming Interface for Bus Master IDE
// Controller" revision 1.0.
#pragma once

#include <backplane/device.h>

namespace backplane::ide {

class BusMaster {
  public:
    explicit BusMaster(DeviceContext& context) : context_(context) {}
    void describe(StateTable& table);
    void reset();

    static constexpr std::uint64_t kSize = 8;  ///< bytes of registers
    std::uint32_t read(std::uint64_t offset, unsigned size) const;
    /// What the start bit did.
    enum class Effect : std::uint8_t { None, Started, Stopped };
    Effect write(std::uint64_t offset, std::uint32_t value, unsigned size);

    bool running() const { return (command_ & kStart) != 0; }
    void interrupt() { status_ = std::uint8_t(status_ | kInterrupt); }
    std::size_t to_memory(Bytes bytes);
    std::size_t from_memory(MutableBytes bytes);
    void ended() { status_ = std::uint8_t(status_ & ~kActive); }

  private:
    static constexpr std::uint8_t kStart = 0x01, kToMemory = 0x08;
    static constexpr std::uint8_t kActive = 0x01, kError = 0x02, kInterrupt = 0x04, kCapable = 0x60;

    bool next_region();
    template <class Move>
    std::size_t move(std::size_t size, const Move& move);

    DeviceContext& context_;
    std::uint8_t command_ = 0;
    std::uint8_t status_ = 0;
    std::uint32_t table_ = 0;
    // Where the transfer is.
    std::uint32_t entry_ = 0;    ///< address of the next descriptor
    std::uint32_t address_ = 0;  ///< of the region
    std::uint32_t left_ = 0;     ///< bytes of the region
    bool last_ = false;          ///< the region is the table's last
    std::uint32_t entries_ = 0;  ///< how many were read since bytes moved
};

}  // namespace backplane::ide
