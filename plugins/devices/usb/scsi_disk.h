// What a SCSI disk does with a command, as far as disks on USB are asked.
//
// Follows "SCSI Primary Commands - 3" (SPC-3) and "SCSI Block Commands - 2" (SBC-2). Not modelled: tags, reservations, mode
// pages that can be changed, protection, UNMAP.
#pragma once

#include <backplane/abi.h>
#include <backplane/block.h>

#include <cstdint>
#include <string>
#include <vector>

namespace backplane::usb {

/// Sense key, and additional code with its qualifier (SPC-3, 4.5.6).
struct Sense {
    std::uint8_t key = 0, code = 0, qualifier = 0;
    bool operator==(const Sense&) const = default;
};

/// What is to be done for a command.
struct ScsiAction {
    enum class Kind : std::uint8_t {
        Done,   ///< nothing more
        Reply,  ///< `reply` goes to the host
        Read,   ///< blocks go to the host
        Write,  ///< blocks come from it
        Flush,  ///< what was written is to be kept
        Failed  ///< sense() says why
    } kind = Kind::Done;
    std::vector<std::uint8_t> reply{};
    std::uint64_t offset = 0, size = 0;  ///< bytes
};

/// What a disk says of its blocks.
struct ScsiLimits {
    unsigned exponent = 0;                                ///< of how many blocks a physical one has
    std::uint32_t least_transfer = 0, best_transfer = 0;  ///< blocks; 0: nothing is said
    bool cache = true;
};

class ScsiDisk {
  public:
    static constexpr std::uint32_t kBlock = 512;

    void set_medium(const BlockBackend* medium) { medium_ = medium; }
    void set_identity(std::string serial, bool removable) {
        serial_ = std::move(serial);
        removable_ = removable;
    }
    void set_limits(const ScsiLimits& limits) { limits_ = limits; }
    /// A command of at least 16 bytes (shorter ones end in zeros) for logical unit `unit`.
    ScsiAction command(unsigned unit, Bytes command);
    ScsiAction fail(Sense sense);
    Sense& sense() { return sense_; }
    void medium_failed(bool writing);

  private:
    ScsiAction transfer(ScsiAction::Kind kind, std::uint64_t block, std::uint64_t count);
    ScsiAction inquiry(Bytes command) const;
    ScsiAction vital_data(std::uint8_t page, std::uint64_t allocated);
    ScsiAction mode_sense(Bytes command, bool ten);
    ScsiAction request_sense(std::uint64_t allocated);
    ScsiAction capacity(bool sixteen, std::uint64_t allocated);
    std::uint64_t blocks() const { return medium_->size() / kBlock; }

    const BlockBackend* medium_ = nullptr;
    std::string serial_;
    ScsiLimits limits_;
    bool removable_ = false;
    Sense sense_;
};

}  // namespace backplane::usb
