#include "network.h"

#include "network_format.h"
#include <lib/ethernet_address.h>
#include <lib/internet_checksum.h>

#include <backplane/plugin.h>

#include <algorithm>

namespace backplane::virtio {

using namespace net;

namespace {

constexpr std::uint16_t kControlSize = 64;

}  // namespace

Network::Network(Object& object) : context_(device_context(object)), virtio_(*query<VirtioDevice>(object)) {
    virtio_.set_function(*this, virtio_id::kNetwork);
    StateTable& state = context_.state();
    describe(state, "mac", address_, 0, false);
    describe(state, "announce", announce_, 0, false);
    filter_.describe(state);
}

bool Network::check(Errors& errors) {
    const auto bad_size = [](std::uint16_t size) {
        return size < 64 || size > 1024 || !std::has_single_bit(size);
    };
    if (bad_size(rx_queue_size_))
        errors.fail("invalid rx_queue_size (= " + std::to_string(rx_queue_size_) +
                    "), must be a power of 2 between 64 and 1024");
    else if (bad_size(tx_queue_size_))
        errors.fail("invalid tx_queue_size (= " + std::to_string(tx_queue_size_) +
                    "), must be a power of 2 between 64 and 1024");
    else return choose_ethernet_address(context_.object(), mac_, permanent_address_, errors);
    return false;
}

bool Network::realize(Errors& errors) {
    if (!check(errors)) return false;
    const auto offer = [this](bool wanted, std::uint64_t feature) { features_ |= wanted ? feature : 0; };
    features_ = kMac;
    offer(csum_, kCsum);
    offer(guest_csum_, kGuestCsum);
    offer(mrg_rxbuf_, kMrgRxbuf);
    offer(status_, kStatus);
    offer(host_mtu_ != 0, kMtu);
    offer(ctrl_vq_, kCtrlVq);
    offer(ctrl_vq_ && ctrl_rx_, kCtrlRx);
    offer(ctrl_vq_ && ctrl_rx_ && ctrl_rx_extra_, kCtrlRxExtra);
    offer(ctrl_vq_ && ctrl_vlan_, kCtrlVlan);
    offer(ctrl_vq_ && ctrl_mac_addr_, kCtrlMacAddr);
    offer(ctrl_vq_ && status_ && guest_announce_, kGuestAnnounce);
    offer(ctrl_vq_ && mq_, kMq);
    virtio_.offer_features(features_);
    const std::uint16_t sizes[] = {rx_queue_size_, tx_queue_size_, kControlSize};
    if (!virtio_.create_queues({sizes, ctrl_vq_ ? 3u : 2u}, errors)) return false;
    config_ = virtio_.create_config(host_mtu_ != 0 ? 12 : offered(kMq) ? 10 : 8);
    frame_.resize(kLongestFrame);
    device_reset();
    if (netdev_ && !netdev_->connect(this)) {
        errors.fail("property 'netdev' names a netdev that another device uses");
        return false;
    }
    return true;
}

void Network::unrealize() {
    if (netdev_) netdev_->connect(nullptr);
}

bool Network::after_load(Errors&) {
    buffers_.clear();
    started_ = virtio_.driver_ok();
    waiting_ = false;
    fill_config();
    return true;
}

/// §5.1.6.5.4: the link may lead to another host now.
void Network::resume() {
    if (!virtio_.driver_ok() || !virtio_.has(kGuestAnnounce)) return;
    announce_ = true;
    fill_config();
    virtio_.config_changed();
}

void Network::fill_config() {
    std::copy(std::begin(address_), std::end(address_), config_.data + kMacAt);
    store(config_, kStatusAt, std::uint16_t((link_up_ ? kLinkUp : 0) | (announce_ ? kAnnounce : 0)));
    if (config_.size > kPairsAt) store(config_, kPairsAt, kPairs);
    if (config_.size > kMtuAt) store(config_, kMtuAt, host_mtu_);
}

void Network::config_written(MutableBytes config, std::uint64_t, std::uint64_t) {
    // §5.1.4.2: a legacy driver sets the address here, a modern one by command.
    if (!virtio_.has(virtio_feature::kVersion1) && !virtio_.has(kCtrlMacAddr))
        std::copy_n(config.data + kMacAt, sizeof address_, address_);
    fill_config();
}

void Network::status_changed(std::uint8_t status) {
    if (started_ || !(status & virtio_status::kDriverOk)) return;
    started_ = true;
    if (virtio_.has(kCtrlVlan)) filter_.use_vlans();
    virtio_.queue(kReceive).want_notifications(waiting_);
}

void Network::device_reset() {
    std::copy(std::begin(permanent_address_), std::end(permanent_address_), address_);
    filter_.reset();
    announce_ = started_ = false;
    waiting_ = false;
    if (config_.size) fill_config();
}

void Network::link_changed(bool up) {
    if (up == link_up_) return;
    link_up_ = up;
    fill_config();
    virtio_.config_changed();
}

std::size_t Network::header_size() const {
    return virtio_.has(kMrgRxbuf) || virtio_.has(virtio_feature::kVersion1) ? sizeof(Header) : kShortHeader;
}

void Network::queue_notified(VirtioQueue& queue) {
    switch (queue.index()) {
    case kReceive:
        queue.want_notifications(false);
        waiting_ = false;
        if (netdev_) netdev_->accept_frames();
        break;
    case kTransmit: transmit(queue); break;
    case kControl: control(queue); break;
    default: break;
    }
}

// Receiving.

void Network::give_back_buffers() {
    for (auto chain = buffers_.rbegin(); chain != buffers_.rend(); ++chain) (*chain)->give_back();
    buffers_.clear();
}

bool Network::take_buffers(VirtioQueue& queue, std::uint64_t size) {
    const bool merge = virtio_.has(kMrgRxbuf);
    for (std::uint64_t room = 0; room < size && (merge || buffers_.empty());) {
        VirtioChain* chain = queue.take();
        if (!chain) {
            give_back_buffers();
            return false;
        }
        buffers_.push_back(chain);
        room += chain->writable_size();
    }
    return true;
}

bool Network::receive_frame(Bytes frame) {
    VirtioQueue& queue = virtio_.queue(kReceive);
    // A NIC that is not set up, or does not want the frame, lets it pass by.
    if (!virtio_.driver_ok() || !queue.ready() || frame.size > kLongestFrame ||
        !filter_.accepts(frame, address_))
        return true;
    const std::size_t header_bytes = header_size();
    const std::uint64_t total = header_bytes + frame.size;
    if (!take_buffers(queue, total)) {
        // Once more: the driver may have given some before it saw that it is to notify.
        queue.want_notifications(true);
        waiting_ = !take_buffers(queue, total);
        if (waiting_) return false;
        queue.want_notifications(false);
    }
    Header header{};
    header.num_buffers = std::uint16_t(buffers_.size());
    if (virtio_.has(kGuestCsum) && checksum::checksum_valid(frame)) header.flags = kDataValid;
    buffers_[0]->write(0, {reinterpret_cast<const std::uint8_t*>(&header), header_bytes});
    std::size_t done = 0;
    std::uint64_t offset = header_bytes;
    for (VirtioChain* chain : buffers_) {
        const std::size_t wrote = chain->write(offset, {frame.data + done, frame.size - done});
        done += wrote;
        // One that is too short for the whole frame and may not be merged gets what fits, as on a wire that is cut.
        chain->complete(std::min<std::uint64_t>(offset + wrote, chain->writable_size()));
        offset = 0;
    }
    buffers_.clear();
    queue.interrupt();
    return true;
}

// Sending.

void Network::transmit(VirtioQueue& queue) {
    while (VirtioChain* chain = queue.take()) {
        send(*chain);
        chain->complete(0);
    }
    queue.interrupt();
}

void Network::send(VirtioChain& chain) {
    const std::size_t header_bytes = header_size();
    if (chain.readable_size() < header_bytes) {
        virtio_.need_reset("a packet without a whole header");
        return;
    }
    const std::uint64_t size = chain.readable_size() - header_bytes;
    Header header{};
    chain.read(0, {reinterpret_cast<std::uint8_t*>(&header), header_bytes});
    if (size < kShortestFrame || size > kLongestFrame || header.gso_type != kGsoNone) {
        context_.log().guest_error("frame",
                                   "virtio-net: a frame of a wrong size or with an offload that was not "
                                   "offered is dropped");
        return;
    }
    const MutableBytes frame{frame_.data(), std::size_t(size)};
    chain.read(header_bytes, frame);
    if ((header.flags & kNeedsCsum) &&
        !checksum::complete_checksum(frame, header.csum_start, header.csum_offset)) {
        context_.log().guest_error("checksum",
                                   "virtio-net: a checksum outside of its frame; the frame is dropped");
        return;
    }
    if (netdev_ && link_up_) netdev_->send_frame({frame.data, frame.size});
}

namespace {

using enum VirtioPciInterface;
// Two queues, the control queue and the configuration.
constexpr VirtioPciClass kPci{.backend = "virtio-net-device", .class_code = 0x020000, .vectors = 4};
constexpr VirtioPciClass kTransitional{
    .backend = "virtio-net-device", .class_code = 0x020000, .vectors = 4, .interface = Transitional};
constexpr VirtioPciClass kModern{
    .backend = "virtio-net-device", .class_code = 0x020000, .vectors = 4, .interface = ModernOnly};

constexpr HistoryRow kPciHistory[] = {{"2.6", "disable-modern", "on"}, {"5.2", "vectors", "3"}};
constexpr HistoryRow kVariantHistory[] = {{"5.2", "vectors", "3"}};

constexpr InterfaceInfo kBootable[] = {offers<Network, Device>(), offers<Network, Bootable>()};
constexpr TypeInfo with_interfaces(TypeInfo info) {
    info.interfaces = kBootable;
    return info;
}

constexpr TypeInfo kTypes[] = {
    with_interfaces(virtio_device_type<Network>({.name = "virtio-net-device",
                                                 .summary = "Virtio network device",
                                                 .category = "Network",
                                                 .properties = Network::kProperties})),
    virtio_pci_type(kPci, {.name = "virtio-net-pci",
                           .summary = "Virtio network device on PCI",
                           .aliases = "virtio-net",
                           .category = "Network",
                           .history = kPciHistory}),
    virtio_pci_type(kTransitional, {.name = "virtio-net-pci-transitional",
                                    .summary = "Virtio network device on PCI, for legacy drivers too",
                                    .category = "Network",
                                    .history = kVariantHistory}),
    virtio_pci_type(kModern, {.name = "virtio-net-pci-non-transitional",
                              .summary = "Virtio network device on PCI, for modern drivers",
                              .category = "Network",
                              .history = kVariantHistory}),
};
BACKPLANE_PLUGIN("virtio-net", "1.0", "Backplane", kTypes)

}  // namespace

}  // namespace backplane::virtio
