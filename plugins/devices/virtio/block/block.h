// The block device (VIRTIO 1.2, §5.2): requests go from the queue to the block node and back, with the guest's
// memory as their buffers.
//
// Not modelled: secure erase, zoned storage, lifetime reports, the legacy SCSI pass-through and barriers.
#pragma once

#include <backplane/virtio_device.h>

#include <backplane/block.h>
#include <backplane/boot.h>
#include <backplane/disk.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace backplane::virtio {

class Block final : public DeviceBase,
                    public VirtioFunctionBase,
                    public Bootable,
                    public DiskSettings,
                    BlockObserver {
  public:
    explicit Block(Object& object);

    std::int32_t boot_index() const override { return bootindex_; }
    void boot_path(TextSink& out) const override {
        const auto* bus = static_cast<const FirmwarePlace*>(context_.bus(FirmwarePlace::kId));
        if (bus && bus->firmware_path(out)) out.append("/disk@0,0");
    }

    bool realize(Errors& errors) override;
    void unrealize() override;
    void before_save() override;
    bool after_load(Errors& errors) override;

    void queue_notified(VirtioQueue& queue) override;
    void config_written(MutableBytes config, std::uint64_t offset, std::uint64_t size) override;
    void device_reset() override;
    void queue_reset(VirtioQueue&) override { drain(); }

  private:
    /// A request in the works. Kept for the next one when it is done.
    class Request final : public BlockRequest {
      public:
        explicit Request(Block& device) : device_(device) {}
        void start(VirtioChain& chain, VirtioQueue& queue);
        void done(BlockStatus status) override;

      private:
        struct Header;
        void transfer(BlockOperation op, std::uint64_t sector);
        void zero(BlockOperation op);
        void identify();
        void finish(std::uint8_t status);

        Block& device_;
        VirtioChain* chain_ = nullptr;
        VirtioQueue* queue_ = nullptr;
    };

    void block_resized() override;
    bool check(Errors& errors) const;
    void fill_config();
    void drain();
    bool in_range(std::uint64_t sector, std::uint64_t bytes) const;
    /// Must each write be on the medium before it is reported (§5.2.6.2)?
    bool write_through() const;

    DeviceContext& context_;
    VirtioDevice& virtio_;
    MutableBytes config_;
    std::vector<std::unique_ptr<Request>> requests_;
    std::vector<Request*> free_;
    unsigned notified_ = 0;  ///< inside queue_notified(), which interrupts once at its end

    BlockBackend* drive_ = nullptr;
    std::string serial_;
    std::uint32_t cylinders_ = 0;
    std::uint32_t heads_ = 0;
    std::uint32_t sectors_ = 0;
    std::uint32_t max_discard_sectors_ = 0;
    static constexpr std::uint32_t kLikeSectors = ~0u;
    std::uint32_t discard_granularity_ = kLikeSectors;  ///< bytes
    std::uint32_t max_write_zeroes_sectors_ = 0;
    std::uint16_t num_queues_ = 1;
    std::uint16_t queue_size_ = 256;
    std::int32_t bootindex_ = -1;
    bool config_wce_ = true;
    bool discard_ = true;
    bool write_zeroes_ = true;
    bool adjust_segments_ = true;
    bool claimed_ = false;

  public:
    static constexpr std::array kOwnProperties{
        property<&Block::drive_>({.name = "drive", .summary = "The block node that holds the data"}),
        property<&Block::serial_>(
            {.name = "serial", .summary = "What the guest reads as serial number (20 bytes)"}),
        property<&Block::cylinders_>({.name = "cyls",
                                      .summary = "Cylinders of the geometry; 0: from the size",
                                      .default_text = "0",
                                      .maximum = 65535}),
        property<&Block::heads_>(
            {.name = "heads", .summary = "Heads; 0: 16", .default_text = "0", .maximum = 255}),
        property<&Block::sectors_>(
            {.name = "secs", .summary = "Sectors; 0: 63", .default_text = "0", .maximum = 255}),
        property<&Block::num_queues_>({.name = "num-queues",
                                       .summary = "Request queues",
                                       .default_text = "1",
                                       .maximum = 1024,
                                       .minimum = 1}),
        property<&Block::queue_size_>(
            {.name = "queue-size", .summary = "Entries of a queue", .default_text = "256"}),
        property<&Block::bootindex_>(
            {.name = "bootindex", .summary = "Place in the boot order; -1: none", .default_text = "-1"}),
        size_property<&Block::discard_granularity_>(
            {.name = "discard_granularity",
             .summary = "Bytes that are discarded together; 4294967295: a sector's",
             .default_text = "4294967295"}),
        property<&Block::config_wce_>(
            {.name = "config-wce", .summary = "May the guest switch the write cache", .default_text = "on"}),
        property<&Block::discard_>({.name = "discard", .summary = "Offer discard", .default_text = "on"}),
        property<&Block::write_zeroes_>(
            {.name = "write-zeroes", .summary = "Offer to write zeroes", .default_text = "on"}),
        property<&Block::adjust_segments_>({.name = "seg-max-adjust",
                                            .summary = "Requests may fill a queue; off: have 126 segments",
                                            .default_text = "on"}),
        property<&Block::max_discard_sectors_>({.name = "max-discard-sectors",
                                                .summary = "Most 512-byte sectors of one discard",
                                                .default_text = "4194303",
                                                .maximum = 4194303,
                                                .minimum = 1}),
        property<&Block::max_write_zeroes_sectors_>({.name = "max-write-zeroes-sectors",
                                                     .summary = "Most 512-byte sectors of one zeroing",
                                                     .default_text = "4194303",
                                                     .maximum = 4194303,
                                                     .minimum = 1}),
    };
};

}  // namespace backplane::virtio
