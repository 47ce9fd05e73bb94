// The transmit ring: descriptors become frames (317453, sections 3.3 and 3.4).
#pragma once

#include "offload.h"
#include "registers.h"

#include <backplane/device.h>

namespace backplane::e1000 {

/// What a transmitter asks of its device.
class TransmitHost : public FrameSink {
  public:
    virtual DmaPort& memory() = 0;
    /// Interrupt causes.
    virtual void raise(std::uint32_t causes) = 0;

  protected:
    ~TransmitHost() = default;
};

class Transmitter {
  public:
    Transmitter(Registers& registers, TransmitHost& host) : registers_(registers), host_(host) {}
    void describe(StateTable& table);
    void reset();
    /// Sends what the guest has put into the ring.
    void run();
    /// The VLAN tag of the frame that is being sent, with its type; 0: none is to be added.
    std::uint32_t tag() const { return tag_; }

  private:
    /// More is no frame: 64 KiB of data behind 255 bytes of headers.
    static constexpr std::size_t kLongest = 0x10000 + 0x100;

    struct Descriptor {
        std::uint64_t address;
        std::uint32_t command, status;
    };
    void serve(const Descriptor& descriptor);
    void set_context(const Descriptor& descriptor);
    void gather(std::uint64_t address, std::uint32_t size);
    void send(std::uint32_t special);

    Registers& registers_;
    TransmitHost& host_;
    OffloadContext context_;
    OffloadRequest request_;
    std::vector<std::uint8_t> frame_;  ///< what descriptors have given so far
    ChecksumPlace legacy_;             ///< of a legacy descriptor
    bool begun_ = false, legacy_checksum_ = false, tagged_ = false, too_long_ = false;
    std::uint32_t tag_ = 0;
};

}  // namespace backplane::e1000
