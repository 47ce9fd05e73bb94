// What a board tells its firmware of the hard disks that an ATA controller has.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// How firmware of PCs makes the cylinders and heads of its own calls from those of a disk: as the two bits of a disk in
/// byte 39h of the CMOS memory ("CMOS memory map" of Ralf Brown's interrupt list). Default: None.
enum class AtaTranslation : std::uint8_t { None, Lba, Large, Rechs };

/// One disk. Sized.
struct AtaGeometry {
    std::uint32_t struct_size = sizeof(AtaGeometry);
    std::uint32_t cylinders = 0, heads = 0, sectors = 0;  ///< as IDENTIFY DEVICE has them; all zeros: no disk
    AtaTranslation translation = AtaTranslation::None;
};

/// Offered by a controller with two disks to a channel. Thread: main, or holding the machine lock.
class AtaDisks {
  public:
    static constexpr const char* kId = "backplane.ata-disks/1";
    /// Of disk `index`: 0 and 1 on the first channel, 2 and 3 on the second one.
    virtual AtaGeometry disk_geometry(unsigned index) const = 0;

  protected:
    ~AtaDisks() = default;
};

}  // namespace backplane
