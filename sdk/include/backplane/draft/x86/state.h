// Draft: needs the exact host build. The architectural state of an x86 processor, as the CPU plugin owns it and whoever
// executes the processor (a translator's front end, a hypervisor) reads and changes it.
//
// Follows the "Intel 64 and IA-32 Architectures Software Developer's Manual" (SDM) volumes 1 and 3A, and the "AMD64
// Architecture Programmer's Manual" (APM) volume 2. The local APIC is a device of its own (<backplane/x86.h>).
#pragma once

#include <backplane/draft/cpu.h>
#include <backplane/draft/mark.h>
#include <backplane/draft/x86/msr.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace backplane::x86 {

/// As instructions encode them (SDM 2A, table 2-2). R8–R15 follow.
enum Gpr : unsigned { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kGprCount = 16 };
/// As instructions encode them (SDM 2A, 3.1.1.3).
enum SegmentName : unsigned { kEs, kCs, kSs, kDs, kFs, kGs, kSegmentCount };

/// A segment register with its hidden part (SDM 3A 3.4.3).
struct Segment {
    std::uint64_t base = 0;
    std::uint32_t limit = 0;  ///< in bytes, whatever the granularity
    std::uint16_t selector = 0;
    /// Bits 8–15 and 20–23 of the descriptor's second word, moved to 0–7 and 12–15 (SDM 3C 24.4.1), and kUnusable.
    std::uint32_t attributes = 0;

    static constexpr std::uint32_t kType = 0xf;
    static constexpr std::uint32_t kCode = 1u << 3;
    static constexpr std::uint32_t kNotSystem = 1u << 4;
    static constexpr unsigned kDplShift = 5;
    static constexpr std::uint32_t kPresent = 1u << 7;
    static constexpr std::uint32_t kAvailable = 1u << 12;
    static constexpr std::uint32_t kLong = 1u << 13;
    static constexpr std::uint32_t kBig = 1u << 14;
    static constexpr std::uint32_t kGranularity = 1u << 15;
    static constexpr std::uint32_t kUnusable = 1u << 16;  ///< a null selector was loaded
};
static_assert(sizeof(Segment) == 24, "translated code and state tables step over them");

struct DescriptorTable {
    std::uint64_t base = 0;
    std::uint32_t limit = 0;  ///< 16 bits of it
};

namespace rflags {
inline constexpr std::uint64_t kCarry = 1u << 0;
inline constexpr std::uint64_t kOne = 1u << 1;  ///< always set
inline constexpr std::uint64_t kParity = 1u << 2;
inline constexpr std::uint64_t kAdjust = 1u << 4;
inline constexpr std::uint64_t kZero = 1u << 6;
inline constexpr std::uint64_t kSign = 1u << 7;
inline constexpr std::uint64_t kTrap = 1u << 8;
inline constexpr std::uint64_t kInterrupt = 1u << 9;
inline constexpr std::uint64_t kDirection = 1u << 10;
inline constexpr std::uint64_t kOverflow = 1u << 11;
inline constexpr unsigned kIoplShift = 12;
inline constexpr std::uint64_t kNestedTask = 1u << 14;
inline constexpr std::uint64_t kResume = 1u << 16;
inline constexpr std::uint64_t kVirtual8086 = 1u << 17;
inline constexpr std::uint64_t kAlignmentCheck = 1u << 18;
inline constexpr std::uint64_t kVirtualInterrupt = 1u << 19;
inline constexpr std::uint64_t kVirtualInterruptPending = 1u << 20;
inline constexpr std::uint64_t kId = 1u << 21;
}  // namespace rflags

namespace cr0 {
inline constexpr std::uint64_t kPe = 1u << 0;
inline constexpr std::uint64_t kMp = 1u << 1;
inline constexpr std::uint64_t kEm = 1u << 2;
inline constexpr std::uint64_t kTs = 1u << 3;
inline constexpr std::uint64_t kEt = 1u << 4;
inline constexpr std::uint64_t kNe = 1u << 5;
inline constexpr std::uint64_t kWp = 1u << 16;
inline constexpr std::uint64_t kAm = 1u << 18;
inline constexpr std::uint64_t kNw = 1u << 29;
inline constexpr std::uint64_t kCd = 1u << 30;
inline constexpr std::uint64_t kPg = 1u << 31;
}  // namespace cr0

namespace cr4 {
inline constexpr std::uint64_t kVme = 1u << 0;
inline constexpr std::uint64_t kPvi = 1u << 1;
inline constexpr std::uint64_t kTsd = 1u << 2;
inline constexpr std::uint64_t kDe = 1u << 3;
inline constexpr std::uint64_t kPse = 1u << 4;
inline constexpr std::uint64_t kPae = 1u << 5;
inline constexpr std::uint64_t kMce = 1u << 6;
inline constexpr std::uint64_t kPge = 1u << 7;
inline constexpr std::uint64_t kPce = 1u << 8;
inline constexpr std::uint64_t kOsfxsr = 1u << 9;
inline constexpr std::uint64_t kOsxmmexcpt = 1u << 10;
inline constexpr std::uint64_t kUmip = 1u << 11;
inline constexpr std::uint64_t kLa57 = 1u << 12;
inline constexpr std::uint64_t kFsgsbase = 1u << 16;
inline constexpr std::uint64_t kPcide = 1u << 17;
inline constexpr std::uint64_t kOsxsave = 1u << 18;
inline constexpr std::uint64_t kSmep = 1u << 20;
inline constexpr std::uint64_t kSmap = 1u << 21;
inline constexpr std::uint64_t kPke = 1u << 22;
}  // namespace cr4

namespace efer {
inline constexpr std::uint64_t kSce = 1u << 0;
inline constexpr std::uint64_t kLme = 1u << 8;
inline constexpr std::uint64_t kLma = 1u << 10;
inline constexpr std::uint64_t kNxe = 1u << 11;
inline constexpr std::uint64_t kSvme = 1u << 12;
}  // namespace efer

/// What asks for a processor's attention from outside, as bits of X86State::requests.
namespace request {
inline constexpr std::uint32_t kInterrupt = 1u << 0;  ///< the level of INTR
inline constexpr std::uint32_t kNmi = 1u << 1;
inline constexpr std::uint32_t kSmi = 1u << 2;
inline constexpr std::uint32_t kInit = 1u << 3;
inline constexpr std::uint32_t kStartUp = 1u << 4;  ///< X86State::start_up_vector says where
}  // namespace request

/// Default: Running. Waiting for SIPI (SDM 3A 9.4.3) takes nothing but that and what resets it.
enum class Activity : std::uint8_t { Running, WaitForSipi, Shutdown };

/// The XSAVE area in its standard form (SDM 1, 13.4): the legacy region as FXSAVE64 writes it, the header, and every
/// component where CPUID leaf 0xd says. What a component that is in its initial state holds does not matter: XSTATE_BV
/// says that it is.
inline constexpr std::size_t kXsaveCapacity = 16384;
inline constexpr std::size_t kXsaveLegacySize = 512;
inline constexpr std::size_t kXsaveHeader = 512;  ///< offset of XSTATE_BV
inline constexpr std::size_t kXsaveMinimum = 576;

inline constexpr unsigned kMcaBanks = 10;
inline constexpr unsigned kVariableMtrrs = 8;

/// MSRs that are plain storage to the CPU plugin; what reading and writing one means is its executor's business. Each
/// has a row in kMsrFields.
struct MsrState {
    std::uint64_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    std::uint64_t star = 0, lstar = 0, cstar = 0, sfmask = 0, kernel_gs_base = 0;
    std::uint64_t tsc_aux = 0;
    std::uint64_t pat = 0;
    std::uint64_t misc_enable = 0;
    std::uint64_t feature_control = 0;
    std::uint64_t tsc_adjust = 0;
    std::uint64_t spec_ctrl = 0, virt_spec_ctrl = 0, tsx_ctrl = 0, misc_feature_enables = 0;
    std::uint64_t umwait_control = 0, xss = 0, bndcfgs = 0, xfd = 0, xfd_error = 0, pkrs = 0;
    std::uint64_t debug_ctl = 0;
    std::uint64_t hwcr = 0, vm_hsave = 0;
    std::uint64_t mtrr_def_type = 0, mtrr_fixed[11] = {};
    std::uint64_t mtrr_variable[2 * kVariableMtrrs] = {};  ///< base and mask in turn
    std::uint64_t mcg_cap = 0, mcg_status = 0, mcg_ctl = 0, mca[4 * kMcaBanks] = {};
    std::uint64_t kvm_wall_clock = 0, kvm_system_time = 0, kvm_async_pf = 0, kvm_async_pf_int = 0;
    std::uint64_t kvm_steal_time = 0, kvm_pv_eoi = 0, kvm_poll_control = 0;
};

/// MSRs of Microsoft's hypervisor interface (TLFS, appendix F), of a processor that shows it. Each has a row in
/// kHypervMsrFields.
struct HypervState {
    std::uint64_t guest_os_id = 0, hypercall = 0, reference_tsc = 0;
    std::uint64_t vp_runtime = 0, vp_assist_page = 0;
    std::uint64_t reenlightenment = 0, tsc_emulation_control = 0, tsc_emulation_status = 0;
    std::uint64_t crash[5] = {};
    std::uint64_t synic_control = 0, event_page = 0, message_page = 0, synic_source[16] = {};
    std::uint64_t timer_count[4] = {}, timer_config[4] = {};
};

/// The state. Standard layout, so that translated code reaches every field by offsetof. Only the vCPU's thread touches it
/// while it runs, but for the atomics. What reset does to a field stands in the CPU plugin's state table.
struct X86State {
    CpuRunState run;

    std::uint64_t gpr[kGprCount] = {};
    std::uint64_t pc = 0;  ///< linear address of the next instruction; instruction_pointer() is (E/R)IP
    std::uint64_t rflags = 0;
    Segment segments[kSegmentCount] = {};
    Segment ldt{}, task{};
    DescriptorTable gdt{}, idt{};

    std::uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0;
    std::uint64_t efer = 0;
    std::uint64_t xcr0 = 0;
    /// Used in place of memory's while CR4.PAE without EFER.LMA pages (SDM 3A 4.4.1), where `pdptrs_valid`.
    std::uint64_t pdptrs[4] = {};
    bool pdptrs_valid = false;
    std::uint64_t dr[4] = {};  ///< DR0–DR3
    std::uint64_t dr6 = 0, dr7 = 0;

    // Between two instructions (SDM 3A 6.7, 6.8; SDM 3C 24.4.2).
    bool interrupt_shadow = false;  ///< the instruction behind STI or a load of SS: no interrupt is taken
    bool nmi_blocked = false;       ///< until IRET
    bool smm = false;
    Activity activity = Activity::Running;
    /// An exception that is to be delivered before the next instruction.
    bool exception_pending = false;
    std::uint8_t exception_vector = 0;
    bool exception_has_error = false;
    std::uint32_t exception_error = 0;
    /// An interrupt that was acknowledged and is yet to be delivered.
    bool interrupt_injected = false;
    bool interrupt_soft = false;
    std::uint8_t interrupt_vector = 0;
    std::uint32_t smbase = 0;

    /// Of `request`: anyone sets bits, the vCPU's thread takes all but kInterrupt, which is a level.
    std::atomic<std::uint32_t> requests{0};
    /// Which requests would wake it now that it is halted. Written by the vCPU's thread.
    std::atomic<std::uint32_t> wakes_on{0};
    std::atomic<std::uint8_t> start_up_vector{0};

    /// Timestamp counter: what RDTSC would show when the machine stood still (executors keep their own while it runs).
    std::uint64_t tsc = 0;
    MsrState msrs{};
    HypervState hyperv{};

    /// What whoever executes the processor keeps beside it; the executor's own.
    void* executor = nullptr;

    /// How much of `xsave` this processor can use: 512 (FXSAVE) or what CPUID leaf 0xd says. Follows from its features.
    std::uint32_t xsave_size = kXsaveLegacySize;
    alignas(64) std::uint8_t xsave[kXsaveCapacity] = {};
};
/// In 64-bit code the base of CS is not added (SDM 3A 3.4.4).
inline bool in_64bit_code(const X86State& state) {
    return (state.efer & efer::kLma) && (state.segments[kCs].attributes & Segment::kLong);
}
inline std::uint64_t instruction_pointer(const X86State& state) {
    return in_64bit_code(state) ? state.pc : std::uint32_t(state.pc - state.segments[kCs].base);
}
/// With CS as it is from now on.
inline void set_instruction_pointer(X86State& state, std::uint64_t value) {
    state.pc = in_64bit_code(state) ? value : std::uint32_t(state.segments[kCs].base + value);
}

static_assert(std::is_standard_layout_v<X86State>, "translated code addresses the fields by offsetof");
static_assert(offsetof(X86State, run) == 0, "Cpu::run_state() finds it there");

/// Where an MSR is kept. A row with a count stands for MSRs `index`, `index + 1` …, in consecutive words.
struct MsrField {
    std::uint32_t index = 0;
    const char* name = nullptr;  ///< as the manuals spell it
    std::size_t offset = 0;      ///< of a uint64_t in X86State
    std::uint32_t count = 1;
    std::uint64_t reset = 0;  ///< SDM 3A, table 9-1
    /// What INIT leaves alone (SDM 3A, table 9-1): most.
    bool init_keeps = true;
};

#define BACKPLANE_MSR(member) offsetof(X86State, msrs) + offsetof(MsrState, member)
inline constexpr MsrField kMsrFields[] = {
    {msr::kSysenterCs, "IA32_SYSENTER_CS", BACKPLANE_MSR(sysenter_cs)},
    {msr::kSysenterEsp, "IA32_SYSENTER_ESP", BACKPLANE_MSR(sysenter_esp)},
    {msr::kSysenterEip, "IA32_SYSENTER_EIP", BACKPLANE_MSR(sysenter_eip)},
    {msr::kStar, "IA32_STAR", BACKPLANE_MSR(star)},
    {msr::kLstar, "IA32_LSTAR", BACKPLANE_MSR(lstar)},
    {msr::kCstar, "IA32_CSTAR", BACKPLANE_MSR(cstar)},
    {msr::kSfmask, "IA32_FMASK", BACKPLANE_MSR(sfmask)},
    {msr::kKernelGsBase, "IA32_KERNEL_GS_BASE", BACKPLANE_MSR(kernel_gs_base)},
    {msr::kTscAux, "IA32_TSC_AUX", BACKPLANE_MSR(tsc_aux)},
    {msr::kPat, "IA32_PAT", BACKPLANE_MSR(pat), 1, 0x0007040600070406},
    {msr::kMiscEnable, "IA32_MISC_ENABLE", BACKPLANE_MSR(misc_enable), 1, 1},
    {msr::kFeatureControl, "IA32_FEATURE_CONTROL", BACKPLANE_MSR(feature_control)},
    {msr::kTscAdjust, "IA32_TSC_ADJUST", BACKPLANE_MSR(tsc_adjust)},
    {msr::kSpecCtrl, "IA32_SPEC_CTRL", BACKPLANE_MSR(spec_ctrl)},
    {msr::kAmdVirtSpecCtrl, "VIRT_SPEC_CTRL", BACKPLANE_MSR(virt_spec_ctrl)},
    {msr::kTsxCtrl, "IA32_TSX_CTRL", BACKPLANE_MSR(tsx_ctrl)},
    {msr::kMiscFeatureEnables, "MISC_FEATURE_ENABLES", BACKPLANE_MSR(misc_feature_enables)},
    {msr::kUmwaitControl, "IA32_UMWAIT_CONTROL", BACKPLANE_MSR(umwait_control)},
    {msr::kXss, "IA32_XSS", BACKPLANE_MSR(xss)},
    {msr::kBndcfgs, "IA32_BNDCFGS", BACKPLANE_MSR(bndcfgs)},
    {msr::kXfd, "IA32_XFD", BACKPLANE_MSR(xfd)},
    {msr::kXfdError, "IA32_XFD_ERR", BACKPLANE_MSR(xfd_error)},
    {msr::kPkrs, "IA32_PKRS", BACKPLANE_MSR(pkrs)},
    {msr::kDebugCtl, "IA32_DEBUGCTL", BACKPLANE_MSR(debug_ctl), 1, 0, false},
    {msr::kAmdHwcr, "HWCR", BACKPLANE_MSR(hwcr)},
    {msr::kAmdVmHsave, "VM_HSAVE_PA", BACKPLANE_MSR(vm_hsave)},
    {msr::kMtrrDefType, "IA32_MTRR_DEF_TYPE", BACKPLANE_MSR(mtrr_def_type)},
    {msr::kMtrrFix64k, "IA32_MTRR_FIX64K", BACKPLANE_MSR(mtrr_fixed[0])},
    {msr::kMtrrFix16k, "IA32_MTRR_FIX16K", BACKPLANE_MSR(mtrr_fixed[1]), 2},
    {msr::kMtrrFix4k, "IA32_MTRR_FIX4K", BACKPLANE_MSR(mtrr_fixed[3]), 8},
    {msr::kMtrrPhysBase0, "IA32_MTRR_PHYS", BACKPLANE_MSR(mtrr_variable[0]), 2 * kVariableMtrrs},
    {msr::kMcgStatus, "IA32_MCG_STATUS", BACKPLANE_MSR(mcg_status)},
    {msr::kMcgCtl, "IA32_MCG_CTL", BACKPLANE_MSR(mcg_ctl)},
    {msr::kMc0Ctl, "IA32_MC", BACKPLANE_MSR(mca[0]), 4 * kMcaBanks},
    {msr::kKvmWallClock, "KVM_WALL_CLOCK", BACKPLANE_MSR(kvm_wall_clock)},
    {msr::kKvmSystemTime, "KVM_SYSTEM_TIME", BACKPLANE_MSR(kvm_system_time)},
    {msr::kKvmAsyncPf, "KVM_ASYNC_PF_EN", BACKPLANE_MSR(kvm_async_pf)},
    {msr::kKvmAsyncPfInt, "KVM_ASYNC_PF_INT", BACKPLANE_MSR(kvm_async_pf_int)},
    {msr::kKvmStealTime, "KVM_STEAL_TIME", BACKPLANE_MSR(kvm_steal_time)},
    {msr::kKvmPvEoi, "KVM_EOI_EN", BACKPLANE_MSR(kvm_pv_eoi)},
    {msr::kKvmPollControl, "KVM_POLL_CONTROL", BACKPLANE_MSR(kvm_poll_control), 1, 1},
};
#undef BACKPLANE_MSR

#define BACKPLANE_MSR(member) offsetof(X86State, hyperv) + offsetof(HypervState, member)
/// In the order in which they are set: a timer's count ahead of what switches it on.
inline constexpr MsrField kHypervMsrFields[] = {
    {0x40000000, "HV_X64_MSR_GUEST_OS_ID", BACKPLANE_MSR(guest_os_id)},
    {0x40000001, "HV_X64_MSR_HYPERCALL", BACKPLANE_MSR(hypercall)},
    {0x40000010, "HV_X64_MSR_VP_RUNTIME", BACKPLANE_MSR(vp_runtime)},
    {0x40000021, "HV_X64_MSR_REFERENCE_TSC", BACKPLANE_MSR(reference_tsc)},
    {0x40000073, "HV_X64_MSR_VP_ASSIST_PAGE", BACKPLANE_MSR(vp_assist_page)},
    {0x40000106, "HV_X64_MSR_REENLIGHTENMENT_CONTROL", BACKPLANE_MSR(reenlightenment)},
    {0x40000107, "HV_X64_MSR_TSC_EMULATION_CONTROL", BACKPLANE_MSR(tsc_emulation_control)},
    {0x40000108, "HV_X64_MSR_TSC_EMULATION_STATUS", BACKPLANE_MSR(tsc_emulation_status)},
    {0x40000100, "HV_X64_MSR_CRASH_P", BACKPLANE_MSR(crash[0]), 5},
    {msr::kHypervSynicFirst, "HV_X64_MSR_SCONTROL", BACKPLANE_MSR(synic_control)},
    {0x40000082, "HV_X64_MSR_SIEFP", BACKPLANE_MSR(event_page)},
    {0x40000083, "HV_X64_MSR_SIMP", BACKPLANE_MSR(message_page)},
    {0x40000090, "HV_X64_MSR_SINT", BACKPLANE_MSR(synic_source[0]), 16, 1u << 16},
    {0x400000b1, "HV_X64_MSR_STIMER0_COUNT", BACKPLANE_MSR(timer_count[0])},
    {0x400000b0, "HV_X64_MSR_STIMER0_CONFIG", BACKPLANE_MSR(timer_config[0])},
    {0x400000b3, "HV_X64_MSR_STIMER1_COUNT", BACKPLANE_MSR(timer_count[1])},
    {0x400000b2, "HV_X64_MSR_STIMER1_CONFIG", BACKPLANE_MSR(timer_config[1])},
    {0x400000b5, "HV_X64_MSR_STIMER2_COUNT", BACKPLANE_MSR(timer_count[2])},
    {0x400000b4, "HV_X64_MSR_STIMER2_CONFIG", BACKPLANE_MSR(timer_config[2])},
    {0x400000b7, "HV_X64_MSR_STIMER3_COUNT", BACKPLANE_MSR(timer_count[3])},
    {0x400000b6, "HV_X64_MSR_STIMER3_CONFIG", BACKPLANE_MSR(timer_config[3])},
};
#undef BACKPLANE_MSR

/// Word `number` of an MSR's row.
inline std::uint64_t& msr_word(X86State& state, const MsrField& field, std::uint32_t number = 0) {
    return reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(&state) + field.offset)[number];
}

}  // namespace backplane::x86
