// The opcodes of the translator's intermediate representation, one line each. No include guard: the builder's users,
// the verifier, the dumper and the emitters define X, include this, and X is undefined at the end.
//
//   X(name, class, result, inputs, shape)
//     class   Int, Flow, Mem, Fp, Sys: which file of a host back end emits it
//     result  1: `dst` receives a value
//     inputs  how many of a, b, c, d are values
//     shape   what the other fields of the op mean:
//             W  width (of the operation)          WC width, aux = Cond
//             L  imm = label                       LC imm = label, aux = Cond, width
//             M  aux = MemFlags, imm = offset, mode
//             F  width = float width, aux = FpFlags    FX see the comment
//             I  width, imm = small integer        N  nothing, or as commented

// ---- integers: I64 acts on 64 bits; I32 acts on the low 32 bits and zero-extends the result; I32S sign-extends it.
X(mov, Int, 1, 1, W)       // dst = a (I32, I32S: of its low half, extended)
X(add, Int, 1, 2, W)
X(sub, Int, 1, 2, W)
X(and_, Int, 1, 2, W)
X(or_, Int, 1, 2, W)
X(xor_, Int, 1, 2, W)
X(andn, Int, 1, 2, W)      // a & ~b
X(orn, Int, 1, 2, W)       // a | ~b
X(xnor, Int, 1, 2, W)      // ~(a ^ b)
X(shl, Int, 1, 2, W)       // shifts and rotates count b modulo the width
X(shr, Int, 1, 2, W)
X(sar, Int, 1, 2, W)
X(rotl, Int, 1, 2, W)
X(rotr, Int, 1, 2, W)
X(mul, Int, 1, 2, W)
X(mulh_ss, Int, 1, 2, W)   // high half of the double-width product, both signed
X(mulh_uu, Int, 1, 2, W)
X(mulh_su, Int, 1, 2, W)   // a signed, b unsigned
// Division is total: by 0 the quotient is all ones and the remainder is a; the signed overflow yields a and 0.
X(div_s, Int, 1, 2, W)
X(div_u, Int, 1, 2, W)
X(rem_s, Int, 1, 2, W)
X(rem_u, Int, 1, 2, W)
X(clz, Int, 1, 1, W)       // of 0: the width
X(ctz, Int, 1, 1, W)
X(popcnt, Int, 1, 1, W)
X(bswap, Int, 1, 1, W)
X(orc_b, Int, 1, 1, W)     // each byte: 0xff unless it is 0
X(brev8, Int, 1, 1, W)     // the bits of each byte, reversed
X(clmul, Int, 1, 2, W)     // carry-less product, low half (I64 only)
X(clmulh, Int, 1, 2, W)    // high half (I64 only)
X(sext8, Int, 1, 1, N)
X(sext16, Int, 1, 1, N)
X(sext32, Int, 1, 1, N)
X(zext8, Int, 1, 1, N)
X(zext16, Int, 1, 1, N)
X(zext32, Int, 1, 1, N)
X(min_s, Int, 1, 2, W)
X(min_u, Int, 1, 2, W)
X(max_s, Int, 1, 2, W)
X(max_u, Int, 1, 2, W)
X(add_shifted, Int, 1, 2, I)  // (a << imm) + b, imm 0..3
X(extract, Int, 1, 1, I)      // imm = position | length << 8: that bit field of a, zero-extended
X(deposit, Int, 1, 2, I)      // imm likewise: a with that field replaced by the low bits of b
X(setcond, Int, 1, 2, WC)     // (a cond b) ? 1 : 0; I32 and I32S compare the low halves
X(select, Int, 1, 4, WC)      // (a cond b) ? c : d; c and d are moved whole

// ---- control inside a block: forward only; a label is placed once
X(label, Flow, 0, 0, L)
X(br, Flow, 0, 0, L)
X(brcond, Flow, 0, 2, LC)     // if (a cond b) goto label

// ---- leaving a block
X(goto_pc, Flow, 0, 2, I)     // a = a constant guest pc; chained; imm, b as below
X(goto_value, Flow, 0, 2, I)  // pc = a; imm = JumpHint; b = the return address of a Call (a constant)
X(leave, Flow, 0, 0, I)       // the state's pc is already right; imm = LeaveKind

// ---- guest memory: address = a + imm
X(load, Mem, 1, 1, M)
X(store, Mem, 0, 2, M)        // [a] = b
X(atomic_add, Mem, 1, 2, M)   // dst = old value, extended as aux says; [a] = old op b
X(atomic_and, Mem, 1, 2, M)
X(atomic_or, Mem, 1, 2, M)
X(atomic_xor, Mem, 1, 2, M)
X(atomic_swap, Mem, 1, 2, M)
X(atomic_min_s, Mem, 1, 2, M)
X(atomic_max_s, Mem, 1, 2, M)
X(atomic_min_u, Mem, 1, 2, M)
X(atomic_max_u, Mem, 1, 2, M)
X(cmpxchg, Mem, 1, 3, M)      // dst = old; if old == b (at the access's size) [a] = c
X(fence, Mem, 0, 0, I)        // imm = FenceKind

// ---- scalar floating point: a value's low 32 bits or all 64; see FpFlags for boxing and NaN
X(fadd, Fp, 1, 2, F)
X(fsub, Fp, 1, 2, F)
X(fmul, Fp, 1, 2, F)
X(fdiv, Fp, 1, 2, F)
X(fsqrt, Fp, 1, 1, F)
X(fma, Fp, 1, 3, F)           // ±(a * b) ± c, one rounding; kNegateProduct, kNegateAddend
X(fmin, Fp, 1, 2, F)          // IEEE 754-2019 minimumNumber: a number wins over NaN, -0 < +0; sNaN is invalid
X(fmax, Fp, 1, 2, F)
X(fcmp_eq, Fp, 1, 2, F)       // 0 or 1, quiet: invalid for sNaN only
X(fcmp_lt, Fp, 1, 2, F)       // 0 or 1, signalling: invalid for every NaN
X(fcmp_le, Fp, 1, 2, F)
X(fsgn_copy, Fp, 1, 2, F)     // a with the sign of b; never raises, keeps NaN as it is
X(fsgn_not, Fp, 1, 2, F)      // a with the opposite of b's sign
X(fsgn_xor, Fp, 1, 2, F)      // a with its sign xor b's
X(fclass, Fp, 1, 1, F)        // one bit: 0 -inf, 1 -normal, 2 -subnormal, 3 -0, 4 +0 … 7 +inf, 8 sNaN, 9 qNaN
X(fwiden, Fp, 1, 1, F)        // f32 → f64; width is F32 (of the source), kBoxed concerns the source
X(fnarrow, Fp, 1, 1, F)       // f64 → f32; width is F64 (of the source), kBoxed concerns the result
X(fround, Fp, 1, 1, F)        // to integral, in the current rounding mode (kTruncate: to 0); raises inexact
X(f_from_int, Fp, 1, 1, FX)   // width = float width of the result, imm = IntKind of a
X(f_to_int, Fp, 1, 1, FX)     // width = float width of a, imm = IntKind of the result: saturates; NaN as FpFlags say;
                              //   a 32-bit result is sign-extended to 64 (U32 as well)
X(fbox, Fp, 1, 1, N)          // a | 0xffffffff'00000000
X(funbox, Fp, 1, 1, N)        // a's low half if its upper half is all ones, else 0x7fc00000; zero-extended
X(fp_mode, Fp, 0, 0, I)       // imm = FpRounding for what follows in this instruction; kDynamic: back to the state's
X(fp_exceptions, Fp, 1, 0, N) // dst = the sticky exceptions (fp_exception) so far; they stay
X(fp_forget, Fp, 0, 1, N)     // no sticky exceptions any more; those that are in a may stay

// ---- the rest
X(load_state, Sys, 1, 0, M)   // dst = field of the guest state at byte imm; aux = MemFlags (size and sign)
X(store_state, Sys, 0, 1, M)  // field = a
X(call, Sys, 1, 0, N)         // imm = index into Block::calls; dst may be none
X(insn, Sys, 0, 0, N)         // a guest instruction starts: imm = index into Block::instructions
#undef X
