#include "controller.h"

#include "status.h"

#include <algorithm>
#include <initializer_list>

namespace backplane::i82077 {
namespace {

// Ports from 3F0h (2.1)
constexpr unsigned kStatusB = 1, kDigitalOutput = 2, kTapeDrive = 3, kMainStatus = 4, kFifo = 5,
                   kDigitalInput = 7;

// Digital output register (2.1.3)
constexpr std::uint8_t kSelect = 0x01, kRun = 0x04, kDmaGate = 0x08;
constexpr unsigned kMotors = 4;
/// What firmware leaves there; the data sheet has zeros, which keep the chip in reset.
constexpr std::uint8_t kInitialOutput = kRun | kDmaGate;

// Main status register (2.1.6)
constexpr std::uint8_t kRequest = 0x80, kToHost = 0x40, kNonDma = 0x20, kCommandBusy = 0x10;

constexpr std::uint8_t kSoftwareReset = 0x80;  // of the data rate select register (2.1.5)
constexpr std::uint8_t kRateBits = 0x03;
constexpr std::uint8_t kDiskChange = 0x80;  // of the digital input register (2.1.8)

constexpr unsigned kPolledDrives = 4;

}  // namespace

void Controller::describe(StateTable& table) {
    using backplane::describe;
    describe(table, "dor", dor_, kInitialOutput);
    describe(table, "tdr", tdr_);
    describe(table, "rate", rate_, {.maximum = kRateBits});
    describe(table, "phase", phase_, {.maximum = 2});
    describe_array(table, "bytes", bytes_);
    describe(table, "count", count_, {.maximum = bytes_.size()});
    describe(table, "position", position_, {.maximum = bytes_.size()});
    describe(table, "interrupting", interrupting_);
    describe(table, "resets_to_tell", resets_to_tell_, {.maximum = kPolledDrives});
    describe_array(table, "seek_status", seek_status_);
    describe_array(table, "tracks", tracks_, {.reset = false});
    describe(table, "step", step_);
    describe(table, "load", load_);
    describe(table, "configuration", configuration_, kInitialConfiguration);
    describe(table, "precompensation", precompensation_);
    describe(table, "perpendicular", perpendicular_);
    describe(table, "locked", locked_);
    describe(table, "unit", unit_, {.maximum = 3});
    describe(table, "head", head_, {.maximum = 1});
    describe(table, "cylinder", cylinder_);
    describe(table, "sector", sector_);
    describe(table, "last_sector", last_sector_);
    describe_array(table, "buffer", buffer_);
    describe(table, "offset", offset_, {.maximum = kSector - 1});
    describe(table, "ready", ready_);
    describe(table, "terminal_count", terminal_count_);
    describe(table, "deleted", deleted_);
    describe(table, "satisfied", satisfied_, 1);
    describe(table, "equal", equal_, 1);
    describe(table, "remaining", remaining_);
}

bool Controller::plausible() const {
    if (position_ > count_) return false;
    if (phase_ == Phase::Execution) return moves_data() && offset_ < unit_size();
    return phase_ != Phase::Command || count_ == 0 || find_command(bytes_[0]);
}

void Controller::set_types(DriveType first, DriveType second, DriveType fallback) {
    default_types_ = {first, second};
    fallback_ = fallback;
}

void Controller::set_drive(unsigned unit, FloppyDrive* drive) {
    if (!drive) {
        request_.forgotten = true;
        drain();
    }
    drives_[unit] = drive;
}

void Controller::drain() {
    while (request_.under_way) request_.medium->drain();
}

// --- registers ---

std::uint8_t Controller::read(unsigned offset, Access& access) {
    switch (offset) {
    case kStatusB: {
        constexpr std::uint8_t kOnes = 0xc0;  // 2.1.2
        return std::uint8_t(kOnes | (dor_ & kSelect) << 5 | (dor_ >> kMotors & 3));
    }
    case kDigitalOutput: return dor_;
    case kTapeDrive: return tdr_;
    case kMainStatus: return main_status();
    case kFifo: return read_fifo(access.debug());
    case kDigitalInput: {
        const FloppyDrive* at = drive(dor_ & 3);
        return !at || at->changed() ? kDiskChange : 0;
    }
    default: return 0xff;
    }
}

void Controller::write(unsigned offset, std::uint8_t value) {
    switch (offset) {
    case kDigitalOutput: write_dor(value); break;
    case kTapeDrive: tdr_ = value & 3; break;
    case kMainStatus:  // the data rate select register
        rate_ = value & kRateBits;
        if (!(value & kSoftwareReset)) break;
        begin_reset();
        if (dor_ & kRun) end_reset();
        break;
    case kFifo: write_fifo(value); break;
    case kDigitalInput: rate_ = value & kRateBits; break;  // the configuration control register
    default: break;
    }
}

std::uint8_t Controller::main_status() const {
    if (!(dor_ & kRun)) return 0;
    switch (phase_) {
    case Phase::Command: return std::uint8_t(kRequest | (count_ ? kCommandBusy : 0));
    case Phase::Result: return kRequest | kToHost | kCommandBusy;
    case Phase::Execution: break;
    }
    if (!programmed_io()) return kCommandBusy;
    return std::uint8_t(kCommandBusy | kNonDma | (ready_ ? kRequest : 0) | (from_host() ? 0 : kToHost));
}

void Controller::write_dor(std::uint8_t value) {
    const std::uint8_t before = dor_;
    dor_ = value;
    if (before & kRun && !(value & kRun)) begin_reset();
    if (!(before & kRun) && value & kRun) end_reset();
    update_interrupt();
}

void Controller::reset() {
    begin_reset();
    update_interrupt();
}

/// 4.2: what LOCK protects is kept over a reset by software.
void Controller::begin_reset() {
    if (channel_) channel_->set_request(0);
    request_.forgotten = true;
    drain();
    phase_ = Phase::Command;
    count_ = position_ = 0;
    ready_ = interrupting_ = terminal_count_ = false;
    offset_ = 0;
    resets_to_tell_ = 0;
    seek_status_ = {};
    if (!locked_) {
        configuration_ = kInitialConfiguration;
        precompensation_ = 0;
    }
    perpendicular_ &= kPerpendicularDrives;
    update_interrupt();
}

/// The first poll of the drives finds that all of them have changed (4.1).
void Controller::end_reset() {
    if (configuration_ & kPollingOff) return;
    resets_to_tell_ = kPolledDrives;
    raise();
}

void Controller::raise() {
    interrupting_ = true;
    update_interrupt();
}

void Controller::update_interrupt() { interrupt_.set(interrupting_ && dor_ & kDmaGate); }

// --- phases ---

std::uint8_t Controller::read_fifo(bool debug) {
    if (phase_ == Phase::Execution && ready_ && programmed_io() && !from_host()) {
        const std::uint8_t value = buffer_[offset_];
        if (debug) return value;
        interrupting_ = false;
        ++offset_;
        data_moved(false);
        update_interrupt();
        return value;
    }
    if (phase_ != Phase::Result || !(dor_ & kRun)) return 0;
    const std::uint8_t value = bytes_[position_];
    if (debug) return value;
    if (position_ == 0) interrupting_ = seek_pending();
    if (++position_ == count_) {
        phase_ = Phase::Command;
        count_ = position_ = 0;
    }
    update_interrupt();
    return value;
}

void Controller::write_fifo(std::uint8_t value) {
    if (!(dor_ & kRun)) return;
    if (phase_ == Phase::Execution && ready_ && programmed_io() && from_host()) {
        interrupting_ = false;
        take(Bytes(&value, 1));
        data_moved(false);
        update_interrupt();
        return;
    }
    if (phase_ != Phase::Command) return;
    bytes_[count_++] = value;
    const Command* command = find_command(bytes_[0]);
    if (!command) return invalid();
    if (count_ > command->parameters) (this->*command->execute)();
}

/// The result phase, or the end of a command that has none.
void Controller::reply(std::initializer_list<std::uint8_t> bytes) {
    std::ranges::copy(bytes, bytes_.begin());
    count_ = std::uint8_t(bytes.size());
    position_ = 0;
    phase_ = count_ ? Phase::Result : Phase::Command;
}

}  // namespace backplane::i82077
