// A disk on USB.
//
// Follows "USB Mass Storage Class Bulk-Only Transport" 1.0. Transfers go through a buffer of at most 64 KiB.
#pragma once

#include "function.h"
#include "scsi_disk.h"

#include <backplane/block.h>
#include <backplane/boot.h>
#include <backplane/disk.h>

#include <optional>

namespace backplane::usb {

class Storage final : public Function, public Bootable, public DiskSettings, private BlockRequest {
  public:
    explicit Storage(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void before_save() override { drain(); }
    bool after_load(Errors& errors) override;
    void bus_reset() override;

    std::int32_t boot_index() const override { return bootindex_; }
    void boot_path(TextSink& out) const override;

    BlockBackend* drive_ = nullptr;
    std::string serial_;
    bool removable_ = false;
    std::int32_t bootindex_ = -1;

  private:
    static constexpr std::size_t kBuffer = 65536;
    /// What the pipes wait for (figure 1). Stuck: a command that was none; only a reset helps (6.6.1).
    enum class Stage : std::uint8_t { Command, ToHost, FromHost, Status, Stuck };

    const Descriptors& descriptors() const override { return descriptors_; }
    bool answer(const Request& request, std::vector<std::uint8_t>& reply) override;
    bool take(const Request& request, Bytes data) override;
    void start_over() override;
    UsbReply data_out(std::uint8_t endpoint, Bytes data) override;
    UsbReply data_in(std::uint8_t endpoint, MutableBytes room) override;

    UsbReply command(Bytes wrapper);
    void execute(unsigned unit, Bytes block);
    void begin(ScsiAction action);
    UsbReply give_data(MutableBytes room);
    UsbReply take_data(Bytes data);
    UsbReply give_status(MutableBytes room);
    void read_on();
    void write_on();
    void submit_next(BlockOperation operation, std::size_t size);
    void done(BlockStatus status) override;
    void drain();

    Descriptors descriptors_;
    ScsiDisk disk_;
    bool claimed_ = false;
    Stage stage_ = Stage::Command;
    std::uint32_t tag_ = 0;
    std::uint32_t expected_ = 0;  ///< bytes that the host still wants to move
    bool to_host_ = false;        ///< the way that it wants to move them
    std::uint8_t result_ = 0;     ///< bCSWStatus
    std::uint64_t offset_ = 0;    ///< on the medium, of what is not in the buffer yet
    std::uint64_t left_ = 0;      ///< bytes of the command that are not there either
    std::vector<std::uint8_t> buffer_;
    std::uint32_t position_ = 0;  ///< bytes of it that were moved on
    bool writing_ = false;        ///< the command is one that writes
    bool busy_ = false;           ///< the host has the buffer
    IoVector vector_{};
};

}  // namespace backplane::usb
