#include "floppy_drive.h"

#include <string>

namespace backplane::i82077 {

FloppyDrive::FloppyDrive(Object& object) : object_(object) {
    describe(device_context(object).state(), "changed", changed_, 1, false);
}

void FloppyDrive::set_defaults(DriveType type, DriveType fallback) {
    default_ = type;
    fallback_ = fallback;
}

bool FloppyDrive::realize(Errors& errors) {
    type_ = wanted_ == DriveType::Auto ? default_ : wanted_;
    if (drive_ && drive_->size() != 0) {
        format_ = format_of(drive_->size(), type_);
        if (!format_) {
            errors.fail(
                "drive: an image of " + std::to_string(drive_->size()) +
                " bytes is larger than any diskette of such a drive; give one of at most 2,880 KiB, or "
                "another drive-type");
            return false;
        }
        if (type_ == DriveType::Auto) type_ = format_->drive;
    }
    if (type_ == DriveType::Auto) type_ = fallback_;
    if (!drive_) return true;
    const Str id = object_.id();
    claimed_ = drive_->claim(id.empty() ? object_.type_name() : id, this, errors);
    return claimed_;
}

void FloppyDrive::unrealize() {
    if (claimed_) drive_->release();
    claimed_ = false;
}

/// A drive keeps its type: what does not fit into it is no diskette.
void FloppyDrive::block_resized() {
    changed_ = true;
    format_ = drive_->size() == 0 ? nullptr : format_of(drive_->size(), type_);
}

}  // namespace backplane::i82077
