// The floppy disk controller 82077AA: registers, the phases of a command, and the sectors that it moves.
//
// Follows Intel, "82077AA CHMOS Single-Chip Floppy Disk Controller" (290166-007). Section numbers are that one's. Heads
// move and diskettes turn in no time. Not modelled: address marks, gaps, checksums and deleted data, which images do not
// hold; tape drives; the power-down states; sectors of other than 512 bytes, which are not found.
#pragma once

#include "floppy_drive.h"

#include <backplane/isa.h>

#include <array>
#include <optional>

namespace backplane::i82077 {

inline constexpr unsigned kDrives = 2;  ///< that can be there; commands may select four

class Controller final : public IsaDmaDevice {
  public:
    Controller(DeviceContext& context, Wire& interrupt) : context_(context), interrupt_(interrupt) {}
    void describe(StateTable& table);

    void set_channel(IsaDmaChannel* channel) { channel_ = channel; }
    void set_drive(unsigned unit, FloppyDrive* drive);
    const FloppyDrive* drive(unsigned unit) const { return unit < kDrives ? drives_[unit] : nullptr; }
    void set_types(DriveType first, DriveType second, DriveType fallback);
    DriveType default_type(unsigned unit) const { return default_types_[unit]; }
    DriveType fallback() const { return fallback_; }
    void set_boot_indices(std::int32_t first, std::int32_t second) { boot_indices_ = {first, second}; }
    std::int32_t boot_index(unsigned unit) const { return unit < kDrives ? boot_indices_[unit] : -1; }

    /// Offsets from 3F0h.
    std::uint8_t read(unsigned offset, Access& access);
    void write(unsigned offset, std::uint8_t value);
    /// The pin RESET.
    void reset();
    void update_interrupt();
    void drain();
    bool plausible() const;

    // IsaDmaDevice
    std::uint32_t transfer(IsaDmaChannel& channel, std::uint32_t position, std::uint32_t length) override;

    /// A command: the bits of its first byte that say which, how many bytes follow, what is done then.
    struct Command {
        std::uint8_t mask, value, parameters;
        void (Controller::*execute)();
    };

  private:
    enum class Phase : std::uint8_t { Command, Execution, Result };
    /// Why a sector is not to be had: bits of ST1 and ST2.
    struct Failure {
        std::uint8_t st1, st2 = 0;
    };

    static const Command kCommands[];
    static const Command* find_command(std::uint8_t first);

    // Registers and phases
    std::uint8_t main_status() const;
    std::uint8_t read_fifo(bool debug);
    void write_fifo(std::uint8_t value);
    void write_dor(std::uint8_t value);
    void begin_reset();
    void end_reset();
    void reply(std::initializer_list<std::uint8_t> bytes);
    void raise();
    FloppyDrive* selected() { return unit_ < kDrives ? drives_[unit_] : nullptr; }
    /// Drive and head from the second byte of a command.
    void select();
    std::uint8_t selection() const { return std::uint8_t(head_ << 2 | unit_); }

    // Commands without data
    void invalid();
    void version();
    void specify();
    void sense_drive();
    void sense_interrupt();
    void recalibrate();
    void seek();
    void relative_seek();
    void configure();
    void dump_registers();
    void perpendicular_mode();
    void lock();
    void move_to(std::uint8_t track);
    void seek_ended(std::uint8_t status);

    // Commands with data
    void read_id();
    void begin_transfer();
    void begin_format();
    bool implied_seek() const;
    bool writes() const;
    bool from_host() const;
    bool scans() const;
    bool is(std::uint8_t command) const;
    bool moves_data() const;
    std::optional<Failure> no_medium();
    std::optional<Failure> no_sector();
    void start_sector();
    void submit(BlockOperation operation, std::uint8_t sector);
    void request_done(BlockStatus status);
    void data_ready();
    void data_moved(bool terminal_count);
    void take(Bytes bytes);
    void format_sector();
    void sector_done();
    bool advance();
    void finish(std::uint8_t interrupt_code, Failure status);
    bool programmed_io() const;
    std::uint32_t unit_size() const;
    bool seek_pending() const { return seek_status_ != std::array<std::uint8_t, 4>{}; }

    class Request final : public BlockRequest {
      public:
        explicit Request(Controller& owner) : owner_(owner) {}
        void done(BlockStatus status) override {
            under_way = false;
            if (!forgotten) owner_.request_done(status);
        }
        IoVector vector{};
        BlockBackend* medium = nullptr;
        bool under_way = false;
        bool forgotten = false;

      private:
        Controller& owner_;
    };

    DeviceContext& context_;
    Wire& interrupt_;
    IsaDmaChannel* channel_ = nullptr;
    std::array<FloppyDrive*, kDrives> drives_{};
    std::array<DriveType, kDrives> default_types_{DriveType::Auto, DriveType::Auto};
    DriveType fallback_ = DriveType::Mb288;
    std::array<std::int32_t, kDrives> boot_indices_{-1, -1};
    Request request_{*this};

    std::uint8_t dor_ = 0, tdr_ = 0, rate_ = 0;
    Phase phase_ = Phase::Command;
    std::array<std::uint8_t, 16> bytes_{};  ///< of the command, or the result
    std::uint8_t count_ = 0;                ///< of a command: so far; of a result: in all
    std::uint8_t position_ = 0;             ///< of the result's next byte
    bool interrupting_ = false;
    std::uint8_t resets_to_tell_ = 0;  ///< drives of which SENSE INTERRUPT STATUS has not told the reset
    std::array<std::uint8_t, 4> seek_status_{};  ///< ST0 of a seek that has not been told; 0: none
    std::array<std::uint8_t, 4> tracks_{};       ///< where the heads are
    std::uint8_t step_ = 0, load_ = 0;           ///< as SPECIFY gave them
    std::uint8_t configuration_ = 0, precompensation_ = 0, perpendicular_ = 0;
    bool locked_ = false;

    // The transfer under way
    std::uint8_t unit_ = 0, head_ = 0, cylinder_ = 0, sector_ = 0, last_sector_ = 0;
    std::array<std::uint8_t, kSector> buffer_{};
    std::uint32_t offset_ = 0;
    bool ready_ = false;  ///< the buffer is for the host to empty, or to fill
    bool terminal_count_ = false;
    bool deleted_ = false;                  ///< a mark was met that was not asked for
    bool satisfied_ = true, equal_ = true;  ///< what a scan has seen of this sector
    std::uint8_t remaining_ = 0;            ///< sectors to format, or to verify where they are counted
};

}  // namespace backplane::i82077
