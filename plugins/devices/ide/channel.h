// One IDE channel: the command block at eight ports, the control block at one, and two drives that share them.
//
// Follows "ATA/ATAPI-7" volume 2, 5 and 9: both drives take what is written to the registers, the selected one answers.
// Where only one is there it answers for the other as well, with a status of 0.
#pragma once

#include "bus_master.h"
#include "drive.h"

#include <array>

namespace backplane::ide {

class Channel final : public DriveHost {
  public:
    Channel(DeviceContext& context, Wire& interrupt, BusMaster& master)
        : context_(context), interrupt_(interrupt), master_(master) {}
    void describe(StateTable& table);

    Drive* drive(unsigned unit) { return drives_[unit]; }
    void set_drive(unsigned unit, Drive* drive);
    void reset();

    std::uint64_t read_command(Offset offset, unsigned size, Access& access);
    void write_command(Offset offset, std::uint64_t value, unsigned size, Access& access);
    std::uint64_t read_control(Access&) { return alternate_status(); }
    void write_control(std::uint64_t value, Access& access);
    /// The bus master's start bit changed.
    void master_started();
    void master_stopped();

    // DriveHost
    void interrupt_changed() override;
    void dma_wanted() override;
    std::size_t dma_to_memory(Bytes bytes) override;
    std::size_t dma_from_memory(MutableBytes bytes) override;
    void dma_ended() override;

  private:
    bool empty() const { return !drives_[0] && !drives_[1]; }
    Drive* selected() { return drives_[selected_]; }
    std::uint8_t alternate_status();

    DeviceContext& context_;
    Wire& interrupt_;
    BusMaster& master_;
    std::array<Drive*, 2> drives_{};
    std::uint8_t selected_ = 0;
    std::uint8_t control_ = 0;
    bool dma_wanted_ = false;
};

}  // namespace backplane::ide
