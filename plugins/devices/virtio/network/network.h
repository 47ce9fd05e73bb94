// The network device (VIRTIO 1.2, §5.1): one pair of queues and a control queue, frames to and from a netdev.
//
// A netdev takes whole frames with their checksums, so what is offered is done here: checksums are completed for the
// driver (CSUM) and checked for it (GUEST_CSUM). Not offered: segmentation (TSO, USO), several pairs of queues, RSS,
// hash reports, notification coalescing, standby.
#pragma once

#include "receive_filter.h"
#include <backplane/virtio_device.h>

#include <backplane/boot.h>
#include <backplane/net.h>

#include <string>
#include <vector>

namespace backplane::virtio {

class Network final : public DeviceBase, public VirtioFunctionBase, public Bootable, NetFront {
  public:
    explicit Network(Object& object);

    std::int32_t boot_index() const override { return bootindex_; }
    void boot_path(TextSink& out) const override {
        const auto* bus = static_cast<const FirmwarePlace*>(context_.bus(FirmwarePlace::kId));
        if (bus && bus->firmware_path(out)) out.append("/ethernet-phy@0");
    }

    bool realize(Errors& errors) override;
    void unrealize() override;
    bool after_load(Errors& errors) override;
    void resume() override;

    void queue_notified(VirtioQueue& queue) override;
    void config_written(MutableBytes config, std::uint64_t offset, std::uint64_t size) override;
    void status_changed(std::uint8_t status) override;
    void device_reset() override;

  private:
    enum : std::size_t { kReceive, kTransmit, kControl };

    bool receive_frame(Bytes frame) override;
    void link_changed(bool up) override;

    bool check(Errors& errors);
    void fill_config();
    std::size_t header_size() const;
    bool offered(std::uint64_t feature) const { return (features_ & feature) != 0; }

    /// Takes buffers for `size` bytes into buffers_; false when the driver has not given enough.
    bool take_buffers(VirtioQueue& queue, std::uint64_t size);
    void give_back_buffers();
    void transmit(VirtioQueue& queue);
    void send(VirtioChain& chain);

    void control(VirtioQueue& queue);
    bool command(VirtioChain& chain);
    bool set_mode(std::uint8_t number, VirtioChain& chain);
    bool set_address_table(VirtioChain& chain);
    bool set_address(VirtioChain& chain);

    DeviceContext& context_;
    VirtioDevice& virtio_;
    MutableBytes config_;
    std::uint64_t features_ = 0;
    ReceiveFilter filter_;
    std::vector<VirtioChain*> buffers_;
    std::vector<std::uint8_t> frame_;
    std::uint8_t address_[6] = {};            ///< the one in force
    std::uint8_t permanent_address_[6] = {};  ///< the property's
    bool link_up_ = true;
    bool announce_ = false;
    bool started_ = false;  ///< DRIVER_OK was seen
    bool waiting_ = false;  ///< the back holds frames until there is room

    NetBackend* netdev_ = nullptr;
    std::string mac_;
    std::uint16_t rx_queue_size_ = 256;
    std::uint16_t tx_queue_size_ = 256;
    std::uint16_t host_mtu_ = 0;
    std::int32_t bootindex_ = -1;
    bool csum_ = true;
    bool guest_csum_ = true;
    bool mrg_rxbuf_ = true;
    bool status_ = true;
    bool ctrl_vq_ = true;
    bool ctrl_rx_ = true;
    bool ctrl_rx_extra_ = true;
    bool ctrl_vlan_ = true;
    bool ctrl_mac_addr_ = true;
    bool guest_announce_ = true;
    bool mq_ = false;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&Network::netdev_>({.name = "netdev", .summary = "The host side of the link"}),
        property<&Network::mac_>(
            {.name = "mac", .summary = "Address; default: the next free from 52:54:00:12:34:56"}),
        property<&Network::rx_queue_size_>(
            {.name = "rx_queue_size", .summary = "Entries of the receive queue", .default_text = "256"}),
        property<&Network::tx_queue_size_>(
            {.name = "tx_queue_size", .summary = "Entries of the transmit queue", .default_text = "256"}),
        property<&Network::host_mtu_>(
            {.name = "host_mtu", .summary = "MTU that the driver is told; 0: none", .default_text = "0"}),
        property<&Network::bootindex_>(
            {.name = "bootindex", .summary = "Place in the boot order; -1: none", .default_text = "-1"}),
        property<&Network::csum_>(
            {.name = "csum", .summary = "Complete checksums for the driver", .default_text = "on"}),
        property<&Network::guest_csum_>(
            {.name = "guest_csum", .summary = "Check checksums for the driver", .default_text = "on"}),
        property<&Network::mrg_rxbuf_>(
            {.name = "mrg_rxbuf", .summary = "Merge receive buffers", .default_text = "on"}),
        property<&Network::status_>(
            {.name = "status", .summary = "Show the link's state", .default_text = "on"}),
        property<&Network::ctrl_vq_>(
            {.name = "ctrl_vq", .summary = "Have a control queue", .default_text = "on"}),
        property<&Network::ctrl_rx_>(
            {.name = "ctrl_rx", .summary = "Control receive modes", .default_text = "on"}),
        property<&Network::ctrl_rx_extra_>(
            {.name = "ctrl_rx_extra", .summary = "Control more receive modes", .default_text = "on"}),
        property<&Network::ctrl_vlan_>(
            {.name = "ctrl_vlan", .summary = "Filter by VLAN", .default_text = "on"}),
        property<&Network::ctrl_mac_addr_>(
            {.name = "ctrl_mac_addr", .summary = "Set the address by command", .default_text = "on"}),
        property<&Network::guest_announce_>({.name = "guest_announce",
                                             .summary = "Ask the driver to announce itself after a move",
                                             .default_text = "on"}),
        property<&Network::mq_>(
            {.name = "mq",
             .summary = "Let the driver choose how many queue pairs it uses; there is one",
             .default_text = "off"}),
    };
};

}  // namespace backplane::virtio
