#include "channel.h"

namespace backplane::ide {
namespace {

// Ports of the command block.
enum : std::uint64_t { kData, kFeatures, kCount, kLbaLow, kLbaMid, kLbaHigh, kDevice, kCommand };

// Device control register.
constexpr std::uint8_t kNoInterrupt = 0x02, kSoftReset = 0x04, kHighOrder = 0x80;

constexpr std::uint8_t kDiagnostic = 0x90;
constexpr std::uint8_t kObsolete = 0xa0;  // bits of the device register that read as ones

}  // namespace

void Channel::describe(StateTable& table) {
    backplane::describe(table, "selected", selected_, {.maximum = 1});
    backplane::describe(table, "control", control_);
    backplane::describe(table, "dma_wanted", dma_wanted_);
}

void Channel::set_drive(unsigned unit, Drive* drive) {
    if (drives_[unit]) drives_[unit]->plug(nullptr);
    drives_[unit] = drive;
    if (drive) drive->plug(this);
    interrupt_changed();
}

void Channel::reset() { interrupt_.set(0); }

std::uint8_t Channel::alternate_status() {
    if (Drive* drive = selected()) return drive->registers().status;
    return 0;
}

void Channel::interrupt_changed() {
    Drive* drive = selected();
    const bool raised = drive && drive->interrupt();
    interrupt_.set(raised && (control_ & kNoInterrupt) == 0);
    if (raised) master_.interrupt();
}

std::uint64_t Channel::read_command(Offset offset, unsigned size, Access& access) {
    if (empty()) return offset.value == kData ? ~std::uint64_t{0} : 0;
    Drive* drive = selected();
    if (offset.value == kData) return drive ? drive->read_data(size, access.debug()) : 0;
    // ATA/ATAPI-7, 9.16: the other one shows its own registers for one that is not there, and a status of zero.
    if (!drive && offset.value == kCommand) return 0;
    const TaskFile& task = (drive ? drive : drives_[selected_ ^ 1])->registers();
    const auto value = [this](std::uint16_t reg) {
        return control_ & kHighOrder ? TaskFile::before(reg) : TaskFile::now(reg);
    };
    switch (offset.value) {
    case kFeatures: return task.error;
    case kCount: return value(task.count);
    case kLbaLow: return value(task.lba_low);
    case kLbaMid: return value(task.lba_mid);
    case kLbaHigh: return value(task.lba_high);
    case kDevice: return std::uint8_t(task.device | kObsolete);
    default:
        if (drive && !access.debug()) drive->clear_interrupt();
        return task.status;
    }
}

void Channel::write_command(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug() || empty()) return;
    if (offset.value == kData) {
        if (Drive* drive = selected()) drive->write_data(std::uint32_t(value), size);
        return;
    }
    const auto byte = std::uint8_t(value);
    if (offset.value == kCommand) {
        if (byte == kDiagnostic) {
            for (Drive* drive : drives_)
                if (drive) drive->execute(byte);
            selected_ = 0;
        } else if (Drive* drive = selected()) {
            drive->execute(byte);
        }
        return interrupt_changed();
    }
    control_ = std::uint8_t(control_ & ~kHighOrder);
    for (Drive* drive : drives_) {
        if (!drive) continue;
        TaskFile& task = drive->registers();
        switch (offset.value) {
        case kFeatures: TaskFile::push(task.feature, byte); break;
        case kCount: TaskFile::push(task.count, byte); break;
        case kLbaLow: TaskFile::push(task.lba_low, byte); break;
        case kLbaMid: TaskFile::push(task.lba_mid, byte); break;
        case kLbaHigh: TaskFile::push(task.lba_high, byte); break;
        default: task.device = byte;
        }
    }
    if (offset.value != kDevice) return;
    selected_ = (byte & kDeviceBit) ? 1 : 0;
    interrupt_changed();
}

void Channel::write_control(std::uint64_t value, Access& access) {
    if (access.debug()) return;
    const auto before = control_;
    control_ = std::uint8_t(value);
    const bool resetting = (control_ & kSoftReset) != 0;
    if (resetting && (before & kSoftReset) == 0) {
        for (Drive* drive : drives_) {
            if (!drive) continue;
            drive->reset_drive();
            drive->registers().status = kBusy;
        }
    } else if (!resetting && (before & kSoftReset) != 0) {
        for (Drive* drive : drives_)
            if (drive) drive->reset_drive();
        selected_ = 0;
    }
    interrupt_changed();
}

// --- DMA ---

void Channel::dma_wanted() {
    dma_wanted_ = true;
    if (master_.running())
        if (Drive* drive = selected()) drive->start_dma();
}

void Channel::master_started() {
    if (!dma_wanted_) return;
    if (Drive* drive = selected()) drive->start_dma();
}

void Channel::master_stopped() {
    if (!dma_wanted_) return;
    dma_wanted_ = false;
    if (Drive* drive = selected()) drive->stop_dma();
}

std::size_t Channel::dma_to_memory(Bytes bytes) { return master_.to_memory(bytes); }
std::size_t Channel::dma_from_memory(MutableBytes bytes) { return master_.from_memory(bytes); }

void Channel::dma_ended() {
    dma_wanted_ = false;
    master_.ended();
}

}  // namespace backplane::ide
