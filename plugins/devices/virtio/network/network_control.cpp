// The control queue of the network device (VIRTIO 1.2, §5.1.6.5).
#include "network.h"
#include "network_format.h"

#include <algorithm>
#include <array>

namespace backplane::virtio {

using namespace net;

void Network::control(VirtioQueue& queue) {
    while (VirtioChain* chain = queue.take()) {
        if (chain->readable_size() < 2 || chain->writable_size() < 1) {
            virtio_.need_reset("a control command without a whole header or without room for its answer");
            chain->complete(0);
            break;
        }
        write_value(*chain, 0, command(*chain) ? kAckOk : kAckError);
        chain->complete(1);
    }
    queue.interrupt();
}

bool Network::command(VirtioChain& chain) {
    const auto [kind, number] = read_value<std::array<std::uint8_t, 2>>(chain, 0);
    const auto has = [&](std::uint64_t feature) { return virtio_.has(feature); };
    switch (kind) {
    case kRx: return has(kCtrlRx) && set_mode(number, chain);
    case kMacClass:
        if (number == kTableSet) return has(kCtrlRx) && set_address_table(chain);
        return number == kAddrSet && has(kCtrlMacAddr) && set_address(chain);
    case kVlan: {
        const bool known = has(kCtrlVlan) && (number == kVlanAdd || number == kVlanDel);
        return known && chain.readable_size() == 4 &&
               filter_.set_vlan(read_value<std::uint16_t>(chain, 2), number == kVlanAdd);
    }
    case kAnnounceClass:
        if (number != kAnnounceAck || !has(kGuestAnnounce) || !announce_) return false;
        announce_ = false;
        fill_config();
        return true;
    case kMqClass:
        return number == kPairsSet && has(kMq) && chain.readable_size() == 4 &&
               read_value<std::uint16_t>(chain, 2) == kPairs;
    default: return false;
    }
}

bool Network::set_mode(std::uint8_t number, VirtioChain& chain) {
    const bool known = number <= ReceiveFilter::AllMulticast ||
                       (number < ReceiveFilter::kModes && virtio_.has(kCtrlRxExtra));
    if (!known || chain.readable_size() != 3) return false;
    filter_.set_mode(number, read_value<std::uint8_t>(chain, 2) != 0);
    return true;
}

/// Two lists, unicast then multicast: a 32-bit count and as many addresses.
bool Network::set_address_table(VirtioChain& chain) {
    std::vector<std::uint8_t> lists[2];
    std::uint64_t at = 2;
    for (auto& list : lists) {
        if (chain.readable_size() < at + 4) return false;
        const std::uint64_t bytes = std::uint64_t{6} * read_value<std::uint32_t>(chain, at);
        at += 4;
        if (bytes > chain.readable_size() - at) return false;
        // One more than fits is enough to overflow the table.
        list.resize(std::size_t(std::min<std::uint64_t>(bytes, 6 * (ReceiveFilter::kAddresses + 1))));
        chain.read(at, list);
        at += bytes;
    }
    if (at != chain.readable_size()) return false;
    filter_.set_addresses(lists[0], lists[1]);
    return true;
}

bool Network::set_address(VirtioChain& chain) {
    if (chain.readable_size() != 2 + sizeof address_) return false;
    chain.read(2, address_);
    fill_config();
    return true;
}

}  // namespace backplane::virtio
