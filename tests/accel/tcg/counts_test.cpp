// How many host instructions a snippet of a guest that speaks the host's ISA costs on the way that is usually gone: a worse
// translation shows as a difference here. Each ends with a jump within the page, which counts as one.
#include "harness.h"

#include <gtest/gtest.h>

#include <sstream>

namespace backplane::tcg::testing {
namespace {

Native arithmetic(const char* name, unsigned opcode) {
    Native n;
    n.name = name;
    n.opcode = std::uint8_t(opcode);
    n.wide = true;
    n.status_written = status::kAll;
    return n;
}

NativeOperand operand(Value v, bool read, bool written) { return {v, 8, false, read, written}; }

void add_registers(Builder& b, Value to, Value from) {
    Native n = arithmetic("add", 0x01);
    n.reg = operand(from, true, false);
    n.rm = operand(to, true, true);
    b.native(n);
}

void compare_registers(Builder& b, Value left, Value right) {
    Native n = arithmetic("cmp", 0x39);
    n.reg = operand(right, true, false);
    n.rm = operand(left, true, false);
    b.native(n);
}

void load(Builder& b, Value to, const Address& from) {
    Native n = arithmetic("mov", 0x8b);
    n.status_written = 0;
    n.reg = operand(to, false, true);
    n.rm = operand({}, true, false);
    b.native(n, from);
}

void add_to_memory(Builder& b, const Address& to, Value from) {
    Native n = arithmetic("add", 0x01);
    n.reg = operand(from, true, false);
    n.rm = operand({}, true, true);
    b.native(n, to);
}

void push(Builder& b, Value v) {
    b.store(v, X(0), -8, mem::k64);
    b.address(X(0), {.base = X(0), .displacement = -8});
}

struct Snippet {
    const char* name;
    unsigned expected;  ///< host instructions
    std::function<void(Builder&)> emit;
    bool ends = false;
    Status status = Status::With;
};

std::string host_code(const Snippet& snippet) {
    Machine m(1, {.code_size = 4u << 20}, snippet.status);
    m.context.log_.watched = "out_asm";
    const auto word = m.define([&](Builder& b, UnitTranslation& u) {
        snippet.emit(b);
        if (!snippet.ends) b.goto_pc(u.pc + 4);
        return Translated::End;
    });
    m.guest().x[0] = m.guest().x[6] = kRamBase + 0x4000;
    m.guest().x[20] = kRamBase + 4;
    m.run({word});
    const std::string& text = m.context.log_.text;
    const std::size_t start = text.find("  0x");
    return text.substr(start, text.find("  -- rarely run") - start);
}

TEST(TcgCounts, OfHostInstructions) {
    if (!__builtin_cpu_supports("bmi2")) GTEST_SKIP() << "without BMI2 there are no native instructions";
    const Address indexed{.base = X(6), .index = X(7), .displacement = 8, .shift = 3};
    const Snippet snippets[] = {
        {"add of registers", 2, [](Builder& b) { add_registers(b, X(1), X(2)); }},
        {"add to a register that is in memory", 2, [](Builder& b) { add_registers(b, X(21), X(2)); }},
        {"add from a register that is in memory", 3, [](Builder& b) { add_registers(b, X(1), X(22)); }},
        {"load", 10, [&](Builder& b) { load(b, X(1), indexed); }},
        {"add to memory", 10, [&](Builder& b) { add_to_memory(b, indexed, X(1)); }},
        {"push", 11, [](Builder& b) { push(b, X(1)); }},
        {"compare and branch", 3,
         [](Builder& b) {
             compare_registers(b, X(1), X(2));
             const Label equal = b.make_label();
             b.branch_if_status(StatusCond::Equal, equal);
             b.goto_pc(kRamBase + 0x40);
             b.place(equal);
         }},
        {"compare, load, branch", 12,
         [&](Builder& b) {
             compare_registers(b, X(1), X(2));
             load(b, X(3), indexed);
             const Label equal = b.make_label();
             b.branch_if_status(StatusCond::Equal, equal);
             b.goto_pc(kRamBase + 0x40);
             b.place(equal);
         }},
        {"two sums of vectors", 7,
         [](Builder& b) {
             for (const unsigned from : {1u, 2u}) {
                 Native n = arithmetic("paddb", 0xfc);
                 n.wide = false;
                 n.map = 1;
                 n.prefix = 0x66;
                 n.status_written = 0;
                 n.reg = {V(0), 16, false, true, true};
                 n.rm = {V(from), 16, false, true, false};
                 b.native(n);
             }
         }},
        {"add, of a guest without status flags", 2, [](Builder& b) { b.add(X(1), X(1), X(2)); }, false,
         Status::Without},
        {"load, of a guest without status flags", 9, [](Builder& b) { b.load(X(1), X(6), 8, mem::k64); },
         false, Status::Without},
        {"return, of a guest without status flags", 8, [](Builder& b) { b.goto_value(X(20)); }, true,
         Status::Without},
        {"return", 12, [](Builder& b) { b.goto_value(X(20), JumpHint::Return); }, true},
    };
    for (const Snippet& snippet : snippets) {
        const std::string code = host_code(snippet);
        const auto lines = unsigned(std::count(code.begin(), code.end(), '\n'));
        EXPECT_EQ(lines, snippet.expected) << snippet.name << ":\n" << code;
    }
}

}  // namespace
}  // namespace backplane::tcg::testing
