// Model-specific registers (SDM 4, table 2-2; APM 2, appendix A) and the time-stamp counter.
#include "executor.h"

#include <backplane/clock.h>
#include <backplane/draft/address_space.h>
#include <backplane/log.h>

#include <cstdio>
#include <mutex>

namespace backplane::x86 {

namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

const MsrField* field_of(std::uint32_t index) {
    for (const MsrField& field : kMsrFields)
        if (index - field.index < field.count) return &field;
    return nullptr;
}

constexpr std::uint32_t kInterruptPending = 0xc0010055;  // AMD, Interrupt Pending and CMP-Halt
constexpr std::uint32_t kNorthbridge = 0xc001001f;       // NB_CFG (BKDG of family 15h, 3.21)

bool of_apic(std::uint32_t index) {
    return index == msr::kApicBase || index == msr::kTscDeadline ||
           (index >= msr::kX2apicFirst && index <= msr::kX2apicLast);
}

bool paravirtual(std::uint32_t index) { return index - msr::kKvmWallClock < 0x100; }

}  // namespace

/// The counter runs with the virtual clock, and IA32_TSC_ADJUST says how far ahead of it: every write to it does as much there.
/// (X86Cpu::time_of() is the way back.)
std::uint64_t Executor::time_stamp() const {
    const std::uint64_t now = vcpu_.clock().now_ns();
    const std::uint64_t frequency = cpu_.processor->tsc_frequency();
    if (frequency == 0) return now + s_.msrs.tsc_adjust;
    return std::uint64_t(Wide(now) * frequency / kNanosecondsPerSecond) + s_.msrs.tsc_adjust;
}

/// The deadline is a value of the counter's, and comes sooner or later now.
void Executor::set_tsc_adjust(std::uint64_t value) {
    s_.msrs.tsc_adjust = value;
    with_apic([](LocalApic& apic) {
        std::uint64_t deadline = 0;
        return apic.read_msr(msr::kTscDeadline, deadline) && deadline != 0 &&
               apic.write_msr(msr::kTscDeadline, deadline);
    });
}

void Executor::read_tsc() {
    if ((s_.cr4 & cr4::kTsd) && privilege() != 0) general_protection();
    const std::uint64_t value = time_stamp();
    s_.gpr[kRax] = std::uint32_t(value);
    s_.gpr[kRdx] = value >> 32;
}

void Executor::read_msr() {
    require_kernel();
    const auto index = std::uint32_t(s_.gpr[kRcx]);
    std::uint64_t value = 0;
    if (!get_msr(index, value)) {
        char text[96];
        std::snprintf(text, sizeof text, "the guest reads MSR 0x%x, which is not there", index);
        vcpu_.log().guest_error(std::string("MSR ") + std::to_string(index), text);
        general_protection();
    }
    s_.gpr[kRax] = std::uint32_t(value);
    s_.gpr[kRdx] = value >> 32;
}

void Executor::write_msr() {
    require_kernel();
    const auto index = std::uint32_t(s_.gpr[kRcx]);
    const std::uint64_t value = s_.gpr[kRdx] << 32 | std::uint32_t(s_.gpr[kRax]);
    if (set_msr(index, value)) return;
    char text[96];
    std::snprintf(text, sizeof text, "the guest's write to MSR 0x%x is refused", index);
    vcpu_.log().guest_error(std::string("MSR ") + std::to_string(index), text);
    general_protection();
}

template <class Ask>
bool Executor::with_apic(Ask ask) {
    const std::lock_guard guard(vcpu_.lock());
    LocalApic* const apic = cpu_.processor->local_apic();
    return apic && ask(*apic);
}

bool Executor::get_msr(std::uint32_t index, std::uint64_t& value) {
    if (!shown(index)) return false;
    switch (index) {
    case msr::kTsc: value = time_stamp(); return true;
    case msr::kEfer: value = s_.efer; return true;
    case msr::kFsBase: value = s_.segments[kFs].base; return true;
    case msr::kGsBase: value = s_.segments[kGs].base; return true;
    case msr::kMtrrCap: value = 0x508; return true;  // eight variable ranges, fixed ones, write-combining
    case msr::kMcgCap: value = s_.msrs.mcg_cap; return true;
    case 0x17: value = 0; return true;  // IA32_PLATFORM_ID
    case 0x8b: value = 0; return true;  // IA32_BIOS_SIGN_ID: no update is loaded
    case msr::kAmdSyscfg:
        value = 0;
        return true;  // AMD APM 2, 7.9.1: no top of memory beyond 4 GiB, no encryption
    case kInterruptPending:
    case kNorthbridge: value = 0; return true;  // no C1E
    default: break;
    }
    if (amd_counter(index)) {
        value = 0;
        return true;
    }
    if (of_apic(index))
        return with_apic([&](LocalApic& apic) {
            if (index != msr::kApicBase) return apic.read_msr(index, value);
            value = apic.base();
            return true;
        });
    if (index == msr::kArchCapabilities || index == msr::kCoreCapabilities ||
        index == msr::kPerfCapabilities) {
        value = cpu_.processor->feature_msr(index);
        return value != 0;
    }
    if (paravirtual(index)) return false;
    const MsrField* const field = field_of(index);
    if (!field) return false;
    value = msr_word(s_, *field, index - field->index);
    return true;
}

/// False for one of a feature that CPUID does not show.
bool Executor::shown(std::uint32_t index) const {
    const auto structured = [&] { return cpu_.processor->cpuid(7, 0); };
    switch (index) {
    case msr::kTscDeadline: return cpu_.processor->cpuid(1, 0).ecx >> 24 & 1;
    case msr::kTscAdjust: return structured().ebx >> 1 & 1;
    case msr::kSpecCtrl: return structured().edx >> 26 & 1;
    case msr::kBndcfgs: return structured().ebx >> 14 & 1;
    case msr::kUmwaitControl: return structured().ecx >> 5 & 1;
    case msr::kPkrs: return structured().ecx >> 31 & 1;
    case msr::kXfd:
    case msr::kXfdError: return cpu_.processor->cpuid(0xd, 1).eax >> 4 & 1;
    default:
        return index - msr::kMc0Ctl >= 4 * kMcaBanks || (index - msr::kMc0Ctl) / 4 < (s_.msrs.mcg_cap & 0xff);
    }
}

/// Every processor of AMD's has four selectors and four counters (APM 2, 13.2). They count nothing here.
bool Executor::amd_counter(std::uint32_t index) const {
    constexpr std::uint32_t kFirst = 0xc0010000, kCount = 8, kAuthentic = 0x68747541;
    return index - kFirst < kCount && cpu_.processor->cpuid(0, 0).ebx == kAuthentic;
}

std::uint64_t Executor::known_efer() const {
    // What there is, not what the guest reads: Intel's processors show SYSCALL in 64-bit mode alone.
    CpuidRegisters extended;
    for (const CpuidEntry& entry : cpu_.processor->cpuid_entries())
        if (entry.leaf == 0x80000001) extended = entry.value;
    std::uint64_t known = efer::kLma;
    if (extended.edx >> 11 & 1) known |= efer::kSce;
    if (extended.edx >> 20 & 1) known |= efer::kNxe;
    if (extended.edx >> 29 & 1) known |= efer::kLme;
    return known;
}

bool Executor::write_efer(std::uint64_t value) {
    if (value & ~known_efer()) return false;
    if ((s_.cr0 & cr0::kPg) && ((value ^ s_.efer) & efer::kLme)) return false;
    const bool flush = (value ^ s_.efer) & efer::kNxe;
    s_.efer = (value & ~efer::kLma) | (s_.efer & efer::kLma);
    if (flush) vcpu_.flush_tlb();
    return true;
}

bool Executor::set_msr(std::uint32_t index, std::uint64_t value) {
    if (!shown(index)) return false;
    switch (index) {
    case msr::kTsc: set_tsc_adjust(s_.msrs.tsc_adjust + (value - time_stamp())); return true;
    case msr::kTscAdjust: set_tsc_adjust(value); return true;
    case msr::kEfer: return write_efer(value);
    case msr::kFsBase:
    case msr::kGsBase:
        if (!canonical_base(value)) return false;
        s_.segments[index == msr::kFsBase ? kFs : kGs].base = value;
        return true;
    case msr::kKernelGsBase:
    case msr::kLstar:
    case msr::kCstar:
    case msr::kSysenterEsp:
    case msr::kSysenterEip:
        if (!canonical_base(value)) return false;
        break;
    case msr::kPat:
        for (unsigned n = 0; n < 8; ++n)
            if (const unsigned type = value >> (8 * n) & 0xff; type > 7 || type == 2 || type == 3)
                return false;
        break;
    case msr::kPkrs:
        if (value >> 32) return false;
        break;
    case msr::kXss: return value == 0;  // no component is a supervisor's
    case 0x79:
        return true;  // IA32_BIOS_UPDT_TRIG
    // None of their bits does anything here.
    case msr::kAmdSyscfg:
    case kInterruptPending:
    case kNorthbridge: return true;
    case 0x8b: return true;
    default: break;
    }
    if (amd_counter(index)) return true;
    if (of_apic(index))
        return with_apic([&](LocalApic& apic) {
            const bool x2apic = value >> 10 & 1;
            if (index == msr::kApicBase && x2apic && !(cpu_.processor->cpuid(1, 0).ecx >> 21 & 1))
                return false;
            const bool known = index == msr::kApicBase ? apic.set_base(value) : apic.write_msr(index, value);
            if (known) cpu_.processor->local_apic_written();
            return known;
        });
    if (paravirtual(index)) return false;
    const MsrField* const field = field_of(index);
    if (!field) return false;
    msr_word(s_, *field, index - field->index) = value;
    if (index == msr::kPkrs) vcpu_.flush_tlb();
    return true;
}

}  // namespace backplane::x86
