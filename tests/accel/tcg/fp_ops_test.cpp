// Each floating-point op against the host's arithmetic in C++: values, sticky exceptions, rounding modes, boxing, NaN.
#include "harness.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <random>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;
constexpr u64 kBox = 0xffffffff00000000u;
constexpr u64 kNan64 = 0x7ff8000000000000u, kNan32 = 0x7fc00000u;

const u64 kEdges64[] = {0,
                        0x8000000000000000u,
                        1,
                        0x8000000000000001u,
                        0x000fffffffffffffu,
                        0x0010000000000000u,
                        0x3ff0000000000000u,
                        0xbff0000000000000u,
                        0x3ff8000000000000u,
                        0x4000000000000000u,
                        0x41dfffffffc00000u,
                        0x41e0000000000000u,
                        0xc1e0000000000000u,
                        0xc1e0000000200000u,
                        0x41efffffffe00000u,
                        0x41f0000000000000u,
                        0x43dfffffffffffffu,
                        0x43e0000000000000u,
                        0xc3e0000000000000u,
                        0x43efffffffffffffu,
                        0x43f0000000000000u,
                        0x3fe0000000000000u,
                        0xbfe0000000000000u,
                        0xbfefffffffffffffu,
                        0x7fefffffffffffffu,
                        0xffefffffffffffffu,
                        0x7ff0000000000000u,
                        0xfff0000000000000u,
                        kNan64,
                        0x7ff0000000000001u,
                        0xfff8000000000123u,
                        0x47efffffe0000000u,
                        0x36a0000000000000u,
                        0x380fffffffffffffu};

u64 edge32(u64 bits) {
    switch (bits) {  // the same kinds of numbers
    case 1: return 1;
    case 0x8000000000000001u: return 0x80000001u;
    case 0x000fffffffffffffu: return 0x007fffffu;
    case 0x0010000000000000u: return 0x00800000u;
    case 0x7fefffffffffffffu: return 0x7f7fffffu;
    case 0xffefffffffffffffu: return 0xff7fffffu;
    case 0x7ff0000000000001u: return 0x7f800001u;
    default: return std::bit_cast<std::uint32_t>(float(std::bit_cast<double>(bits)));
    }
}

std::uint32_t host_exceptions() {
    const int e = std::fetestexcept(FE_ALL_EXCEPT);
    return (e & FE_INEXACT ? fp_exception::kInexact : 0u) |
           (e & FE_UNDERFLOW ? fp_exception::kUnderflow : 0u) |
           (e & FE_OVERFLOW ? fp_exception::kOverflow : 0u) |
           (e & FE_DIVBYZERO ? fp_exception::kDivideByZero : 0u) |
           (e & FE_INVALID ? fp_exception::kInvalid : 0u);
}

constexpr int kHostModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

template <class T>
bool signalling(T) = delete;
bool signalling(double d) {
    const u64 b = std::bit_cast<u64>(d);
    return std::isnan(d) && !(b >> 51 & 1);
}
bool signalling(float f) {
    const auto b = std::bit_cast<std::uint32_t>(f);
    return std::isnan(f) && !(b >> 22 & 1);
}

struct Result {
    u64 bits;
    std::uint32_t exceptions;
};

/// Runs `compute` in a host rounding mode and collects what it raised.
template <class Compute>
Result on_host(FpRounding mode, Compute compute) {
    std::fesetround(kHostModes[unsigned(mode)]);
    std::feclearexcept(FE_ALL_EXCEPT);
    const u64 bits = compute();
    const std::uint32_t e = host_exceptions();
    std::fesetround(FE_TONEAREST);
    return {bits, e};
}

class FpOps : public ::testing::Test {
  protected:
    struct Case {
        u64 a, b, c;
        Result expected;
    };
    struct Trial {
        std::vector<Case> cases;
        std::size_t next = 0;
        FpRounding mode{};
        std::vector<Result> results;
        bool integer;
    };
    static inline Trial* trial = nullptr;

    static std::uint64_t feed(void* state) {
        auto& s = *static_cast<GuestState*>(state);
        auto& v = vcpu_of(state);
        const std::uint32_t e = v.take_fp_exceptions();
        if (trial->next > 0) trial->results.push_back({trial->integer ? s.x[5] : s.f[3], e});
        if (trial->next == trial->cases.size()) {
            v.set_fp_rounding(FpRounding::NearestEven);
            return 1;
        }
        v.set_fp_rounding(trial->mode);
        const Case& c = trial->cases[trial->next++];
        s.f[0] = s.x[6] = c.a;
        s.f[1] = s.x[7] = c.b;
        s.f[2] = c.c;
        s.f[3] = s.x[5] = 0x5555555555555555;
        return 0;
    }

    void run(const char* name, FpRounding mode, std::vector<Case> cases, bool integer,
             const std::function<void(Builder&)>& emit) {
        Trial t;
        t.cases = std::move(cases);
        t.mode = mode;
        t.integer = integer;
        trial = &t;
        const auto head = machine.define([](Builder& builder, UnitTranslation& u) {
            const Value end = builder.temp();
            const Label more = builder.make_label();
            builder.call(end, &FpOps::feed, "feed", helper::kReadsRegisters | helper::kWritesRegisters, {});
            builder.branch_if(Cond::Eq, end, builder.constant(0), more);
            builder.goto_pc(u.pc + 12);
            builder.place(more);
            return Translated::Next;
        });
        machine.run({head, machine.plain(emit), machine.jump(kRamBase)});
        ASSERT_EQ(t.results.size(), t.cases.size());
        for (std::size_t i = 0; i < t.cases.size(); ++i) {
            const Case& c = t.cases[i];
            ASSERT_EQ(t.results[i].bits, c.expected.bits) << name << " mode " << unsigned(mode) << std::hex
                                                          << " of " << c.a << ' ' << c.b << ' ' << c.c;
            ASSERT_EQ(t.results[i].exceptions, c.expected.exceptions)
                << name << " raises, mode " << unsigned(mode) << std::hex << " of " << c.a << ' ' << c.b
                << ' ' << c.c;
        }
    }

    /// Every edge pair and random numbers; `compute` gets floats of type T and gives bits.
    template <class T, class Compute>
    void floats(const char* name, FpRounding mode, bool integer, Compute compute,
                const std::function<void(Builder&, std::uint8_t boxed)>& emit) {
        constexpr bool kWide = sizeof(T) == 8;
        std::mt19937_64 random(3);
        std::vector<Case> cases;
        const auto add = [&](u64 a, u64 b, u64 c) {
            Case k{a, b, c, {}};
            const auto number = [](u64 bits) -> T {
                if constexpr (sizeof(T) == 8) return std::bit_cast<double>(bits);
                else return std::bit_cast<float>(std::uint32_t(bits));
            };
            k.expected = on_host(mode, [&] { return u64(compute(number(a), number(b), number(c))); });
            if (!kWide) {
                k.a |= kBox, k.b |= kBox, k.c |= kBox;
                if (!integer) k.expected.bits |= kBox;
            }
            cases.push_back(k);
        };
        const auto edge = [&](u64 e) { return kWide ? e : edge32(e); };
        for (u64 a : kEdges64)
            for (u64 b : kEdges64) add(edge(a), edge(b), edge(kEdges64[random() % std::size(kEdges64)]));
        for (int i = 0; i < 500; ++i) {
            const u64 narrow = kWide ? 0 : 32;
            add(random() >> narrow, random() >> narrow, random() >> narrow);
        }
        run(name, mode, std::move(cases), integer, [&](Builder& b) { emit(b, kWide ? 0 : fp::kBoxed); });
    }

    template <class T>
    static u64 bits_of(T r) {
        if constexpr (sizeof(T) == 8) return std::isnan(r) ? kNan64 : std::bit_cast<u64>(r);
        else return std::isnan(r) ? kNan32 : std::bit_cast<std::uint32_t>(r);
    }

    template <class T>
    void arithmetic() {
        constexpr Width w = sizeof(T) == 8 ? Width::F64 : Width::F32;
        for (unsigned m = 0; m < 4; ++m) {
            const auto mode = FpRounding(m);
            const auto binary = [&](const char* name, Opcode op, auto compute) {
                floats<T>(
                    name, mode, false, [&](T a, T b, T) { return bits_of<T>(compute(a, b)); },
                    [&](Builder& b, std::uint8_t box) {
                        b.fp2(op, F(3), F(0), F(1), w, box | fp::kDefaultNan);
                    });
            };
            binary("fadd", Opcode::fadd, [](T a, T b) {
                volatile T x = a, y = b, r = x + y;
                return r;
            });
            binary("fsub", Opcode::fsub, [](T a, T b) {
                volatile T x = a, y = b, r = x - y;
                return r;
            });
            binary("fmul", Opcode::fmul, [](T a, T b) {
                volatile T x = a, y = b, r = x * y;
                return r;
            });
            binary("fdiv", Opcode::fdiv, [](T a, T b) {
                volatile T x = a, y = b, r = x / y;
                return r;
            });
            floats<T>(
                "fsqrt", mode, false,
                [](T a, T, T) {
                    volatile T x = a, r = std::sqrt(T(x));
                    return bits_of<T>(r);
                },
                [&](Builder& b, std::uint8_t box) {
                    b.fp1(Opcode::fsqrt, F(3), F(0), w, box | fp::kDefaultNan);
                });
            for (std::uint8_t negate : {0, 4, 8, 12})
                floats<T>(
                    "fma", mode, false,
                    [&](T a, T b, T c) {
                        const bool product = (std::isinf(a) && b == 0) || (std::isinf(b) && a == 0);
                        volatile T x = negate & fp::kNegateProduct ? -a : a, y = b,
                                   z = negate & fp::kNegateAddend ? -c : c;
                        volatile T r = std::fma(T(x), T(y), T(z));
                        if (product) std::feraiseexcept(FE_INVALID);
                        return bits_of<T>(r);
                    },
                    [&](Builder& b, std::uint8_t box) {
                        b.fma(F(3), F(0), F(1), F(2), w, box | negate | fp::kDefaultNan);
                    });
            if (HasFatalFailure()) return;
        }
    }

    template <class T>
    void compare_and_choose() {
        constexpr Width w = sizeof(T) == 8 ? Width::F64 : Width::F32;
        const auto mode = FpRounding::NearestEven;
        const auto compare = [&](const char* name, Opcode op, bool quiet, auto compute) {
            floats<T>(
                name, mode, true,
                [&](T a, T b, T) {
                    const bool nan = std::isnan(a) || std::isnan(b);
                    if (signalling(a) || signalling(b) || (nan && !quiet)) std::feraiseexcept(FE_INVALID);
                    return u64(!nan && compute(a, b));
                },
                [&](Builder& b, std::uint8_t box) { b.fp2(op, X(5), F(0), F(1), w, box); });
        };
        compare("fcmp_eq", Opcode::fcmp_eq, true,
                [](T a, T b) { return std::islessequal(a, b) && !std::isless(a, b); });
        compare("fcmp_lt", Opcode::fcmp_lt, false, [](T a, T b) { return std::isless(a, b); });
        compare("fcmp_le", Opcode::fcmp_le, false, [](T a, T b) { return std::islessequal(a, b); });
        for (const bool minimum : {true, false})
            floats<T>(
                "fmin/fmax", mode, false,
                [&](T a, T b, T) -> u64 {
                    if (signalling(a) || signalling(b)) std::feraiseexcept(FE_INVALID);
                    if (std::isnan(a) && std::isnan(b)) return bits_of<T>(a);
                    if (std::isnan(a)) return bits_of<T>(b);
                    if (std::isnan(b)) return bits_of<T>(a);
                    if (a == 0 && b == 0) return bits_of<T>((std::signbit(a) == minimum) ? a : b);
                    return bits_of<T>((std::isless(a, b) == minimum) ? a : b);
                },
                [&](Builder& b, std::uint8_t box) {
                    b.fp2(minimum ? Opcode::fmin : Opcode::fmax, F(3), F(0), F(1), w, box);
                });
        const auto raw = [](T v) {
            if constexpr (sizeof(T) == 8) return std::bit_cast<u64>(v);
            else return u64(std::bit_cast<std::uint32_t>(v));
        };
        constexpr u64 kSign = sizeof(T) == 8 ? u64{1} << 63 : u64{1} << 31;
        const auto sign = [&](const char* name, Opcode op, bool same, auto compute) {
            floats<T>(
                name, mode, false, [&](T a, T b, T) { return compute(raw(a), raw(same ? a : b)); },
                [&](Builder& b, std::uint8_t box) { b.fp2(op, F(3), F(0), same ? F(0) : F(1), w, box); });
        };
        for (bool same : {false, true}) {
            sign("fsgn_copy", Opcode::fsgn_copy, same,
                 [](u64 a, u64 b) { return (a & ~kSign) | (b & kSign); });
            sign("fsgn_not", Opcode::fsgn_not, same,
                 [](u64 a, u64 b) { return (a & ~kSign) | (~b & kSign); });
            sign("fsgn_xor", Opcode::fsgn_xor, same, [](u64 a, u64 b) { return a ^ (b & kSign); });
        }
        floats<T>(
            "fclass", mode, true,
            [&](T a, T, T) {
                const int kind = std::fpclassify(a);
                const bool quiet = !signalling(a);
                std::feclearexcept(FE_ALL_EXCEPT);  // classifying raises nothing
                switch (kind) {
                case FP_INFINITE: return std::signbit(a) ? 1u : 1u << 7;
                case FP_NAN: return quiet ? 1u << 9 : 1u << 8;
                case FP_ZERO: return std::signbit(a) ? 1u << 3 : 1u << 4;
                case FP_SUBNORMAL: return std::signbit(a) ? 1u << 2 : 1u << 5;
                default: return std::signbit(a) ? 1u << 1 : 1u << 6;
                }
            },
            [&](Builder& b, std::uint8_t box) { b.fp1(Opcode::fclass, X(5), F(0), w, box); });
    }

    template <class T>
    void conversions() {
        constexpr Width w = sizeof(T) == 8 ? Width::F64 : Width::F32;
        struct Limits {
            IntKind kind;
            long double least, most;
            u64 least_bits, most_bits;
        };
        const Limits limits[] = {
            {IntKind::I32, -2147483648.0L, 2147483647.0L, 0xffffffff80000000u, 0x7fffffff},
            {IntKind::U32, 0, 4294967295.0L, 0, ~u64{0}},
            {IntKind::I64, -9223372036854775808.0L, 9223372036854775807.0L, u64{1} << 63, ~u64{0} >> 1},
            {IntKind::U64, 0, 18446744073709551615.0L, 0, ~u64{0}}};
        for (unsigned m = 0; m < 4; ++m)
            for (const Limits& l : limits)
                for (bool truncate : {false, true}) {
                    floats<T>(
                        "f_to_int", FpRounding(m), true,
                        [&](T a, T, T) -> u64 {
                            if (std::isnan(a)) {
                                std::feraiseexcept(FE_INVALID);
                                return l.most_bits;
                            }
                            const T whole = truncate ? std::trunc(a) : std::nearbyint(a);
                            std::feclearexcept(FE_ALL_EXCEPT);
                            const auto exact = static_cast<long double>(whole);
                            if (exact < l.least || exact > l.most) {
                                std::feraiseexcept(FE_INVALID);
                                return exact < 0 ? l.least_bits : l.most_bits;
                            }
                            const u64 r = l.kind == IntKind::U64 ? u64(exact) : u64(std::int64_t(exact));
                            std::feclearexcept(FE_ALL_EXCEPT);
                            if (whole != a) std::feraiseexcept(FE_INEXACT);
                            return l.kind == IntKind::U32 ? u64(std::int64_t(std::int32_t(r))) : r;
                        },
                        [&](Builder& b, std::uint8_t box) {
                            b.f_to_int(X(5), F(0), l.kind, w,
                                       std::uint8_t(box | fp::kNanToMax | (truncate ? fp::kTruncate : 0)));
                        });
                    if (HasFatalFailure()) return;
                }
        for (unsigned m = 0; m < 4; ++m)
            for (bool truncate : {false, true})
                floats<T>(
                    "fround", FpRounding(m), false,
                    [&](T before, T, T) {
                        volatile T a = before, r = truncate ? std::trunc(T(a)) : std::nearbyint(T(a));
                        std::feclearexcept(FE_ALL_EXCEPT);
                        if (signalling(before)) std::feraiseexcept(FE_INVALID);
                        else if (!std::isnan(before) && T(r) != before) std::feraiseexcept(FE_INEXACT);
                        return bits_of<T>(r);
                    },
                    [&](Builder& b, std::uint8_t box) {
                        b.fp1(Opcode::fround, F(3), F(0), w,
                              std::uint8_t(box | fp::kDefaultNan | (truncate ? fp::kTruncate : 0)));
                    });
    }

    Machine machine;
};

TEST_F(FpOps, ArithmeticOfDoublesInEveryRoundingMode) { arithmetic<double>(); }
TEST_F(FpOps, ArithmeticOfFloatsInEveryRoundingMode) { arithmetic<float>(); }
TEST_F(FpOps, ComparisonsMinimaSignsAndClassesOfDoubles) { compare_and_choose<double>(); }
TEST_F(FpOps, ComparisonsMinimaSignsAndClassesOfFloats) { compare_and_choose<float>(); }
TEST_F(FpOps, ConversionsOfDoublesSaturate) { conversions<double>(); }
TEST_F(FpOps, ConversionsOfFloatsSaturate) { conversions<float>(); }

TEST_F(FpOps, NarrowAndWiden) {
    for (unsigned m = 0; m < 4; ++m) {
        floats<double>(
            "fnarrow", FpRounding(m), false,
            [](double from, double, double) {
                volatile double a = from;
                volatile float r = float(double(a));
                return kBox | bits_of<float>(r);
            },
            [](Builder& b, std::uint8_t) {
                b.fp1(Opcode::fnarrow, F(3), F(0), Width::F64, fp::kBoxed | fp::kDefaultNan);
            });
        floats<float>(
            "fwiden", FpRounding(m), true,
            [](float from, float, float) {
                volatile float a = from;
                volatile double r = double(float(a));
                return bits_of<double>(r);
            },
            [](Builder& b, std::uint8_t box) {
                b.fp1(Opcode::fwiden, X(5), F(0), Width::F32, box | fp::kDefaultNan);
            });
    }
}

TEST_F(FpOps, IntegersBecomeFloats) {
    std::mt19937_64 random(9);
    std::vector<u64> inputs = {0,
                               1,
                               ~u64{0},
                               u64{1} << 63,
                               (u64{1} << 63) + 1,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               (u64{1} << 53) + 1,
                               (u64{1} << 24) + 1,
                               0xfffffffffffffbffu,
                               0xfffffffffffffc00u};
    for (int i = 0; i < 300; ++i) inputs.push_back(random() >> (random() % 64));
    for (unsigned m = 0; m < 4; ++m)
        for (unsigned k = 0; k < 4; ++k)
            for (Width w : {Width::F32, Width::F64}) {
                std::vector<Case> cases;
                for (u64 a : inputs) {
                    const auto convert = [&](auto v) {
                        volatile auto x = v;
                        if (w == Width::F64) {
                            volatile double r = double(x);
                            return bits_of<double>(r);
                        }
                        volatile float r = float(x);
                        return kBox | bits_of<float>(r);
                    };
                    cases.push_back({a, 0, 0, on_host(FpRounding(m), [&]() -> u64 {
                                         switch (IntKind(k)) {
                                         case IntKind::I32: return convert(std::int32_t(a));
                                         case IntKind::U32: return convert(std::uint32_t(a));
                                         case IntKind::I64: return convert(std::int64_t(a));
                                         default: return convert(a);
                                         }
                                     })});
                }
                run("f_from_int", FpRounding(m), cases, false, [&](Builder& b) {
                    b.f_from_int(F(3), X(6), IntKind(k), w, w == Width::F32 ? fp::kBoxed : 0);
                });
                if (HasFatalFailure()) return;
            }
}

TEST_F(FpOps, WhatIsNotBoxedCountsAsTheDefaultNan) {
    const u64 one = 0x3f800000;
    for (unsigned where = 0; where < 2; ++where)
        run("unboxed", FpRounding::NearestEven,
            {{one, kBox | one, 0, {kBox | kNan32, 0}},
             {kBox | one, one, 0, {kBox | kNan32, 0}},
             {kBox | one, kBox | one, 0, {kBox | 0x40000000, 0}}},
            false, [&](Builder& b) {
                b.fp2(Opcode::fadd, F(3), where ? X(6) : F(0), where ? X(7) : F(1), Width::F32,
                      fp::kBoxed | fp::kDefaultNan);
            });
    run("funbox", FpRounding::NearestEven, {{one, 0, 0, {kNan32, 0}}, {kBox | one, 0, 0, {one, 0}}}, true,
        [](Builder& b) { b.funbox(X(5), F(0)); });
    run("fbox", FpRounding::NearestEven, {{one, 0, 0, {kBox | one, 0}}}, false,
        [](Builder& b) { b.fbox(F(3), X(6)); });
}

TEST_F(FpOps, AnInstructionMayHaveARoundingModeOfItsOwn) {
    const u64 one = std::bit_cast<u64>(1.0), three = std::bit_cast<u64>(3.0);
    const u64 down = std::bit_cast<u64>(1.0 / 3.0), up = down + 1;
    for (unsigned m = 0; m < 4; ++m)
        for (unsigned dynamic = 0; dynamic < 4; ++dynamic)
            run("fp_mode", FpRounding(dynamic),
                {{one,
                  three,
                  0,
                  {(m == 3 ? up : down) ^ (dynamic == 3 ? up : down), fp_exception::kInexact}}},
                true, [&](Builder& b) {
                    b.fp_mode(FpRounding(m));
                    b.fp2(Opcode::fdiv, F(3), F(0), F(1), Width::F64, fp::kDefaultNan);
                    b.fp_mode(FpRounding::Dynamic);
                    b.fp2(Opcode::fdiv, F(2), F(0), F(1), Width::F64, fp::kDefaultNan);
                    b.xor_(X(5), F(3), F(2));
                });
}

TEST_F(FpOps, StickyExceptionsAreReadAndForgotten) {
    using namespace fp_exception;
    const u64 one = std::bit_cast<u64>(1.0), three = std::bit_cast<u64>(3.0), huge = 0x7fefffffffffffffu;
    const auto divide = [](Builder& b) { b.fp2(Opcode::fdiv, F(3), F(0), F(1), Width::F64, 0); };
    const auto after = [&](std::uint32_t now, std::uint32_t read, std::uint32_t left) {
        run("fp_forget", FpRounding::NearestEven, {{one, three, 0, {read, left}}}, true, [&](Builder& b) {
            divide(b);
            b.fp_exceptions(X(5));
            b.fp_forget(b.constant(now));
        });
    };
    after(0, kInexact, 0);
    after(kInvalid, kInexact, 0);
    after(kInexact | kInvalid, kInexact, kInexact);
    run("fp_exceptions", FpRounding::NearestEven,
        {{one, 0, 0, {kDivideByZero, kDivideByZero}},
         {0, 0, 0, {kInvalid, kInvalid}},
         {huge, std::bit_cast<u64>(0.5), 0, {kOverflow | kInexact, kOverflow | kInexact}},
         {1, three, 0, {kUnderflow | kInexact, kUnderflow | kInexact}}},
        true, [&](Builder& b) {
            divide(b);
            b.fp_exceptions(X(5));
        });
}

}  // namespace
}  // namespace backplane::tcg::testing
