// The registers of the 82540EM that keep what is written, and those that count.
//
// Follows Intel, "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual" (317453-006), section 13.
#pragma once

#include <backplane/state.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace backplane::e1000 {

/// Those with a place of their own; the table in registers.cpp says where.
enum class Reg : std::uint8_t {
    CTRL,
    STATUS,
    EECD,
    CTRL_EXT,
    FLA,
    FCAL,
    FCAH,
    FCT,
    VET,
    ITR,
    RCTL,
    FCTTV,
    TXCW,
    RXCW,
    TCTL,
    TIPG,
    AIT,
    LEDCTL,
    PBA,
    FCRTL,
    FCRTH,
    RDBAL,
    RDBAH,
    RDLEN,
    RDH,
    RDT,
    RDTR,
    RXDCTL,
    RADV,
    RSRPD,
    TXDMAC,
    TDBAL,
    TDBAH,
    TDLEN,
    TDH,
    TDT,
    TIDV,
    TXDCTL,
    TADV,
    TSPMT,
    RXCSUM,
    WUC,
    WUFC,
    WUS,
    MANC,
    kCount
};

// Arrays of registers (13.4.x), in bytes from the start of BAR 0.
inline constexpr std::uint32_t kStatistics = 0x4000, kStatisticsEnd = 0x4100;
inline constexpr std::uint32_t kMulticastTable = 0x5200, kMulticastTableEnd = 0x5400;
inline constexpr std::uint32_t kAddresses = 0x5400, kAddressesEnd = 0x5480;
inline constexpr std::uint32_t kVlanTable = 0x5600, kVlanTableEnd = 0x5800;

// CTRL (13.4.1)
inline constexpr std::uint32_t kReset = 1u << 26, kVlanMode = 1u << 30, kPhyReset = 1u << 31;
// STATUS (13.4.2)
inline constexpr std::uint32_t kLinkUp = 1u << 1;
// TCTL (13.4.33), RCTL (13.4.22)
inline constexpr std::uint32_t kTransmitEnable = 1u << 1;
inline constexpr std::uint32_t kReceiveEnable = 1u << 1, kUnicastAll = 1u << 3, kMulticastAll = 1u << 4,
                               kLongPackets = 1u << 5, kLoopback = 3u << 6, kBroadcastAccept = 1u << 15,
                               kVlanFilter = 1u << 18, kSizeExtension = 1u << 25, kStripCrc = 1u << 26;
// Causes of interrupts (13.4.17)
inline constexpr std::uint32_t kDescriptorWritten = 1u << 0, kQueueEmpty = 1u << 1, kLinkChanged = 1u << 2,
                               kFewDescriptors = 1u << 4, kOverrun = 1u << 6, kReceiveTimer = 1u << 7,
                               kMdioDone = 1u << 9;

inline constexpr std::uint32_t kDescriptorSize = 16;

// Statistics that something here counts (13.7), by their offset from 4000h.
inline constexpr std::uint32_t kMissed = 0x10, kReceivedGood = 0x74, kReceivedBroadcast = 0x78,
                               kReceivedMulticast = 0x7c, kSentGood = 0x80, kReceivedGoodOctets = 0x88,
                               kSentGoodOctets = 0x90, kNoBuffers = 0xa0, kReceivedOversize = 0xac,
                               kReceivedOctets = 0xc0, kSentOctets = 0xc8, kReceivedAll = 0xd0,
                               kSentAll = 0xd4, kSentMulticast = 0xf0, kSentBroadcast = 0xf4,
                               kSegmented = 0xf8;

class Registers {
  public:
    void describe(StateTable& table);
    /// What a reset leaves, the address of filter 0 excepted.
    void reset();

    std::uint32_t& operator[](Reg reg) { return values_[std::size_t(reg)]; }
    std::uint32_t operator[](Reg reg) const { return values_[std::size_t(reg)]; }
    /// The register at an offset; kCount where there is none of these.
    static Reg at(std::uint32_t offset);
    /// As the guest writes it: bits that are not there stay 0.
    void store(Reg reg, std::uint32_t value);

    void count(std::uint32_t statistic, std::uint32_t by = 1);
    /// One of 64 bits, in two registers.
    void count_octets(std::uint32_t statistic, std::uint64_t by);
    /// Reading a statistic clears it.
    std::uint32_t take_statistic(std::uint32_t offset, bool keep);

    std::array<std::uint32_t, 128> multicast{}, vlans{};
    std::array<std::uint32_t, 32> addresses{};  ///< low and high half of sixteen

  private:
    std::array<std::uint32_t, std::size_t(Reg::kCount)> values_{};
    std::array<std::uint32_t, 64> statistics_{};
};

/// A ring of descriptors: which are the hardware's.
struct Ring {
    std::uint64_t base;
    std::uint32_t count, head, tail;
    /// From head up to tail.
    std::uint32_t owned() const { return count == 0 ? 0 : (tail + count - head) % count; }
    std::uint64_t descriptor() const { return base + std::uint64_t{kDescriptorSize} * head; }
    void step() { head = (head + 1) % count; }
};
/// Head and tail that lie outside are taken within it.
Ring ring_of(const Registers& registers, Reg low, Reg high, Reg length, Reg head, Reg tail);

}  // namespace backplane::e1000
