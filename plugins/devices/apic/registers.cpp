// The local APIC's register file: through the page (SDM 3A, table 11-1) and, in x2APIC mode, through MSRs (table 11-6).
#include "local_apic.h"

#include <algorithm>

namespace backplane::apic {
namespace {

/// Offset / 16, and MSR - 0x800.
enum Number : unsigned {
    Id = 0x02,
    Version = 0x03,
    TaskPriority = 0x08,
    ArbitrationPriority = 0x09,
    ProcessorPriority = 0x0a,
    EndOfInterruptRegister = 0x0b,
    RemoteRead = 0x0c,
    LogicalDestination = 0x0d,
    DestinationFormat = 0x0e,
    Spurious = 0x0f,
    InService = 0x10,
    TriggerMode = 0x18,
    Requested = 0x20,
    ErrorStatus = 0x28,
    CommandLow = 0x30,
    CommandHigh = 0x31,
    Table = 0x32,
    InitialCount = 0x38,
    CurrentCount = 0x39,
    Divide = 0x3e,
    SelfIpi = 0x3f,
};

constexpr std::uint32_t kMsrBase = 0x800;
constexpr std::uint32_t kMsrTscDeadline = 0x6e0;
constexpr std::uint32_t kPageSize = 0x1000;
constexpr std::uint32_t kIllegalRegister = 1u << 7;
constexpr std::uint32_t kSoftwareEnable = 1u << 8;
constexpr std::uint32_t kSpuriousWritable = 0x3ff;
constexpr std::uint32_t kCommandWritable = 0x000ccfff;
constexpr std::uint32_t kFormatFixed = 0x0fffffff;
constexpr unsigned kWords = 8;
constexpr std::uint32_t kSelfIpiCommand = 1u << 18;

/// 11.5.1: what of each entry can be written.
constexpr std::uint32_t kTableWritable[kLvtCount] = {0x000700ff, 0x000107ff, 0x000107ff,
                                                     0x0001a7ff, 0x0001a7ff, 0x000100ff};

bool is_word(unsigned number, unsigned first) { return number - first < kWords; }

}  // namespace

std::optional<std::uint32_t> LocalApicPart::get(unsigned number) const {
    if (is_word(number, InService)) return in_service_.words[number - InService];
    if (is_word(number, TriggerMode)) return level_triggered_.words[number - TriggerMode];
    if (is_word(number, Requested)) return requested_.words[number - Requested];
    if (number - Table < kLvtCount) return lvt_[number - Table];
    switch (number) {
    case Id: return x2apic() ? id_ : id_ << 24;
    case Version: return version_ | (kLvtCount - 1) << 16;
    case TaskPriority: return task_priority_;
    case ArbitrationPriority:
    case RemoteRead: return 0;
    case ProcessorPriority: return processor_priority();
    case LogicalDestination: return logical_id();
    case DestinationFormat: return destination_format_;
    case Spurious: return spurious_;
    case ErrorStatus: return error_status_;
    case CommandLow: return command_low_;
    case CommandHigh: return command_high_;
    case InitialCount: return timer_.initial_count();
    case CurrentCount: return timer_.current_count();
    case Divide: return timer_.divide();
    default: return std::nullopt;
    }
}

/// False: there is no such register, or it cannot be written.
bool LocalApicPart::set(unsigned number, std::uint32_t value) {
    if (number - Table < kLvtCount) {
        set_lvt(number - Table, value);
        return true;
    }
    switch (number) {
    case TaskPriority:
        task_priority_ = std::uint8_t(value);
        update();
        break;
    case EndOfInterruptRegister: end_of_interrupt(); break;
    case LogicalDestination: logical_destination_ = value & 0xff000000; break;
    case DestinationFormat: destination_format_ = value | kFormatFixed; break;
    case Spurious: set_spurious(value); break;
    case ErrorStatus: set_error_status(); break;
    case CommandLow:
        command_low_ = value & kCommandWritable;
        send_command(command_low_, x2apic() ? command_high_ : command_high_ >> 24);
        break;
    case CommandHigh: command_high_ = value; break;
    case InitialCount: timer_.set_initial_count(value); break;
    case Divide: timer_.set_divide(value); break;
    // Read-only ones keep what they have.
    case Id:
    case Version:
    case ArbitrationPriority:
    case ProcessorPriority:
    case RemoteRead:
    case CurrentCount: break;
    default: return is_word(number, InService) || is_word(number, TriggerMode) || is_word(number, Requested);
    }
    return true;
}

void LocalApicPart::set_spurious(std::uint32_t value) {
    spurious_ = value & kSpuriousWritable;
    // 11.4.7.2: while it is disabled by software, all of the table is masked.
    if (!(spurious_ & kSoftwareEnable))
        for (unsigned index = 0; index < kLvtCount; ++index) set_lvt(index, lvt_[index]);
    update();
}

void LocalApicPart::set_lvt(unsigned index, std::uint32_t value) {
    lvt_[index] = value & kTableWritable[index];
    if (!(spurious_ & kSoftwareEnable)) lvt_[index] |= lvt::kMasked;
    if (index == LvtTimer) timer_.set_entry(lvt_[index]);
    update();
}

/// 11.5.3: a write makes the register show what came since the last one.
void LocalApicPart::set_error_status() {
    error_status_ = new_errors_;
    new_errors_ = 0;
}

// --- the page ---

std::uint32_t LocalApicPart::read_register(std::uint32_t offset, Access& access) {
    // 11.12.2: the page is not there in x2APIC mode, nor when the APIC is off.
    if (!enabled() || x2apic() || offset >= kPageSize) return ~0u;
    if (offset % 16 != 0) return 0;
    if (const auto value = get(offset / 16)) return *value;
    if (offset / 16 != EndOfInterruptRegister && !access.debug()) error(kIllegalRegister);
    return 0;
}

void LocalApicPart::write_register(std::uint32_t offset, std::uint32_t value, Access& access) {
    if (access.debug() || !enabled() || x2apic() || offset >= kPageSize || offset % 16 != 0) return;
    if (!set(offset / 16, value)) error(kIllegalRegister);
}

// --- MSRs ---

bool LocalApicPart::read_msr(std::uint32_t index, std::uint64_t& value) {
    if (index == kMsrTscDeadline) {
        value = timer_.deadline();
        return tsc_ != nullptr;
    }
    if (!x2apic() || index - kMsrBase > 0xff) return false;
    const unsigned number = index - kMsrBase;
    switch (number) {
    case ArbitrationPriority:
    case RemoteRead:
    case DestinationFormat:
    case CommandHigh: return false;  // 11.12.1.2: they are no more
    case CommandLow: value = std::uint64_t{command_high_} << 32 | command_low_; return true;
    default: break;
    }
    const auto found = get(number);
    if (found) value = *found;
    return found.has_value();
}

bool LocalApicPart::write_msr(std::uint32_t index, std::uint64_t value) {
    if (index == kMsrTscDeadline) {
        timer_.set_deadline(value);
        return tsc_ != nullptr;
    }
    return x2apic() && index - kMsrBase <= 0xff && set_x2apic(index - kMsrBase, value);
}

/// 11.12.1.3: reserved bits, and registers that are read-only, raise #GP.
bool LocalApicPart::set_x2apic(unsigned number, std::uint64_t value) {
    if (number == CommandLow) {
        if (value & 0xffffffff & ~std::uint64_t{kCommandWritable}) return false;
        command_high_ = std::uint32_t(value >> 32);
        return set(CommandLow, std::uint32_t(value));
    }
    std::uint64_t writable = 0xffffffff;
    switch (number) {
    case TaskPriority: writable = 0xff; break;
    case EndOfInterruptRegister:
    case ErrorStatus: writable = 0; break;
    case Spurious: writable = kSpuriousWritable; break;
    case InitialCount: break;
    case Divide: writable = 0x0b; break;
    case SelfIpi:
        if (value > 0xff) return false;
        send_command(kSelfIpiCommand | std::uint32_t(value), 0);
        return true;
    default:
        if (number - Table >= kLvtCount) return false;
        writable = kTableWritable[number - Table] | 1u << 12;
    }
    return (value & ~writable) == 0 && set(number, std::uint32_t(value));
}

}  // namespace backplane::apic
