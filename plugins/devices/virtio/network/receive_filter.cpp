#include "receive_filter.h"

#include <algorithm>
#include <iterator>

namespace backplane::virtio {

using backplane::Bytes;

void ReceiveFilter::describe(backplane::StateTable& table) {
    backplane::describe(table, "rx_modes", modes_, 0, false);
    backplane::describe(table, "mac_table", addresses_, 0, false);
    backplane::describe(table, "mac_table_count", count_, {.reset = false, .maximum = kAddresses});
    backplane::describe(table, "mac_table_first_multicast", first_multicast_,
                        {.reset = false, .maximum = kAddresses});
    backplane::describe(table, "mac_table_unicast_overflow", unicast_overflow_, 0, false);
    backplane::describe(table, "mac_table_multicast_overflow", multicast_overflow_, 0, false);
    backplane::describe(table, "vlans", vlans_, 0, false);
}

void ReceiveFilter::reset() {
    std::fill(std::begin(modes_), std::end(modes_), false);
    modes_[Promiscuous] = true;
    count_ = first_multicast_ = 0;
    unicast_overflow_ = multicast_overflow_ = false;
    std::fill(std::begin(vlans_), std::end(vlans_), ~0u);
}

void ReceiveFilter::use_vlans() { std::fill(std::begin(vlans_), std::end(vlans_), 0u); }

bool ReceiveFilter::set_vlan(std::uint16_t id, bool on) {
    if (id >= 4096) return false;
    const std::uint32_t bit = 1u << (id % 32);
    vlans_[id / 32] = on ? vlans_[id / 32] | bit : vlans_[id / 32] & ~bit;
    return true;
}

void ReceiveFilter::set_addresses(Bytes unicast, Bytes multicast) {
    count_ = 0;
    const auto append = [this](Bytes list) {
        const std::size_t entries = list.size / 6;
        if (entries > kAddresses - count_) return true;
        std::copy_n(list.data, 6 * entries, addresses_ + 6 * count_);
        count_ = std::uint16_t(count_ + entries);
        return false;
    };
    unicast_overflow_ = append(unicast);
    first_multicast_ = count_;
    multicast_overflow_ = append(multicast);
}

bool ReceiveFilter::listed(const std::uint8_t* address, std::size_t first, std::size_t last) const {
    for (std::size_t i = first; i < last; ++i)
        if (std::equal(address, address + 6, addresses_ + 6 * i)) return true;
    return false;
}

bool ReceiveFilter::accepts(Bytes frame, const std::uint8_t* own_address) const {
    if (frame.size < 14) return false;
    if (modes_[Promiscuous]) return true;
    if (frame.size >= 16 && frame[12] == 0x81 && frame[13] == 0x00) {
        const unsigned id = (frame[14] << 8 | frame[15]) & 0xfff;
        if (!(vlans_[id / 32] >> (id % 32) & 1)) return false;
    }
    const std::uint8_t* address = frame.data;
    const std::size_t first_multicast = std::min<std::size_t>(first_multicast_, kAddresses);
    const std::size_t count = std::min<std::size_t>(count_, kAddresses);
    if (address[0] & 1) {
        if (std::all_of(address, address + 6, [](std::uint8_t byte) { return byte == 0xff; }))
            return !modes_[NoBroadcast];
        if (modes_[NoMulticast]) return false;
        return modes_[AllMulticast] || multicast_overflow_ || listed(address, first_multicast, count);
    }
    if (modes_[NoUnicast]) return false;
    if (modes_[AllUnicast] || unicast_overflow_ || std::equal(address, address + 6, own_address)) return true;
    return listed(address, 0, first_multicast);
}

}  // namespace backplane::virtio
