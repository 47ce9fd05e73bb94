// Control registers, descriptor tables, ports, HLT, CPUID (SDM 3A, chapter 2; SDM 2).
#include "executor.h"

#include "../mmu.h"
#include "xsave.h"

#include <backplane/draft/address_space.h>

#include <algorithm>

namespace backplane::x86 {

namespace {

constexpr std::uint64_t kCr0Paging = cr0::kPg | cr0::kWp | cr0::kPe;
constexpr std::uint64_t kCr4Paging = cr4::kPse | cr4::kPae | cr4::kPge | cr4::kLa57 | cr4::kPcide |
                                     cr4::kSmep | cr4::kSmap | cr4::kPke | kPksEnable;
/// Those that need no feature (SDM 3A 2.5); the others as CPUID has their features.
constexpr std::uint64_t kCr4Always = cr4::kTsd | cr4::kDe | cr4::kPse | cr4::kPae | cr4::kMce | cr4::kPge |
                                     cr4::kPce | cr4::kOsfxsr | cr4::kOsxmmexcpt;
constexpr std::uint64_t kNoFlush = std::uint64_t{1} << 63;

}  // namespace

/// Ahead of any change: an entry that says what it may not is a fault (SDM 3A 4.4.1).
void Executor::load_pdptrs(std::uint64_t cr3) {
    constexpr std::uint64_t kPresent = 1, kReserved = 0xfff00000000001e6;
    std::uint64_t entries[4];
    for (unsigned n = 0; n < 4; ++n) {
        bool failed = false;
        entries[n] = vcpu_.load_physical((cr3 & 0xffffffe0) + 8 * n, 8, failed);
        if (failed) entries[n] = 0;
        if ((entries[n] & kPresent) && (entries[n] & (kReserved | cpu_.beyond_memory))) general_protection();
    }
    std::copy(entries, entries + 4, s_.pdptrs);
    s_.pdptrs_valid = true;
}

void Executor::write_cr0(std::uint64_t value) {
    if (value >> 32) general_protection();
    if (((value & cr0::kPg) && !(value & cr0::kPe)) || ((value & cr0::kNw) && !(value & cr0::kCd)))
        general_protection();
    value = (value & kKnownCr0) | cr0::kEt;
    const bool paging_now = value & cr0::kPg, paging_before = s_.cr0 & cr0::kPg;
    if (paging_now && !paging_before && (s_.efer & efer::kLme)) {
        if (!(s_.cr4 & cr4::kPae) || (s_.segments[kCs].attributes & Segment::kLong)) general_protection();
        s_.efer |= efer::kLma;
    } else if (!paging_now && paging_before && (s_.efer & efer::kLma)) {
        if (code_64() || (s_.cr4 & cr4::kPcide)) general_protection();
        s_.efer &= ~efer::kLma;
    }
    const std::uint64_t changed = s_.cr0 ^ value;
    if (paging_now && !long_mode() && (s_.cr4 & cr4::kPae) && (changed & (cr0::kPg | cr0::kCd | cr0::kNw)))
        load_pdptrs(s_.cr3);
    s_.cr0 = value;
    if (changed & kCr0Paging) vcpu_.flush_tlb();
}

void Executor::write_cr3(std::uint64_t value) {
    if (s_.cr4 & cr4::kPcide) value &= ~kNoFlush;
    if (long_mode() && (value >> 52 || (value & cpu_.beyond_memory))) general_protection();
    if ((s_.cr0 & cr0::kPg) && (s_.cr4 & cr4::kPae) && !long_mode()) load_pdptrs(value);
    s_.cr3 = value;
    // The soft TLB knows one address space: what PCID would keep is dropped as well.
    vcpu_.flush_tlb_local();
}

std::uint64_t Executor::known_cr4() const {
    const CpuidRegisters basic = cpu_.processor->cpuid(1, 0), structured = cpu_.processor->cpuid(7, 0);
    std::uint64_t known = kCr4Always;
    if (basic.edx >> 1 & 1) known |= cr4::kVme | cr4::kPvi;
    if (basic.ecx >> 26 & 1) known |= cr4::kOsxsave;
    if (basic.ecx >> 17 & 1) known |= cr4::kPcide;
    if (structured.ebx & 1) known |= cr4::kFsgsbase;
    if (structured.ebx >> 7 & 1) known |= cr4::kSmep;
    if (structured.ebx >> 20 & 1) known |= cr4::kSmap;
    if (structured.ecx >> 2 & 1) known |= cr4::kUmip;
    if (structured.ecx >> 3 & 1) known |= cr4::kPke;
    if (structured.ecx >> 16 & 1) known |= cr4::kLa57;
    if (structured.ecx >> 31 & 1) known |= kPksEnable;
    return known;
}

void Executor::write_cr4(std::uint64_t value) {
    if (value & ~known_cr4()) general_protection();
    const std::uint64_t changed = s_.cr4 ^ value;
    if (long_mode() && (!(value & cr4::kPae) || (changed & cr4::kLa57))) general_protection();
    if ((changed & value & cr4::kPcide) && (!long_mode() || (s_.cr3 & 0xfff))) general_protection();
    if ((s_.cr0 & cr0::kPg) && (value & cr4::kPae) && !long_mode() && (changed & kCr4Paging))
        load_pdptrs(s_.cr3);
    s_.cr4 = value;
    if (changed & kCr4Paging) vcpu_.flush_tlb();
}

void Executor::set_task_priority(std::uint64_t value) {
    if (value >> 4) general_protection();
    MachineLock& lock = vcpu_.lock();
    lock.lock();
    if (LocalApic* apic = cpu_.processor->local_apic()) {
        apic->set_task_priority(std::uint8_t(value));
        cpu_.processor->local_apic_written();
    }
    lock.unlock();
}

void Executor::move_control() {
    require_kernel();
    const unsigned number = i_.reg(), size = i_.is_64bit() ? 8 : 4;
    if (i_.opcode == 0x20) {
        std::uint64_t value = 0;
        switch (number) {
        case 0: value = s_.cr0; break;
        case 2: value = s_.cr2; break;
        case 3: value = s_.cr3; break;
        case 4: value = s_.cr4; break;
        case 8: {
            MachineLock& lock = vcpu_.lock();
            lock.lock();
            if (const LocalApic* apic = cpu_.processor->local_apic()) value = apic->task_priority();
            lock.unlock();
            break;
        }
        default: undefined_opcode();
        }
        return set_gpr(i_.rm(), value, size);
    }
    const std::uint64_t value = gpr(i_.rm(), size);
    switch (number) {
    case 0: return write_cr0(value);
    case 2: s_.cr2 = value; return;
    case 3: return write_cr3(value);
    case 4: return write_cr4(value);
    case 8: return set_task_priority(value);
    default: undefined_opcode();
    }
}

/// XGETBV: XCR0, and with 1 in ECX what of it is in use (SDM 1, 13.6).
void Executor::get_extended_control() {
    const auto index = std::uint32_t(s_.gpr[kRcx]);
    if (index > 1 || (index == 1 && !(cpu_.processor->cpuid(0xd, 1).eax >> 2 & 1))) general_protection();
    const std::uint64_t value = index == 0 ? s_.xcr0 : components_in_use();
    s_.gpr[kRax] = std::uint32_t(value);
    s_.gpr[kRdx] = value >> 32;
}

/// 0F 01 with a register.
void Executor::group_01() {
    switch (i_.modrm) {
    case 0xca:  // CLAC
    case 0xcb:  // STAC
        if (privilege() != 0 || !(cpu_.processor->cpuid(7, 0).ebx >> 20 & 1)) undefined_opcode();
        s_.rflags =
            i_.modrm == 0xcb ? s_.rflags | rflags::kAlignmentCheck : s_.rflags & ~rflags::kAlignmentCheck;
        return;
    case 0xd0:  // XGETBV
        if (!(s_.cr4 & cr4::kOsxsave)) undefined_opcode();
        return get_extended_control();
    case 0xd1: {  // XSETBV
        if (!(s_.cr4 & cr4::kOsxsave)) undefined_opcode();
        require_kernel();
        const std::uint64_t value = s_.gpr[kRdx] << 32 | std::uint32_t(s_.gpr[kRax]);
        const std::uint64_t known = cpu_.processor->cpuid(0xd, 0).eax;
        if (std::uint32_t(s_.gpr[kRcx]) != 0 || !(value & 1) || (value & ~(known & xsave::kKnown)) ||
            (value & 6) == 4)
            general_protection();
        s_.xcr0 = value;
        return;
    }
    case 0xee:  // RDPKRU
    case 0xef:  // WRPKRU
        return protection_keys(i_.modrm == 0xef);
    case 0xf8: {  // SWAPGS
        if (!code_64()) undefined_opcode();
        require_kernel();
        std::swap(s_.segments[kGs].base, s_.msrs.kernel_gs_base);
        return;
    }
    case 0xf9:  // RDTSCP
        if (!(cpu_.processor->cpuid(0x80000001, 0).edx >> 27 & 1)) undefined_opcode();
        read_tsc();
        s_.gpr[kRcx] = std::uint32_t(s_.msrs.tsc_aux);
        return;
    case 0xc8:  // MONITOR
        return monitor();
    case 0xc9:  // MWAIT
        return monitor_wait();
    default: undefined_opcode();
    }
}

void Executor::store_table() {
    if ((s_.cr4 & cr4::kUmip) && privilege() != 0) general_protection();
    const DescriptorTable& table = i_.extension() == 0 ? s_.gdt : s_.idt;
    const unsigned size = i_.is_64bit() ? 8 : 4;
    const std::uint64_t address = memory_linear(2 + size, true);
    check_writable(address, 2 + size, data_mode());
    store_linear(address, table.limit, 2, data_mode());
    store_linear(address + 2, table.base, size, data_mode());
}

void Executor::load_table() {
    require_kernel();
    const unsigned size = i_.is_64bit() ? 8 : 4;
    const std::uint64_t address = memory_linear(2 + size, false);
    const auto limit = std::uint32_t(load_linear(address, 2, data_mode()));
    std::uint64_t base = load_linear(address + 2, size, data_mode());
    if (size == 8 && !canonical_base(base)) general_protection();
    if (size == 4 && i_.operand_size == 2) base &= 0xffffff;
    (i_.extension() == 2 ? s_.gdt : s_.idt) = {base, limit};
}

void Executor::invalidate_pcid() {
    if (!(cpu_.processor->cpuid(7, 0).ebx >> 10 & 1)) undefined_opcode();
    require_kernel();
    const std::uint64_t type = gpr(i_.reg(), i_.is_64bit() ? 8 : 4);
    const std::uint64_t address = memory_linear(16, false);
    const std::uint64_t context = load_linear(address, 8, data_mode());
    const std::uint64_t page = load_linear(address + 8, 8, data_mode());
    if (type > 3 || context >> 12) general_protection();
    // SDM 2A, INVPCID: there is no address space but 0, and of an address it is one.
    if (type < 2 && context != 0 && !(s_.cr4 & cr4::kPcide)) general_protection();
    if (type == 0 && long_mode() && !canonical_base(page)) general_protection();
    if (type == 0) vcpu_.flush_tlb_page(page);
    else vcpu_.flush_tlb();
}

// ---- interrupts

void Executor::cli() {
    if (privilege() > io_privilege()) return change_virtual_interrupt(false);
    s_.rflags &= ~rflags::kInterrupt;
}

void Executor::sti() {
    if (privilege() > io_privilege()) return change_virtual_interrupt(true);
    if (!(s_.rflags & rflags::kInterrupt)) s_.interrupt_shadow = true;
    s_.rflags |= rflags::kInterrupt;
}

void Executor::halt() {
    require_kernel();
    await_event();
}

/// Also where one waits already: it is taken as one that came to a halted processor. Not 0 in `wakes_on` says that it was.
void Executor::await_event() {
    std::uint32_t wakes = s_.smm ? 0 : request::kSmi | request::kInit;
    if (!s_.nmi_blocked) wakes |= request::kNmi;
    if (s_.rflags & rflags::kInterrupt) wakes |= request::kInterrupt;
    s_.wakes_on = wakes;
    s_.run.halted.store(1, std::memory_order_release);
}

/// Of 64 bytes, as cache lines are.
void Executor::monitor() {
    constexpr unsigned kLine = 64;
    if (privilege() != 0 || !(cpu_.processor->cpuid(1, 0).ecx >> 3 & 1)) undefined_opcode();
    if (std::uint32_t(s_.gpr[kRcx]) != 0) general_protection();
    const std::uint64_t mask =
        i_.address_size == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * i_.address_size) - 1;
    const std::uint64_t address = linear(i_.segment, s_.gpr[kRax] & mask, 1, false);
    load_linear(address, 1, data_mode());
    cpu_.line_watched = vcpu_.watch_line(address & ~std::uint64_t{kLine - 1}, kLine, data_mode());
}

/// Where stores to the line are not seen yet, it does not wait: software looks at the line, and comes back.
void Executor::monitor_wait() {
    constexpr std::uint32_t kMaskedInterrupts = 1;  // of ECX: they end it as well
    if (privilege() != 0 || !(cpu_.processor->cpuid(1, 0).ecx >> 3 & 1)) undefined_opcode();
    const auto extensions = std::uint32_t(s_.gpr[kRcx]);
    if (extensions & ~kMaskedInterrupts) general_protection();
    if (!std::exchange(cpu_.line_watched, false) || vcpu_.line_written()) return;
    vcpu_.wait_at_line();
    cpu_.at_line = true;
    await_event();
    if (extensions & kMaskedInterrupts) s_.wakes_on.fetch_or(request::kInterrupt);
    s_.run.exit_request.store(1);
}

// ---- ports

/// SDM 1, 19.5.
void Executor::check_port(std::uint16_t port, unsigned size) {
    if (!protected_mode()) return;
    if (!virtual_8086() && privilege() <= io_privilege()) return;
    constexpr std::uint32_t kMapPlace = 102;
    const Segment& task = s_.task;
    if (!(task.attributes & 8) || task.limit < kMapPlace + 1) general_protection();
    const std::uint64_t map = load_linear(task.base + kMapPlace, 2, system_mode());
    const std::uint64_t at = map + port / 8;
    if (at + 1 > task.limit) general_protection();
    const std::uint64_t bits = load_linear(task.base + at, 2, system_mode()) >> (port & 7);
    if (bits & ((1u << size) - 1)) general_protection();
}

std::uint64_t Executor::read_port(std::uint16_t port, unsigned size) {
    watch_port(port, size);
    return vcpu_.load_port(port, size);
}

void Executor::write_port(std::uint16_t port, std::uint64_t value, unsigned size) {
    watch_port(port, size);
    vcpu_.store_port(port, std::uint32_t(value), size);
}

void Executor::input() {
    const unsigned size = std::min<unsigned>(i_.operand_size, 4);
    const auto port = std::uint16_t(i_.opcode & 8 ? s_.gpr[kRdx] : i_.immediate);
    check_port(port, size);
    set_gpr(kRax, read_port(port, size), size);
}

void Executor::output() {
    const unsigned size = std::min<unsigned>(i_.operand_size, 4);
    const auto port = std::uint16_t(i_.opcode & 8 ? s_.gpr[kRdx] : i_.immediate);
    check_port(port, size);
    write_port(port, gpr(kRax, size), size);
}

// ---- what it is

/// With the bits that follow from the state (SDM 2A, CPUID).
void Executor::cpuid() {
    const auto leaf = std::uint32_t(s_.gpr[kRax]), subleaf = std::uint32_t(s_.gpr[kRcx]);
    CpuidRegisters value = cpu_.processor->cpuid(leaf, subleaf);
    if (leaf == 1) {
        constexpr std::uint32_t kOsxsave = 1u << 27, kApic = 1u << 9;
        value.ecx = s_.cr4 & cr4::kOsxsave ? value.ecx | kOsxsave : value.ecx & ~kOsxsave;
        MachineLock& lock = vcpu_.lock();
        lock.lock();
        const LocalApic* apic = cpu_.processor->local_apic();
        if (!apic || !(apic->base() >> 11 & 1)) value.edx &= ~kApic;
        lock.unlock();
    }
    s_.gpr[kRax] = value.eax;
    s_.gpr[kRbx] = value.ebx;
    s_.gpr[kRcx] = value.ecx;
    s_.gpr[kRdx] = value.edx;
}

/// RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE.
void Executor::segment_base() {
    if (!code_64() || !(s_.cr4 & cr4::kFsgsbase)) undefined_opcode();
    const unsigned extension = i_.extension();
    std::uint64_t& base = s_.segments[extension & 1 ? kGs : kFs].base;
    if (extension < 2) return set_gpr(i_.rm(), base, i_.operand_size);
    const std::uint64_t value = gpr(i_.rm(), i_.operand_size);
    if (!canonical_base(value)) general_protection();
    base = value;
}

}  // namespace backplane::x86
