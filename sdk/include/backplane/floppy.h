// What a board tells its firmware of the floppy drives that a controller has.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// One drive. Sized.
struct FloppyGeometry {
    std::uint32_t struct_size = sizeof(FloppyGeometry);
    /// As in byte 10h of a PC's CMOS memory (IBM PC/AT Technical Reference): 0 none, 1 360 KB, 2 1.2 MB, 3 720 KB,
    /// 4 1.44 MB, 5 2.88 MB.
    std::uint8_t cmos_type = 0;
    std::uint8_t tracks = 0, heads = 0, sectors = 0;  ///< what fits best into the drive; sectors of a track
};

/// Offered by a floppy controller. Thread: main, or holding the machine lock.
class FloppyDrives {
  public:
    static constexpr const char* kId = "backplane.floppy-drives/1";
    /// Of drive `unit`; all zeros for one that is not there.
    virtual FloppyGeometry floppy_geometry(unsigned unit) const = 0;

  protected:
    ~FloppyDrives() = default;
};

}  // namespace backplane
