// Which commands there are, and those that move no data (5.1, 5.2).
#include "controller.h"
#include "status.h"

#include <algorithm>
#include <initializer_list>

namespace backplane::i82077 {

const Controller::Command Controller::kCommands[] = {
    {0x1f, kReadData, 8, &Controller::begin_transfer},
    {0x1f, kReadDeleted, 8, &Controller::begin_transfer},
    {0x3f, kWriteData, 8, &Controller::begin_transfer},
    {0x3f, kWriteDeleted, 8, &Controller::begin_transfer},
    {0xbf, kReadTrack, 8, &Controller::begin_transfer},
    {0x1f, kVerify, 8, &Controller::begin_transfer},
    {0x1f, kScanEqual, 8, &Controller::begin_transfer},
    {0x1f, kScanLow, 8, &Controller::begin_transfer},
    {0x1f, kScanHigh, 8, &Controller::begin_transfer},
    {0xbf, kFormatTrack, 5, &Controller::begin_format},
    {0xbf, kReadId, 1, &Controller::read_id},
    {0xff, 0x03, 2, &Controller::specify},
    {0xff, 0x04, 1, &Controller::sense_drive},
    {0xff, 0x07, 1, &Controller::recalibrate},
    {0xff, 0x08, 0, &Controller::sense_interrupt},
    {0xff, 0x0e, 0, &Controller::dump_registers},
    {0xff, 0x0f, 2, &Controller::seek},
    {0xff, 0x10, 0, &Controller::version},
    {0xff, 0x12, 1, &Controller::perpendicular_mode},
    {0xff, 0x13, 3, &Controller::configure},
    {0x7f, 0x14, 0, &Controller::lock},
    {0xbf, 0x8f, 2, &Controller::relative_seek},
};

const Controller::Command* Controller::find_command(std::uint8_t first) {
    const auto found = std::ranges::find_if(
        kCommands, [first](const Command& command) { return (first & command.mask) == command.value; });
    return found == std::end(kCommands) ? nullptr : found;
}

void Controller::invalid() { reply({kInvalidCommand}); }

void Controller::version() {
    constexpr std::uint8_t kEnhanced = 0x90;
    reply({kEnhanced});
}

void Controller::select() {
    unit_ = bytes_[1] & 3;
    head_ = bytes_[1] >> 2 & 1;
}

void Controller::specify() {
    step_ = bytes_[1];
    load_ = bytes_[2];
    reply({});
}

void Controller::sense_drive() {
    select();
    const FloppyDrive* at = selected();
    reply({std::uint8_t(kAlwaysOnes | (!at || at->read_only() ? kWriteProtected : 0) |
                        (tracks_[unit_] == 0 ? kTrack0 : 0) | selection())});
}

/// 5.2.2: tells of the reset for each drive, then of each seek that ended.
void Controller::sense_interrupt() {
    if (resets_to_tell_) {
        const auto unit = std::uint8_t(4 - resets_to_tell_--);
        interrupting_ = seek_pending();
        reply({std::uint8_t(kReadyChanged | unit), tracks_[unit]});
        return update_interrupt();
    }
    const auto found = std::ranges::find_if(seek_status_, [](std::uint8_t status) { return status != 0; });
    if (found == seek_status_.end()) return invalid();
    const std::uint8_t status = *found;
    *found = 0;
    interrupting_ = seek_pending();
    reply({status, tracks_[std::size_t(found - seek_status_.begin())]});
    update_interrupt();
}

void Controller::move_to(std::uint8_t track) {
    if (tracks_[unit_] == track) return;
    tracks_[unit_] = track;
    if (FloppyDrive* at = selected()) at->stepped();
}

void Controller::seek_ended(std::uint8_t status) {
    seek_status_[unit_] = std::uint8_t(status | selection());
    reply({});
    raise();
}

/// A drive that is not there never says that it is at track 0.
void Controller::recalibrate() {
    select();
    head_ = 0;
    if (!selected()) return seek_ended(kAbnormal | kSeekEnd | kEquipmentCheck);
    move_to(0);
    seek_ended(kSeekEnd);
}

void Controller::seek() {
    select();
    move_to(bytes_[2]);
    seek_ended(kSeekEnd);
}

void Controller::relative_seek() {
    constexpr std::uint8_t kInwards = 0x40;
    select();
    const int steps = bytes_[0] & kInwards ? bytes_[2] : -bytes_[2];
    move_to(std::uint8_t(std::clamp(tracks_[unit_] + steps, 0, 255)));
    seek_ended(kSeekEnd);
}

void Controller::configure() {
    configuration_ = bytes_[2];
    precompensation_ = bytes_[3];
    reply({});
}

void Controller::dump_registers() {
    reply({tracks_[0], tracks_[1], tracks_[2], tracks_[3], step_, load_, last_sector_,
           std::uint8_t((locked_ ? 0x80 : 0) | perpendicular_), configuration_, precompensation_});
}

void Controller::perpendicular_mode() {
    const std::uint8_t value = bytes_[1];
    const std::uint8_t drives = value & kPerpendicularWrite ? value : perpendicular_;
    perpendicular_ = std::uint8_t((drives & kPerpendicularDrives) | (value & kPerpendicularNow));
    reply({});
}

void Controller::lock() {
    locked_ = (bytes_[0] & 0x80) != 0;
    reply({std::uint8_t(locked_ ? 0x10 : 0)});
}

}  // namespace backplane::i82077
