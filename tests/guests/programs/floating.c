// Floating point as the "F" and "D" chapters have it: rounding modes, flags, NaNs, conversions at their limits,
// and a control register that belongs to each process.

#include "check.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8, kInvalid = 16 };
enum { kNearest, kToZero, kDown, kUp, kNearestMaxMagnitude };

static void set_rounding(unsigned mode) { asm volatile("fsrm %0" ::"r"(mode)); }
static void clear_flags(void) { asm volatile("fsflags zero" ::: "memory"); }

static unsigned flags(void) {
    unsigned value;
    asm volatile("frflags %0" : "=r"(value)::"memory");
    return value;
}

static uint64_t bits(double value) {
    uint64_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

static double from_bits(uint64_t value) {
    double result;
    memcpy(&result, &value, sizeof result);
    return result;
}

// One operation, and exactly the flags it raises.
#define OPERATION(instruction, a, b)                                                                 \
    ({                                                                                               \
        double result;                                                                               \
        clear_flags();                                                                               \
        asm volatile(instruction " %0, %1, %2" : "=f"(result) : "f"((double)(a)), "f"((double)(b))); \
        result;                                                                                      \
    })

static void rounding(void) {
    const uint64_t third[5] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555556,
                               0x3fd5555555555555};
    const uint64_t minus_two_thirds[5] = {0xbfe5555555555555, 0xbfe5555555555555, 0xbfe5555555555556,
                                          0xbfe5555555555555, 0xbfe5555555555555};
    for (unsigned mode = kNearest; mode <= kNearestMaxMagnitude; ++mode) {
        set_rounding(mode);
        CHECK(bits(OPERATION("fdiv.d", 1.0, 3.0)) == third[mode]);
        CHECK(flags() == kInexact);
        CHECK(bits(OPERATION("fdiv.d", -2.0, 3.0)) == minus_two_thirds[mode]);
    }
    // A tie: 1 + 2^-53 lies half-way between two neighbours.
    const uint64_t tie[5] = {0x3ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000001,
                             0x3ff0000000000001};
    for (unsigned mode = kNearest; mode <= kNearestMaxMagnitude; ++mode) {
        set_rounding(mode);
        CHECK(bits(OPERATION("fadd.d", 1.0, 0x1p-53)) == tie[mode]);
    }
    set_rounding(kNearest);
}

static void raised_flags(void) {
    CHECK(OPERATION("fadd.d", 1.5, 2.25) == 3.75 && flags() == 0);
    CHECK(isinf(OPERATION("fdiv.d", 1.0, 0.0)) && flags() == kDivideByZero);
    CHECK(isinf(OPERATION("fmul.d", DBL_MAX, 2.0)) && flags() == (kOverflow | kInexact));
    CHECK(OPERATION("fmul.d", DBL_MIN, 0x1.8p-52) != 0 && flags() == (kUnderflow | kInexact));
    CHECK(OPERATION("fmul.d", DBL_MIN, 0.5) == DBL_MIN / 2 && flags() == 0);  // Subnormal and exact.
    CHECK(bits(OPERATION("fsub.d", INFINITY, INFINITY)) == 0x7ff8000000000000 && flags() == kInvalid);
    // A quiet NaN raises nothing, and every NaN result is the canonical one.
    CHECK(bits(OPERATION("fadd.d", from_bits(0xfff8000000001234), 1.0)) == 0x7ff8000000000000 &&
          flags() == 0);
    CHECK(bits(OPERATION("fadd.d", from_bits(0x7ff0000000000001), 1.0)) == 0x7ff8000000000000 &&
          flags() == kInvalid);
    // minimumNumber: the number wins over the NaN, and -0 is less than +0.
    CHECK(OPERATION("fmin.d", NAN, 3.0) == 3.0 && flags() == 0);
    CHECK(signbit(OPERATION("fmin.d", 0.0, -0.0)) && !signbit(OPERATION("fmax.d", -0.0, 0.0)));
}

#define CONVERT(type, instruction, value)                                               \
    ({                                                                                  \
        type result;                                                                    \
        clear_flags();                                                                  \
        asm volatile(instruction " %0, %1, rtz" : "=r"(result) : "f"((double)(value))); \
        result;                                                                         \
    })

static void conversions(void) {
    CHECK(CONVERT(int64_t, "fcvt.w.d", -1.9) == -1 && flags() == kInexact);
    CHECK(CONVERT(int64_t, "fcvt.w.d", 1e10) == INT32_MAX && flags() == kInvalid);
    CHECK(CONVERT(int64_t, "fcvt.w.d", -1e10) == INT32_MIN && flags() == kInvalid);
    CHECK(CONVERT(int64_t, "fcvt.w.d", NAN) == INT32_MAX && flags() == kInvalid);
    CHECK(CONVERT(int64_t, "fcvt.wu.d", -1.0) == 0 && flags() == kInvalid);
    CHECK(CONVERT(int64_t, "fcvt.wu.d", -0.5) == 0 && flags() == kInexact);
    CHECK(CONVERT(int64_t, "fcvt.wu.d", 4e9) == (int64_t)(int32_t)4000000000u && flags() == 0);
    CHECK(CONVERT(int64_t, "fcvt.l.d", 1e19) == INT64_MAX && flags() == kInvalid);
    CHECK(CONVERT(uint64_t, "fcvt.lu.d", 1e19) == 10000000000000000000u && flags() == 0);
    CHECK(CONVERT(uint64_t, "fcvt.lu.d", -INFINITY) == 0 && flags() == kInvalid);
}

static void fused(void) {
    // (1 + 2^-30)^2 - (1 + 2^-29) is 2^-60 when it is rounded once, and 0 when it is rounded twice.
    double result;
    asm volatile("fmadd.d %0, %1, %1, %2" : "=f"(result) : "f"(1 + 0x1p-30), "f"(-(1 + 0x1p-29)));
    CHECK(result == 0x1p-60);
}

// A single that is not properly boxed in its register reads as the canonical NaN.
static void boxing(void) {
    double unboxed = from_bits(0x000000003f800000);
    uint32_t result;
    asm volatile("fadd.s ft0, %1, %1\n fmv.x.w %0, ft0" : "=r"(result) : "f"(unboxed) : "ft0");
    CHECK(result == 0x7fc00000);
}

// Each process keeps its own rounding mode and flags across switches.
static void own_control(void) {
    pid_t children[4];
    for (unsigned i = 0; i < 4; ++i) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] != 0) continue;
        for (int round = 0; round < 300; ++round) {
            set_rounding(i);
            clear_flags();
            usleep(round % 8 == 0 ? 500 : 0);
            double third;
            asm volatile("fdiv.d %0, %1, %2" : "=f"(third) : "f"(1.0), "f"(3.0));
            CHECK((bits(third) & 3) == (i == kUp ? 2 : 1));
            CHECK(flags() == kInexact);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < 4; ++i) {
        int status = 1;
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(status == 0);
    }
}

int main(void) {
    alarm(120);
    rounding();
    raised_flags();
    conversions();
    fused();
    boxing();
    own_control();
    return 0;
}
