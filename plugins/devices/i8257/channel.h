// One channel of an 8237A with its page register: which bytes of memory are a transfer's, and how far it is.
#pragma once

#include <backplane/isa.h>
#include <backplane/memory.h>
#include <backplane/state.h>

namespace backplane::i8257 {

// The mode register
inline constexpr std::uint8_t kTransferBits = 0x0c;
inline constexpr std::uint8_t kWriteTransfer = 0x04;  ///< to memory
inline constexpr std::uint8_t kReadTransfer = 0x08;
inline constexpr std::uint8_t kAutoinitialize = 0x10;
inline constexpr std::uint8_t kDecrement = 0x20;

/// What a channel asks of its controller.
class ChannelHost {
  public:
    virtual void request_changed(unsigned channel, int level) = 0;
    virtual DmaPort& memory() = 0;

  protected:
    ~ChannelHost() = default;
};

class Channel final : public IsaDmaChannel {
  public:
    /// `shift`: 0 for bytes, 1 for 16-bit words.
    void connect(ChannelHost& owner, unsigned number, unsigned shift) {
        owner_ = &owner;
        number_ = number;
        shift_ = shift;
    }

    // IsaDmaChannel
    void set_request(int level) override;
    std::uint32_t read(std::uint32_t position, MutableBytes to) override;
    std::uint32_t write(std::uint32_t position, Bytes from) override;

    std::uint16_t address() const;
    std::uint16_t count() const;
    /// One byte of the base and current registers.
    void write_address(std::uint8_t byte, bool high);
    void write_count(std::uint8_t byte, bool high);

    enum class Progress : std::uint8_t { None, Some, TerminalCount };
    /// One call of the device.
    Progress transfer();

    void describe(StateTable& table, std::uint32_t count);
    bool plausible() const { return done_ <= length(); }

    IsaDmaDevice* device = nullptr;
    std::uint8_t mode = 0;
    std::uint8_t page = 0;
    std::uint8_t high_page = 0;

  private:
    std::uint32_t length() const { return (std::uint32_t{start_count_} + 1) << shift_; }
    std::uint32_t clip(std::uint32_t position, std::uint64_t size) const;
    /// Where the bytes from `position` on lie, and how many of them are one run.
    struct Run {
        GuestAddress address;
        std::uint32_t size;
    };
    Run run_at(std::uint32_t position) const;
    void begin(std::uint16_t address, std::uint16_t count);

    ChannelHost* owner_ = nullptr;
    unsigned number_ = 0;
    unsigned shift_ = 0;
    bool transferring_ = false;

    std::uint16_t base_address_ = 0;
    std::uint16_t base_count_ = 0;
    std::uint16_t start_address_ = 0;  ///< the current registers when `done_` was 0
    std::uint16_t start_count_ = 0;
    std::uint32_t done_ = 0;  ///< bytes
};

}  // namespace backplane::i8257
