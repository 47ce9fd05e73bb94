// A CD drive: the packet commands of SFF-8020i and MMC-3 that firmware and systems use to read data CDs, over PIO or DMA.
//
// Not modelled: audio, sub-channels, writing, DVDs' own structures.
#pragma once

#include "drive.h"

#include <backplane/medium.h>
#include <backplane/property.h>

#include <array>

namespace backplane::ide {

class CdDrive final : public DriveBase, public MediumDrive {
  public:
    explicit CdDrive(Object& object);

    /// The property "drive".
    bool change_medium(BlockBackend* medium, Errors& errors);

    bool has_tray() const override { return true; }
    bool tray_open() const override { return tray_open_; }
    bool locked() const override { return locked_; }
    bool writes() const override { return false; }
    void ask_for_medium() override { eject_wished_ = true; }
    void move_tray(bool open) override;

  private:
    bool check(Errors& errors) override;
    bool start_command(std::uint8_t command) override;
    void block_done() override;
    void run_dma() override;
    void request_done(BlockStatus status) override;
    void signature() override;
    void forget_transfer() override;

    struct Packet;
    void packet();
    void dispatch(const Packet& packet);
    bool medium() const { return drive_ && drive_->size() > 0 && !tray_open_; }
    std::uint32_t blocks() const;

    void reply(std::size_t size, std::size_t allocated);
    void finish();
    void check_condition(std::uint8_t key, std::uint16_t code);
    void read_blocks(std::uint32_t block, std::uint32_t count, bool raw);
    void next_part();
    void send_part();

    void inquiry(const Packet& packet);
    void request_sense(const Packet& packet);
    void mode_sense(const Packet& packet);
    void read_toc(const Packet& packet);
    void get_configuration(const Packet& packet);
    void get_event_status(const Packet& packet);
    void read_disc_information(const Packet& packet);
    void start_stop(const Packet& packet);
    void identify();

    std::uint32_t block_ = 0;      ///< the next one to be read
    std::uint32_t remaining_ = 0;  ///< blocks
    std::uint32_t ready_ = 0;      ///< bytes of the answer in the buffer
    std::uint32_t sent_ = 0;       ///< of them, to the host
    std::uint32_t limit_ = 0;      ///< bytes of one PIO block, as the host asked
    bool raw_ = false;             ///< 2,352 bytes of each block
    bool awaiting_packet_ = false;
    bool use_dma_ = false;
    bool locked_ = false;
    bool tray_open_ = false;
    bool attention_ = true;    ///< a reset, not yet reported
    bool new_medium_ = false;  ///< another medium, not yet reported
    // Not yet reported to GET EVENT STATUS:
    bool event_ = false;         ///< a new medium
    bool removed_ = false;       ///< a medium that went
    bool eject_wished_ = false;  ///< that a user wants the medium
    std::uint8_t sense_key_ = 0;
    std::uint16_t sense_code_ = 0;
};

}  // namespace backplane::ide
