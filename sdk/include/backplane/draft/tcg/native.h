// Draft: needs the exact host build. An instruction of the host, passed on by a front end whose guest speaks the same
// ISA: the encoding as the guest has it, with values in place of registers. The back end puts in its own registers and
// the checked address of a memory operand, so that nothing is translated but the operands.
//
// Encodings are those of x86-64 (SDM volume 2, chapter 2); UnitTranslation::native says whether the host takes them.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/draft/tcg/value.h>

#include <cstdint>

namespace backplane::tcg {

/// The guest's status flags (GuestDescription::status_offset) are one implicit value. Native instructions read and write
/// some of them; a block starts and ends with all of them right.
namespace status {
inline constexpr std::uint8_t kCarry = 1, kParity = 2, kAdjust = 4, kZero = 8, kSign = 16, kOverflow = 32;
inline constexpr std::uint8_t kAll = 63;
}  // namespace status

/// What a branch asks of the status flags; numbered as in the low four bits of Jcc (SDM 2, B.1.4.7).
enum class StatusCond : std::uint8_t {
    Overflow,
    NotOverflow,
    Below,
    NotBelow,
    Equal,
    NotEqual,
    NotAbove,
    Above,
    Sign,
    NotSign,
    Parity,
    NotParity,
    Less,
    NotLess,
    NotGreater,
    Greater,
};

/// A register or memory operand. What is written in 4 bytes clears the register's upper half, what is written in 1 or 2
/// leaves the rest of it alone.
struct NativeOperand {
    Value value{};
    std::uint8_t bytes = 0;  ///< 1, 2, 4, 8; 16 or 32 of a Vector register
    bool high = false;       ///< bits 8 to 15 of the value (`bytes` is 1)
    bool read = false;
    bool written = false;
};

/// An operand that the encoding does not name: MUL's, a shift count, the mask of BLENDVPS.
struct NativeFixed {
    Value value{};
    std::uint8_t number = 0;  ///< of the host's register: 0 rax, 1 rcx, 2 rdx; 0 of a Vector register: xmm0
    bool read = false;        ///< also where a part of it stays
    bool written = false;
};

/// No value may be written through two operands.
struct Native {
    const char* name = "";     ///< for -d op; a literal
    bool vex = false;          ///< VEX, else legacy
    std::uint8_t map = 0;      ///< 0: one byte; 1: 0F; 2: 0F 38; 3: 0F 3A
    std::uint8_t prefix = 0;   ///< 0, 0x66, 0xf2, 0xf3 (with VEX: pp)
    bool operand16 = false;    ///< 0x66 beside `prefix`
    bool wide = false;         ///< REX.W, VEX.W
    bool long_vector = false;  ///< VEX.L
    bool lock = false;
    std::uint8_t opcode = 0;
    bool modrm = true;  ///< false: no operand but the fixed ones, or `reg` in the opcode's low three bits
    std::int8_t extension = -1;  ///< not negative: ModRM.reg, in place of `reg`
    bool rm_stays_register =
        false;                    ///< a slot of the state is not the same to it (BT with a register, CMPXCHG)
    NativeOperand reg, rm, vvvv;  ///< rm.value is not used with a memory operand
    NativeOperand is4;            ///< in bits 4 to 7 of the immediate
    /// It uses the guest's x87 registers (GuestDescription::x87_offset), x87 or MMX. They are in the host's then, by the
    /// numbers that they have: `reg_number` and `rm_number`, where not negative, stand in place of `reg` and `rm`. All
    /// exceptions that an x87 instruction may raise are masked.
    bool x87 = false;
    std::int8_t reg_number = -1, rm_number = -1;
    /// The instruction may load the x87 control word: where an exception is no longer masked behind it, the unit is left,
    /// and the guest goes on at this pc (a constant).
    Value unmasked_pc{};
    std::int16_t address =
        -1;  ///< not negative: ModRM.rm is memory, at Block::addresses[address]; 10 bytes with x87
    std::uint8_t mode = kBlockMode;
    bool aligned = false;  ///< a memory operand that is not aligned to its size faults
    NativeFixed fixed[3];
    std::uint8_t immediate_bytes = 0;
    std::int64_t immediate = 0;
    std::uint8_t status_read = 0;
    std::uint8_t status_written = 0;  ///< also those that it leaves undefined
};

}  // namespace backplane::tcg
