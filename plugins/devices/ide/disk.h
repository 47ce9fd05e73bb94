// A hard disk (ACS): CHS, 28-bit and 48-bit addresses, PIO with blocks of several sectors, DMA, SMART that says all is well.
//
// Not modelled: security, host protected area (its size is the disk's), power states beyond their answers, NCQ.
#pragma once

#include "drive.h"
#include "geometry.h"

#include <backplane/property.h>

namespace backplane::ide {

class Disk final : public DriveBase {
  public:
    explicit Disk(Object& object);

    /// As a user says it, in the order of AtaTranslation.
    enum class Translation : std::uint32_t { None, Lba, Large, Rechs, Auto };

    static constexpr std::uint64_t kLikeSectors = 0xffffffff;

    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;
    AtaGeometry geometry() const override;

    std::uint32_t cylinders_ = 0, heads_ = 0, sectors_ = 0;
    std::uint16_t rotation_rate_ = 0;
    std::uint64_t discard_granularity_ = kLikeSectors;  ///< bytes; 0: the disk does not trim
    Translation translation_ = Translation::Auto;

  private:
    void settle_geometry();
    bool check(Errors& errors) override;
    bool start_command(std::uint8_t command) override;
    void block_done() override;
    void run_dma() override;
    void request_done(BlockStatus status) override;
    void signature() override;
    void forget_transfer() override {
        remaining_ = 0;
        flushing_ = false;
        range_ = ranges_ = 0;
    }

    enum class Address : std::uint8_t { Short, Long };  ///< 28 bits (or CHS), 48 bits
    bool start_transfer(Address address, Transfer direction, bool dma, unsigned block);
    bool find_sector(Address address, std::uint64_t& sector) const;
    std::uint32_t sector_count(Address address) const;
    void next_block();
    void finish_transfer();
    bool start_trim();
    void trim();
    bool next_range();
    void identify();
    bool set_features();
    bool smart();
    std::uint64_t size() const { return drive_->size() / kSector; }

    AtaTranslation usual_translation_ = AtaTranslation::None;  ///< of the geometry, unless the user names one
    std::uint64_t sector_ = 0;                                 ///< the next one of the transfer
    std::uint32_t remaining_ = 0;                              ///< sectors
    std::uint32_t chunk_ = 0;                                  ///< sectors in the buffer
    std::uint32_t block_ = 1;                                  ///< sectors of a PIO block of this command
    std::uint32_t multiple_ = 16;                              ///< SET MULTIPLE MODE; 0: off
    bool out_ = false;                                         ///< the transfer goes to the disk
    bool long_ = false;
    bool cache_on_ = true;   ///< SET FEATURES 02h, 82h
    bool flushing_ = false;  ///< what was written without a cache
    // DATA SET MANAGEMENT: ranges in the buffer, the next one, and whether its caller goes on with it.
    std::size_t ranges_ = 0, range_ = 0;
    bool trimming_ = false, trim_goes_on_ = false;
    bool smart_ = true;
    std::uint8_t dma_mode_ = 0x45;  ///< as SET FEATURES 03h says it: UDMA 5
    // The geometry that INITIALIZE DEVICE PARAMETERS chose.
    std::uint32_t current_heads_ = 16, current_sectors_ = 63;
};

}  // namespace backplane::ide
