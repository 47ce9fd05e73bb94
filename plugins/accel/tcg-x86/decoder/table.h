// What the opcode maps say of an instruction, one row per form (SDM 2D, appendix A; APM 3, appendix A).
//
// Most instructions are *templates*: the host's processor executes them on the guest's operands, so a row says no more
// than where the operands are. The others have an Operation of their own, which executor/ carries out.
#pragma once

#include <cstdint>

namespace backplane::x86 {

enum class Operation : std::uint8_t {
    Undefined,
    TooLong,
    // Executed by the host.
    Template,        ///< general registers and flags
    VectorTemplate,  ///< SSE, AVX
    MmxTemplate,
    X87,
    // Data.
    Nop,
    MoveOffset,  ///< A0–A3
    Lea,
    Push,
    PushImmediate,
    PushSegment,
    PushAll,
    PushFlags,
    Pop,
    PopSegment,
    PopAll,
    PopFlags,
    Enter,
    Leave,
    Divide,
    BitMemory,
    Xlat,
    LoadFlags,   ///< LAHF
    StoreFlags,  ///< SAHF
    ChangeFlag,  ///< CMC, CLC, STC, CLD, STD
    Salc,
    DecimalAdjust,
    AsciiAdjust,
    AsciiMultiply,
    AsciiDivide,
    Movs,
    Cmps,
    Stos,
    Lods,
    Scas,
    Ins,
    Outs,
    Maskmov,
    VectorMaskmov,
    Gather,
    ZeroUpper,
    LoadMxcsr,
    StoreMxcsr,
    SaveState,         ///< FXSAVE, XSAVE, XSAVEOPT
    RestoreState,      ///< FXRSTOR, XRSTOR
    SaveCompacted,     ///< XSAVEC, XSAVES
    RestoreCompacted,  ///< XRSTORS
    Wait,
    Prefetch,  ///< and CLFLUSH, which may fault
    // Control.
    Jump,
    JumpIf,
    JumpRm,
    JumpFar,
    JumpFarMemory,
    JumpCount,  ///< LOOPcc, JCXZ
    Call,
    CallRm,
    CallFar,
    CallFarMemory,
    Return,
    ReturnFar,
    InterruptReturn,
    Interrupt,  ///< INT n
    Breakpoint,
    Overflow,
    DebugTrap,  ///< INT1
    Bound,
    // Segments and system.
    MoveFromSegment,
    MoveToSegment,
    LoadFarPointer,
    Arpl,
    Lar,
    Lsl,
    Verify,
    StoreSelector,  ///< SLDT, STR
    LoadSelector,   ///< LLDT, LTR
    StoreTable,     ///< SGDT, SIDT
    LoadTable,      ///< LGDT, LIDT
    StoreStatus,    ///< SMSW
    LoadStatus,     ///< LMSW
    InvalidatePage,
    InvalidatePcid,
    Group01,  ///< 0F 01 with a register: modrm says which
    ClearTaskSwitched,
    MoveControl,
    MoveDebug,
    SystemCall,
    SystemReturn,
    SysEnter,
    SysExit,
    Cli,
    Sti,
    Halt,
    In,
    Out,
    ReadMsr,
    WriteMsr,
    ReadTsc,
    ReadPmc,
    Cpuid,
    WriteBack,  ///< INVD, WBINVD
    Resume,     ///< RSM
    SegmentBase,
    ReadPid,
    Fence,
};

/// What follows the operands (SDM 2A 3.1.1.3).
enum class Immediate : std::uint8_t {
    None,
    Signed8,
    Unsigned8,
    Word,
    Operand,      ///< 16 or 32 bits, sign-extended
    OperandFull,  ///< 16, 32 or 64 bits
    Offset,       ///< of the address size
    FarPointer,
    WordAndByte,
};

enum class MemoryAccess : std::uint8_t { None, Read, Write, ReadWrite };

/// What ModRM.reg, ModRM.rm and the opcode's low bits name.
namespace operand {
inline constexpr std::uint8_t kRegGpr = 1, kRegXmm = 2, kRegMmx = 4, kRmGpr = 8, kRmXmm = 16, kRmMmx = 32,
                              kOpcodeGpr = 64, kVvvvGpr = 128;
}

namespace row_flag {
inline constexpr std::uint16_t kLock = 1;    ///< LOCK is allowed, with a memory destination
inline constexpr std::uint16_t kNot64 = 2;   ///< undefined in 64-bit code
inline constexpr std::uint16_t kOnly64 = 4;  ///< undefined elsewhere
inline constexpr std::uint16_t kDefault64 =
    8;                                         ///< operands of 64 bits, or 16 with the prefix, in 64-bit code
inline constexpr std::uint16_t kForce64 = 16;  ///< operands of 64 bits in 64-bit code
inline constexpr std::uint16_t kAligned = 32;  ///< of memory: #GP, VEX or not
inline constexpr std::uint16_t kUnaligned = 64;  ///< no alignment, also without VEX
inline constexpr std::uint16_t kFloat = 128;     ///< looks at MXCSR
inline constexpr std::uint16_t kEnds =
    256;  ///< the unit ends behind it: pc, mode or mapping may have changed
inline constexpr std::uint16_t kNoInputFlags = 512;  ///< writes all arithmetic flags without reading one
inline constexpr std::uint16_t kNoFlags = 1024;      ///< neither reads nor writes flags
inline constexpr std::uint16_t kIs4 = 2048;          ///< imm8[7:4] is a vector register
inline constexpr std::uint16_t kProtected = 4096;    ///< undefined in real and virtual-8086 mode
inline constexpr std::uint16_t kXmm0 = 8192;         ///< XMM0 is an operand
}  // namespace row_flag

struct Row {
    Operation operation = Operation::Undefined;
    bool modrm = false;
    Immediate immediate = Immediate::None;
    std::uint8_t operands = 0;  ///< of `operand`
    char size = 0;              ///< of the operands in general registers, or of memory: see table.cpp
    MemoryAccess access = MemoryAccess::None;
    std::uint16_t flags = 0;    ///< of `row_flag`
    std::uint8_t implicit = 0;  ///< general registers 0–7 that it uses by itself, as bits
    bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
};

enum class Map : std::uint8_t { OneByte, Map0f, Map0f38, Map0f3a };
/// The last of the prefixes 66, F3, F2 that counts as a part of the opcode.
enum class Mandatory : std::uint8_t { None, Operand, Rep, Repne };

const Row* rows();
std::uint16_t row_of(Map map, std::uint8_t opcode, Mandatory mandatory, bool vex, std::uint8_t modrm);
/// Has the opcode a ModRM byte, whatever that is? Undefined opcodes have one where the manual's map says nothing else.
bool has_modrm(Map map, std::uint8_t opcode);

}  // namespace backplane::x86
