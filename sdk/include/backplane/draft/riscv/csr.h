// Draft: needs the exact host build. The control and status registers of a RISC-V hart: numbers, fields, causes.
//
// Spelled as in "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture", document version 20211203
// (Machine ISA v1.12, Supervisor ISA v1.12; "priv" below), and "RISC-V 'stimecmp / vstimecmp' Extension" 1.0 (Sstc).
#pragma once

#include <backplane/draft/mark.h>

#include <cstdint>

namespace backplane::riscv {

/// Privilege modes (priv 1.2).
enum class Privilege : std::uint8_t { User = 0, Supervisor = 1, Machine = 3 };

/// CSR numbers (priv 2.2).
enum Csr : std::uint16_t {
    kFflags = 0x001,
    kFrm = 0x002,
    kFcsr = 0x003,
    kCycle = 0xc00,
    kTime = 0xc01,
    kInstret = 0xc02,
    kHpmcounter3 = 0xc03,
    kHpmcounter31 = 0xc1f,

    kSstatus = 0x100,
    kSie = 0x104,
    kStvec = 0x105,
    kScounteren = 0x106,
    kSenvcfg = 0x10a,
    kSscratch = 0x140,
    kSepc = 0x141,
    kScause = 0x142,
    kStval = 0x143,
    kSip = 0x144,
    kStimecmp = 0x14d,
    kSatp = 0x180,

    kMstatus = 0x300,
    kMisa = 0x301,
    kMedeleg = 0x302,
    kMideleg = 0x303,
    kMie = 0x304,
    kMtvec = 0x305,
    kMcounteren = 0x306,
    kMenvcfg = 0x30a,
    kMcountinhibit = 0x320,
    kMhpmevent3 = 0x323,
    kMhpmevent31 = 0x33f,
    kMscratch = 0x340,
    kMepc = 0x341,
    kMcause = 0x342,
    kMtval = 0x343,
    kMip = 0x344,
    kPmpcfg0 = 0x3a0,
    kPmpcfg15 = 0x3af,
    kPmpaddr0 = 0x3b0,
    kPmpaddr15 = 0x3bf,
    kPmpaddr63 = 0x3ef,
    kMcycle = 0xb00,
    kMinstret = 0xb02,
    kMhpmcounter3 = 0xb03,
    kMhpmcounter31 = 0xb1f,
    kMvendorid = 0xf11,
    kMarchid = 0xf12,
    kMimpid = 0xf13,
    kMhartid = 0xf14,
    kMconfigptr = 0xf15,
};

/// mstatus (priv 3.1.6); sstatus shows a part of it (priv 4.1.1).
namespace mstatus {
inline constexpr std::uint64_t kSie = 1ull << 1;
inline constexpr std::uint64_t kMie = 1ull << 3;
inline constexpr std::uint64_t kSpie = 1ull << 5;
inline constexpr std::uint64_t kMpie = 1ull << 7;
inline constexpr std::uint64_t kSpp = 1ull << 8;
inline constexpr unsigned kMppShift = 11;
inline constexpr std::uint64_t kMpp = 3ull << kMppShift;
inline constexpr unsigned kFsShift = 13;
inline constexpr std::uint64_t kFs = 3ull << kFsShift;
inline constexpr std::uint64_t kMprv = 1ull << 17;
inline constexpr std::uint64_t kSum = 1ull << 18;
inline constexpr std::uint64_t kMxr = 1ull << 19;
inline constexpr std::uint64_t kTvm = 1ull << 20;
inline constexpr std::uint64_t kTw = 1ull << 21;
inline constexpr std::uint64_t kTsr = 1ull << 22;
inline constexpr std::uint64_t kUxl = 3ull << 32;
inline constexpr std::uint64_t kUxl64 = 2ull << 32;
inline constexpr std::uint64_t kSxl = 3ull << 34;
inline constexpr std::uint64_t kSxl64 = 2ull << 34;
inline constexpr std::uint64_t kSd = 1ull << 63;
}  // namespace mstatus

/// Bits of mip, mie, mideleg, and interrupt numbers in mcause (priv 3.1.9, table 3.6).
namespace interrupt {
inline constexpr unsigned kSupervisorSoftware = 1;
inline constexpr unsigned kMachineSoftware = 3;
inline constexpr unsigned kSupervisorTimer = 5;
inline constexpr unsigned kMachineTimer = 7;
inline constexpr unsigned kSupervisorExternal = 9;
inline constexpr unsigned kMachineExternal = 11;
/// How many inputs the group "irq" of a hart has.
inline constexpr unsigned kCount = 16;

inline constexpr std::uint64_t kSsip = 1ull << kSupervisorSoftware;
inline constexpr std::uint64_t kMsip = 1ull << kMachineSoftware;
inline constexpr std::uint64_t kStip = 1ull << kSupervisorTimer;
inline constexpr std::uint64_t kMtip = 1ull << kMachineTimer;
inline constexpr std::uint64_t kSeip = 1ull << kSupervisorExternal;
inline constexpr std::uint64_t kMeip = 1ull << kMachineExternal;
inline constexpr std::uint64_t kSupervisor = kSsip | kStip | kSeip;
inline constexpr std::uint64_t kMachine = kMsip | kMtip | kMeip;
inline constexpr std::uint64_t kCauseFlag = 1ull << 63;
}  // namespace interrupt

/// Synchronous exceptions in mcause (priv table 3.6).
enum class Cause : std::uint8_t {
    InstructionMisaligned = 0,
    InstructionAccessFault = 1,
    IllegalInstruction = 2,
    Breakpoint = 3,
    LoadMisaligned = 4,
    LoadAccessFault = 5,
    StoreMisaligned = 6,  ///< and AMO
    StoreAccessFault = 7,
    UserCall = 8,
    SupervisorCall = 9,
    MachineCall = 11,
    InstructionPageFault = 12,
    LoadPageFault = 13,
    StorePageFault = 15,
};

/// satp (priv 4.1.11).
namespace satp {
inline constexpr unsigned kModeShift = 60;
inline constexpr unsigned kAsidShift = 44;
inline constexpr std::uint64_t kAsid = 0xffffull << kAsidShift;
inline constexpr std::uint64_t kPpn = (1ull << 44) - 1;
enum Mode : std::uint8_t { kBare = 0, kSv39 = 8, kSv48 = 9, kSv57 = 10 };
}  // namespace satp

/// Page table entries (priv 4.4.1; N: Svnapot, PBMT: Svpbmt).
namespace pte {
inline constexpr std::uint64_t kValid = 1u << 0;
inline constexpr std::uint64_t kRead = 1u << 1;
inline constexpr std::uint64_t kWrite = 1u << 2;
inline constexpr std::uint64_t kExecute = 1u << 3;
inline constexpr std::uint64_t kUser = 1u << 4;
inline constexpr std::uint64_t kGlobal = 1u << 5;
inline constexpr std::uint64_t kAccessed = 1u << 6;
inline constexpr std::uint64_t kDirty = 1u << 7;
inline constexpr unsigned kPpnShift = 10;
inline constexpr std::uint64_t kPpn = (1ull << 44) - 1;     ///< after the shift
inline constexpr std::uint64_t kReserved = 0x3ffull << 54;  ///< N, PBMT and reserved bits
}  // namespace pte

/// menvcfg, senvcfg (priv 3.1.18, 4.1.10).
namespace envcfg {
inline constexpr std::uint64_t kFiom = 1ull << 0;
inline constexpr std::uint64_t kAdue = 1ull << 61;  ///< menvcfg, Svadu
inline constexpr std::uint64_t kStce = 1ull << 63;  ///< menvcfg, Sstc
}  // namespace envcfg

/// pmpcfg, one byte per entry (priv 3.7.1).
namespace pmpcfg {
inline constexpr std::uint8_t kRead = 1;
inline constexpr std::uint8_t kWrite = 2;
inline constexpr std::uint8_t kExecute = 4;
inline constexpr unsigned kModeShift = 3;
inline constexpr std::uint8_t kLock = 0x80;
inline constexpr std::uint8_t kImplemented = 0x9f;
enum Mode : std::uint8_t { kOff = 0, kTor = 1, kNa4 = 2, kNapot = 3 };
}  // namespace pmpcfg

/// fcsr (Volume I 11.2).
inline constexpr std::uint32_t kFflagsMask = 0x1f;
inline constexpr std::uint32_t kFrmMask = 0x7;
/// fflags bits.
enum FloatFlag : std::uint8_t {
    kInexact = 1,
    kUnderflow = 2,
    kOverflow = 4,
    kDivideByZero = 8,
    kInvalid = 16
};
/// frm and an instruction's rm field.
enum RoundingMode : std::uint8_t { kRne = 0, kRtz = 1, kRdn = 2, kRup = 3, kRmm = 4, kDynamic = 7 };

}  // namespace backplane::riscv
