#include "floppy_drive.h"

#include "bus.h"

#include <string>

namespace backplane::i82077 {
namespace {

void refuse_large(const BlockBackend& medium, Errors& errors) {
    errors.fail(
        "drive: an image of " + std::to_string(medium.size()) +
        " bytes is larger than any diskette of such a drive; give one of at most 2,880 KiB, or another "
        "drive-type");
}

}  // namespace

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
            refuse_large(*drive_, errors);
            return false;
        }
        if (type_ == DriveType::Auto) type_ = format_->drive;
    }
    if (type_ == DriveType::Auto) type_ = fallback_;
    if (drive_ && !claim(*drive_, errors)) return false;
    realized_ = true;
    return true;
}

std::int32_t FloppyDrive::boot_index() const {
    const auto* bus = static_cast<const FloppyBus*>(device_context(object_).bus(FloppyBus::kId));
    return bootindex_ >= 0 || !bus ? bootindex_ : bus->boot_index(bus->unit_of(object_));
}

void FloppyDrive::boot_path(TextSink& out) const {
    DeviceContext& context = device_context(object_);
    const auto* place = static_cast<const FirmwarePlace*>(context.bus(FirmwarePlace::kId));
    const auto* bus = static_cast<const FloppyBus*>(context.bus(FloppyBus::kId));
    if (place && bus && place->firmware_path(out))
        out.append("/floppy@" + std::to_string(bus->unit_of(object_)));
}

bool FloppyDrive::claim(BlockBackend& medium, Errors& errors) {
    const Str id = object_.id();
    claimed_ = medium.claim(id.empty() ? object_.type_name() : id, this, errors);
    return claimed_;
}

void FloppyDrive::unrealize() {
    if (claimed_) drive_->release();
    claimed_ = realized_ = false;
}

/// The sector that is under way is still read or written; the next one is not found.
bool FloppyDrive::change_medium(BlockBackend* medium, Errors& errors) {
    if (!realized_) {
        drive_ = medium;
        return true;
    }
    if (medium && medium->size() != 0 && !format_of(medium->size(), type_)) {
        refuse_large(*medium, errors);
        return false;
    }
    BlockBackend* const before = claimed_ ? drive_ : nullptr;
    if (medium && medium != before && !claim(*medium, errors)) {
        claimed_ = before != nullptr;
        return false;
    }
    format_ = nullptr;
    if (before) before->drain();
    if (before && before != medium) before->release();
    claimed_ = medium != nullptr;
    drive_ = medium;
    changed_ = true;
    if (drive_ && drive_->size() != 0) format_ = format_of(drive_->size(), type_);
    return true;
}

/// A drive keeps its type: what does not fit into it is no diskette.
void FloppyDrive::block_resized() {
    changed_ = true;
    format_ = drive_->size() == 0 ? nullptr : format_of(drive_->size(), type_);
}

}  // namespace backplane::i82077
