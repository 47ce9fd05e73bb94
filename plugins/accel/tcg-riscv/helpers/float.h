// Floating-point instructions whose rounding mode is ties-to-away (rmm), which the host does not have.
#pragma once

#include <cstdint>

namespace backplane::riscv::helpers {

enum class AwayOperation : std::uint8_t {
    Add,
    Subtract,
    Multiply,
    Divide,
    SquareRoot,
    MultiplyAdd,  ///< ±(a * b) ± c
    ToSingle,     ///< from a double
    FromSigned32,
    FromUnsigned32,
    FromSigned64,
    FromUnsigned64,
    ToSigned32,
    ToUnsigned32,
    ToSigned64,
    ToUnsigned64,
};

/// What away() is told about the operation, in one word.
struct AwayControl {
    AwayOperation operation = AwayOperation::Add;
    bool is_double = false;  ///< the format; ToSingle: of the operand
    bool negate_product = false;
    bool negate_addend = false;
    constexpr std::uint64_t pack() const {
        return static_cast<std::uint64_t>(operation) | std::uint64_t{is_double} << 8 |
               std::uint64_t{negate_product} << 9 | std::uint64_t{negate_addend} << 10;
    }
    static constexpr AwayControl unpack(std::uint64_t word) {
        return {static_cast<AwayOperation>(word & 0xff), (word >> 8 & 1) != 0, (word >> 9 & 1) != 0,
                (word >> 10 & 1) != 0};
    }
};

/// Operands and result are whole registers: singles are NaN-boxed, 32-bit integers sign-extended. Accrues exceptions in
/// the state.
std::uint64_t away(void* state, std::uint64_t control, std::uint64_t a, std::uint64_t b, std::uint64_t c);

}  // namespace backplane::riscv::helpers
