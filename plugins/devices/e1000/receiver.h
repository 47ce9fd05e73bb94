// The receive ring and the filters in front of it (317453, section 3.2 and 13.5).
#pragma once

#include "registers.h"

#include <backplane/device.h>

#include <vector>

namespace backplane::e1000 {

class ReceiveHost {
  public:
    virtual DmaPort& memory() = 0;
    virtual void raise(std::uint32_t causes) = 0;

  protected:
    ~ReceiveHost() = default;
};

class Receiver {
  public:
    Receiver(Registers& registers, ReceiveHost& host) : registers_(registers), host_(host) {}
    bool enabled() const { return registers_[Reg::RCTL] & kReceiveEnable; }
    /// False: there are no descriptors for it now.
    bool receive(Bytes frame);

  private:
    bool wanted(Bytes frame) const;
    bool address_matches(Bytes frame) const;
    bool vlan_matches(Bytes frame) const;
    bool tagged(Bytes frame) const;
    std::uint32_t buffer_size() const;
    void store(const std::vector<std::uint8_t>& bytes, std::uint32_t vlan, Ring ring);
    void count(Bytes frame, std::size_t size);

    Registers& registers_;
    ReceiveHost& host_;
};

}  // namespace backplane::e1000
