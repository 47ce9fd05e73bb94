// DIV and IDIV of 32 and 64 bits (SDM 2A). The host's instruction does it where it cannot raise: where the quotient fits by what
// is cheap to see. The executor has the rest.
#include "translator.h"

namespace backplane::x86 {

using tcg::Builder;
using tcg::Cond;
using tcg::Value;
using tcg::Width;

namespace {

tcg::Native division(bool is_signed, unsigned size, Value divisor) {
    tcg::Native n;
    n.name = is_signed ? "idiv" : "div";
    n.opcode = 0xf7;
    n.extension = is_signed ? 7 : 6;
    n.wide = size == 8;
    n.rm = {divisor, std::uint8_t(size), false, true, false};
    n.fixed[0] = {Builder::reg(kRax), 0, true, true};
    n.fixed[1] = {Builder::reg(kRdx), 2, true, true};
    n.status_written = tcg::status::kAll;  // undefined
    return n;
}

}  // namespace

bool Translator::divide() {
    const unsigned size = i_.operand_size;
    if (!unit_.native || size < 4) return false;
    const bool is_signed = i_.extension() == 7;
    const Width width = size == 8 ? Width::I64 : Width::I32;
    const Value rax = Builder::reg(kRax), rdx = Builder::reg(kRdx);
    Value divisor = Builder::reg(i_.rm());
    if (i_.has_memory()) {
        Value at{};
        if (!address(at, true)) return false;
        divisor = b_.temp();
        b_.load(divisor, at, 0, access());
    } else if (divisor == rax || divisor == rdx) {
        const Value copy = b_.temp();
        b_.mov(copy, divisor);
        divisor = copy;
    }
    const tcg::Label other = b_.make_label(), done = b_.make_label();
    if (is_signed) {  // of a number that was extended, by neither 0 nor -1
        const Value sign = b_.temp(), next = b_.temp();
        b_.sar(sign, rax, b_.constant(size * 8 - 1), width);
        b_.branch_if(Cond::Ne, sign, rdx, other, width);
        b_.add(next, divisor, b_.constant(1), width);
        b_.branch_if(Cond::Leu, next, b_.constant(1), other, width);
    } else {
        b_.branch_if(Cond::Leu, divisor, rdx, other, width);
    }
    b_.native(division(is_signed, size, divisor));
    b_.branch(done);
    b_.place(other);
    call();
    b_.place(done);
    return true;
}

}  // namespace backplane::x86
