// A floppy drive: its type, the diskette that is in it, and whether that was changed.
#pragma once

#include "formats.h"

#include <backplane/block.h>
#include <backplane/boot.h>
#include <backplane/device.h>
#include <backplane/medium.h>
#include <backplane/type.h>

namespace backplane::i82077 {

class FloppyDrive final : public DeviceBase, public BlockObserver, public MediumDrive, public Bootable {
  public:
    static constexpr const char* kId = "backplane.floppy-drive/1";

    explicit FloppyDrive(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;

    /// The type of a drive that is to be what its diskette needs, and of one without a diskette.
    void set_defaults(DriveType type, DriveType fallback);
    DriveType type() const { return type_; }
    /// Null: no diskette.
    const Format* format() const { return format_; }
    bool read_only() const { return !drive_ || drive_->read_only(); }
    /// The line DSKCHG: 1 from when the diskette is gone until the heads step with one inside.
    bool changed() const { return changed_ || !format_; }
    void stepped() {
        if (format_) changed_ = false;
    }
    BlockBackend& medium() { return *drive_; }

    void block_resized() override;

    /// The property "drive".
    bool change_medium(BlockBackend* medium, Errors& errors);

    // MediumDrive: a lever that nobody can lock.
    bool has_tray() const override { return false; }
    bool tray_open() const override { return false; }
    bool locked() const override { return false; }
    bool writes() const override { return true; }
    void ask_for_medium() override {}
    void move_tray(bool) override {}

    // Bootable: its own index, or that which its controller has for it.
    std::int32_t boot_index() const override;
    void boot_path(TextSink& out) const override;

    BlockBackend* drive_ = nullptr;
    std::int32_t bootindex_ = -1;
    std::uint32_t unit_ = ~0u;
    DriveType wanted_ = DriveType::Auto;

  private:
    bool claim(BlockBackend& medium, Errors& errors);

    Object& object_;
    const Format* format_ = nullptr;
    DriveType type_ = DriveType::None;
    DriveType default_ = DriveType::Auto;
    DriveType fallback_ = DriveType::Mb288;
    bool changed_ = true;
    bool claimed_ = false;
    bool realized_ = false;
};

}  // namespace backplane::i82077
