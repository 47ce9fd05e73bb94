// Calls and jumps: recursion, calls through a table, and an interpreter of a small bytecode.

#include "harness.h"

#include <stddef.h>

static __attribute__((noinline)) uint64_t fibonacci(uint64_t n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t fibonacci_work(uint64_t count) {
    uint64_t sum = 0;
    while (count--) sum += fibonacci(16 + (count & 1));
    return sum;
}

typedef uint64_t (*Operation)(uint64_t);
#define OPERATION(name, expression) \
    static __attribute__((noinline)) uint64_t name(uint64_t x) { return expression; }
OPERATION(add, x + 7)
OPERATION(multiply, x * 5)
OPERATION(rotate, x << 9 | x >> 55)
OPERATION(mix, x ^ x >> 13)
OPERATION(invert, ~x)
OPERATION(subtract, x - 3)
OPERATION(fold, x + (x >> 32))
OPERATION(widen, x | 1)
#undef OPERATION

static uint64_t indirect_work(uint64_t count) {
    static const Operation operations[8] = {add, multiply, rotate, mix, invert, subtract, fold, widen};
    uint64_t value = 1;
    uint32_t seed = 5;
    while (count--) {
        for (int i = 0; i < 64; ++i) value = operations[next_random(&seed) & 7](value);
    }
    return value;
}

// A register machine: operation, destination, and two sources or a constant.
enum Opcode { kAdd, kSubtract, kMultiply, kXor, kShift, kLoad, kStore, kConstant, kBranchLess, kJump, kHalt };
struct Instruction {
    uint8_t opcode, to;
    int8_t first, second;
};

// Fills memory with a mix of two running values, 200 times round.
static const struct Instruction program[] = {
    {kConstant, 0, 0, 0},    // 0: i = 0
    {kConstant, 1, 100, 0},  // 1: limit
    {kConstant, 2, 1, 0},    // 2: one
    {kConstant, 3, 17, 0},   // 3: a
    {kAdd, 1, 1, 1},         // 4: limit = 200
    {kMultiply, 4, 3, 0},    // 5: b = a * i
    {kXor, 3, 3, 4},         // 6: a ^= b
    {kShift, 5, 3, 2},       // 7: c = a >> 1
    {kStore, 5, 0, 0},       // 8: memory[i] = c
    {kLoad, 6, 0, 0},        // 9: d = memory[i]
    {kSubtract, 3, 3, 6},    // 10: a -= d
    {kAdd, 3, 3, 2},         // 11: a += 1
    {kAdd, 0, 0, 2},         // 12: i += 1
    {kBranchLess, 5, 0, 1},  // 13: if i < limit, go to 5
    {kHalt, 0, 0, 0},        // 14
};

static uint64_t interpret(uint64_t memory[256]) {
    uint64_t registers[8] = {0};
    for (const struct Instruction* at = program;; ++at) {
        uint64_t first = registers[at->first & 7], second = registers[at->second & 7];
        switch (at->opcode) {
        case kAdd: registers[at->to] = first + second; break;
        case kSubtract: registers[at->to] = first - second; break;
        case kMultiply: registers[at->to] = first * second; break;
        case kXor: registers[at->to] = first ^ second; break;
        case kShift: registers[at->to] = first >> (second & 63); break;
        case kLoad: registers[at->to] = memory[first & 255]; break;
        case kStore: memory[first & 255] = registers[at->to]; break;
        case kConstant: registers[at->to] = (uint64_t)at->first; break;
        case kBranchLess:
            if (first < second) at = program + at->to - 1;
            break;
        case kJump: at = program + at->to - 1; break;
        default: return registers[3];
        }
    }
}

static uint64_t interpreter_work(uint64_t count) {
    static uint64_t memory[256];
    uint64_t sum = 0;
    while (count--) sum += interpret(memory);
    return sum;
}

const struct Item control_items[] = {
    {"call-fibonacci", fibonacci_work},
    {"call-indirect", indirect_work},
    {"interpreter", interpreter_work},
    {NULL, NULL},
};
