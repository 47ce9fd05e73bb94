// Which frames a network device takes (VIRTIO 1.2, §5.1.6.5.1–5.1.6.5.3): modes, address table, VLAN table.
#pragma once

#include <backplane/abi.h>
#include <backplane/state.h>

namespace backplane::virtio {

/// After a reset everything is taken, until the driver says what it wants.
class ReceiveFilter {
  public:
    static constexpr std::size_t kAddresses = 64;
    enum Mode : std::uint8_t {
        Promiscuous,
        AllMulticast,
        AllUnicast,
        NoMulticast,
        NoUnicast,
        NoBroadcast,
        kModes
    };

    void describe(backplane::StateTable& table);
    void reset();
    bool accepts(backplane::Bytes frame, const std::uint8_t* own_address) const;

    void set_mode(unsigned mode, bool on) { modes_[mode] = on; }
    /// Two lists, each 6 bytes an address. What does not fit makes the filter take all of that kind.
    void set_addresses(backplane::Bytes unicast, backplane::Bytes multicast);
    /// From here on the VLAN table counts: the driver negotiated CTRL_VLAN.
    void use_vlans();
    bool set_vlan(std::uint16_t id, bool on);

  private:
    bool listed(const std::uint8_t* address, std::size_t first, std::size_t last) const;

    bool modes_[kModes] = {};
    std::uint8_t addresses_[kAddresses * 6] = {};
    std::uint16_t count_ = 0;            ///< addresses in the table
    std::uint16_t first_multicast_ = 0;  ///< the unicast ones stand in front
    bool unicast_overflow_ = false;
    bool multicast_overflow_ = false;
    std::uint32_t vlans_[4096 / 32] = {};
};

}  // namespace backplane::virtio
