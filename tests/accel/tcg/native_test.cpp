// Native instructions against the host: the same instruction, once with its operands in the host's registers and once as a
// template, in every place that an operand may have; the flags around them; memory operands of every kind.
#include "harness.h"

#include <asmjit/x86.h>

#include <gtest/gtest.h>

#include <random>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;
namespace x86 = asmjit::x86;

constexpr u64 kStatusBits = 0x8d5;  // of FLAGS
constexpr VcpuOptions kOptions{.code_size = 4u << 20};

/// The operands of an instruction as its oracle has them: reg in rsi, rm in rbx (or memory at rbx), fixed ones in place.
struct HostRegisters {
    u64 rax = 0, rcx = 0, rdx = 0, rbx = 0, rsi = 0, flags = 2;
};

class Oracle {
  public:
    explicit Oracle(const Native& n) {
        asmjit::CodeHolder code;
        code.init(runtime_.environment());
        x86::Assembler a(&code);
        const auto field = [](std::size_t at) { return x86::ptr(x86::r12, std::int32_t(at), 8); };
        const std::pair<x86::Gp, std::size_t> all[] = {{x86::rax, offsetof(HostRegisters, rax)},
                                                       {x86::rcx, offsetof(HostRegisters, rcx)},
                                                       {x86::rdx, offsetof(HostRegisters, rdx)},
                                                       {x86::rbx, offsetof(HostRegisters, rbx)},
                                                       {x86::rsi, offsetof(HostRegisters, rsi)}};
        a.push(x86::rbx);
        a.push(x86::r12);
        a.mov(x86::r12, x86::rdi);
        for (const auto& [reg, at] : all) a.mov(reg, field(at));
        a.push(field(offsetof(HostRegisters, flags)));
        a.popfq();
        const std::vector<std::uint8_t> bytes = encode(n);
        a.embed(bytes.data(), bytes.size());
        a.pushfq();
        a.pop(field(offsetof(HostRegisters, flags)));
        for (const auto& [reg, at] : all) a.mov(field(at), reg);
        a.pop(x86::r12);
        a.pop(x86::rbx);
        a.ret();
        runtime_.add(&function_, &code);
    }
    void operator()(HostRegisters& r) const { function_(&r); }

  private:
    static std::vector<std::uint8_t> encode(const Native& n) {
        std::vector<std::uint8_t> out;
        const unsigned reg = n.extension >= 0 ? unsigned(n.extension) : 6;
        if (n.vex) {
            const unsigned pp = n.prefix == 0x66 ? 1 : n.prefix == 0xf3 ? 2 : n.prefix == 0xf2 ? 3 : 0;
            // vvvv is rdx
            out = {0xc4, std::uint8_t(0xe0 | n.map), std::uint8_t(n.wide << 7 | (~2 & 15) << 3 | pp)};
        } else {
            if (n.lock) out.push_back(0xf0);
            if (n.operand16) out.push_back(0x66);
            if (n.prefix) out.push_back(n.prefix);
            out.push_back(n.wide ? 0x48 : 0x40);
            if (n.map) out.push_back(0x0f);
            if (n.map == 2) out.push_back(0x38);
            if (n.map == 3) out.push_back(0x3a);
        }
        const bool in_opcode = !n.modrm && !n.reg.value.none();
        out.push_back(std::uint8_t(in_opcode ? n.opcode | 6 : n.opcode));
        if (n.modrm) out.push_back(std::uint8_t((n.address >= 0 ? 0 : 0xc0) | reg << 3 | 3));
        for (unsigned i = 0; i < n.immediate_bytes; ++i) out.push_back(std::uint8_t(n.immediate >> (8 * i)));
        return out;
    }
    asmjit::JitRuntime runtime_;
    void (*function_)(HostRegisters*) = nullptr;
};

// ---- the instructions, with marks in place of values

constexpr Value kReg{1}, kRm{2}, kRax{3}, kRcx{4}, kRdx{5};

NativeOperand in(Value v, unsigned bytes) { return {v, std::uint8_t(bytes), false, true, false}; }
NativeOperand out(Value v, unsigned bytes) { return {v, std::uint8_t(bytes), false, false, true}; }
NativeOperand both(Value v, unsigned bytes) { return {v, std::uint8_t(bytes), false, true, true}; }

Native sized(const char* name, unsigned opcode, unsigned bytes) {
    Native n;
    n.name = name;
    n.opcode = std::uint8_t(bytes == 1 ? opcode & ~1u : opcode);
    n.operand16 = bytes == 2;
    n.wide = bytes == 8;
    n.status_written = status::kAll;
    return n;
}

std::vector<Native> instructions() {
    std::vector<Native> all;
    const auto add = [&](Native n, auto... changes) {
        (changes(n), ...);
        all.push_back(n);
    };
    const auto map1 = [](Native& n) { n.map = 1; };
    const auto no_status = [](Native& n) { n.status_written = 0; };
    const auto reads_all = [](Native& n) { n.status_read = status::kAll; };
    const auto by_cl = [](Native& n) { n.fixed[0] = {kRcx, 1, true, false}; };
    const auto imm8 = [](int value) {
        return [value](Native& n) { n.immediate_bytes = 1, n.immediate = value; };
    };
    const auto digit = [](int extension) {
        return [extension](Native& n) { n.extension = std::int8_t(extension); };
    };
    for (unsigned bytes : {1u, 2u, 4u, 8u}) {
        const auto rm_reg = [&](const char* name, unsigned opcode, bool writes, auto... changes) {
            add(
                sized(name, opcode, bytes),
                [&](Native& n) {
                    n.reg = in(kReg, bytes);
                    n.rm = writes ? both(kRm, bytes) : in(kRm, bytes);
                },
                changes...);
        };
        const auto reads_carry = [](Native& n) { n.status_read = status::kCarry; };
        rm_reg("add", 0x01, true);
        rm_reg("or", 0x09, true);
        rm_reg("adc", 0x11, true, reads_carry);
        rm_reg("sbb", 0x19, true, reads_carry);
        rm_reg("xor", 0x31, true);
        rm_reg("cmp", 0x39, false);
        rm_reg("test", 0x85, false);
        rm_reg("mov", 0x89, false, no_status, [&](Native& n) { n.rm = out(kRm, bytes); });
        rm_reg("xchg", 0x87, true, no_status, [&](Native& n) { n.reg = both(kReg, bytes); });
        rm_reg("xadd", 0xc1, true, map1, [&](Native& n) { n.reg = both(kReg, bytes); });
        rm_reg("cmpxchg", 0xb1, true, map1, [&](Native& n) {
            n.fixed[0] = {kRax, 0, true, true}, n.rm_stays_register = true;
        });
        add(sized("sub", 0x2b, bytes), [&](Native& n) { n.reg = both(kReg, bytes), n.rm = in(kRm, bytes); });
        const auto rm_only = [&](const char* name, unsigned opcode, int extension, auto... changes) {
            add(
                sized(name, opcode, bytes), digit(extension), [&](Native& n) { n.rm = both(kRm, bytes); },
                changes...);
        };
        rm_only("and imm", bytes == 1 ? 0x81 : 0x83, 4, imm8(0x5b));
        rm_only("inc", 0xff, 0, [](Native& n) { n.status_written = status::kAll & ~status::kCarry; });
        rm_only("dec", 0xff, 1, [](Native& n) { n.status_written = status::kAll & ~status::kCarry; });
        rm_only("not", 0xf7, 2, no_status);
        rm_only("neg", 0xf7, 3);
        rm_only("shl imm", 0xc1, 4, imm8(3));
        rm_only("sar cl", 0xd3, 7, by_cl, reads_all);
        rm_only("rcl cl", 0xd3, 2, by_cl, reads_all);
        rm_only("ror imm", 0xc1, 1, imm8(1), reads_all);
        rm_only("mul", 0xf7, 4, [&](Native& n) {
            n.rm = in(kRm, bytes);
            n.fixed[0] = {kRax, 0, true, true};
            if (n.opcode == 0xf7) n.fixed[1] = {kRdx, 2, true, true};
        });
        if (bytes == 1) continue;
        const auto reg_rm = [&](const char* name, unsigned opcode, unsigned from, auto... changes) {
            add(
                sized(name, opcode, bytes), map1,
                [&](Native& n) {
                    n.opcode = std::uint8_t(opcode);
                    n.reg = both(kReg, bytes);
                    n.rm = in(kRm, from);
                },
                changes...);
        };
        reg_rm("imul", 0xaf, bytes);
        reg_rm("cmovbe", 0x46, bytes, no_status,
               [](Native& n) { n.status_read = status::kCarry | status::kZero; });
        reg_rm("movsx8", 0xbe, 1, no_status);
        reg_rm("bsf", 0xbc, bytes);
        reg_rm("popcnt", 0xb8, bytes, [](Native& n) { n.prefix = 0xf3; });
        rm_reg("bts", 0xab, true, map1, [](Native& n) { n.rm_stays_register = true; });
        rm_reg("shld", 0xa4, true, map1, imm8(7));
    }
    add(sized("setle", 0x9e, 1), map1, no_status, digit(0), [](Native& n) {
        n.rm = out(kRm, 1);
        n.status_read = status::kZero | status::kSign | status::kOverflow;
    });
    add(sized("cqo", 0x99, 8), no_status, [](Native& n) {
        n.modrm = false;
        n.fixed[0] = {kRax, 0, true, false};
        n.fixed[1] = {kRdx, 2, false, true};
    });
    add(sized("bswap", 0xc8, 8), map1, no_status, [](Native& n) {
        n.modrm = false;
        n.reg = both(kReg, 8);
    });
    add(sized("andn", 0xf2, 8), [](Native& n) {
        n.vex = true;
        n.map = 2;
        n.reg = out(kReg, 8);
        n.vvvv = in(kRdx, 8);
        n.rm = in(kRm, 8);
    });
    add(sized("crc32", 0xf1, 4), no_status, [](Native& n) {
        n.prefix = 0xf2;
        n.map = 2;
        n.reg = both(kReg, 4);
        n.rm = in(kRm, 4);
    });
    add(sized("adcx", 0xf6, 8), [](Native& n) {
        n.prefix = 0x66;
        n.map = 2;
        n.reg = both(kReg, 8);
        n.rm = in(kRm, 8);
        n.status_read = n.status_written = status::kCarry;
    });
    return all;
}

/// Which guest registers stand for the marks; `memory`: rm is memory at X(20).
struct Places {
    unsigned reg, rm, rax, rcx, rdx;
    bool memory = false;
};

Native placed(Native n, const Places& p) {
    const auto put = [&](Value& v) {
        if (v.none()) return;
        v = X(v == kReg ? p.reg : v == kRm ? p.rm : v == kRax ? p.rax : v == kRcx ? p.rcx : p.rdx);
    };
    put(n.reg.value);
    put(n.rm.value);
    put(n.vvvv.value);
    for (NativeFixed& f : n.fixed) put(f.value);
    if (p.memory) n.rm.value = {};
    return n;
}

class NativeOps : public ::testing::Test {
  protected:
    NativeOps() : machine(1, kOptions, Status::With) {}

    u64 value() {
        static const u64 kEdges[] = {0,      1,          ~u64{0},    0x7f,       0x80,      0x7fff,
                                     0x8000, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, u64(INT64_MIN),
                                     0xff00, 33};
        return random_() % 2 ? kEdges[random_() % std::size(kEdges)] : random_();
    }

    void compare(const Native& marked, const Places& p, u64 address) {
        const Native n = placed(marked, p);
        Native at_memory = marked;
        if (p.memory) at_memory.address = 0;
        const Oracle oracle(at_memory);
        const auto word = machine.plain([&](Builder& b) {
            if (p.memory) b.native(n, Address{.base = X(20), .displacement = -16});
            else b.native(n);
        });
        GuestState& g = machine.guest();
        for (unsigned round = 0; round < 12; ++round) {
            HostRegisters host{value(), value(), value(), value(), value(), (random_() & kStatusBits) | 2};
            if (round == 0) host.rax = host.rbx;
            u64 cell[4] = {value(), host.rbx, value(), value()};
            for (u64& x : g.x) x = 0x5555;
            g.x[p.rax] = host.rax;
            g.x[p.rcx] = host.rcx;
            g.x[p.rdx] = host.rdx;
            g.x[p.reg] = host.rsi;
            if (!p.memory) g.x[p.rm] = host.rbx;
            g.status = host.flags | 0x600;  // what is no status flag stays
            if (p.memory) {
                g.x[20] = address + 16;
                std::memcpy(machine.space().at(address), &cell[1], 16);
                host.rbx = u64(reinterpret_cast<std::uintptr_t>(&cell[1]));
            }
            oracle(host);
            machine.run({word});
            if (n.extension < 0 && !n.reg.value.none()) {
                EXPECT_EQ(g.x[p.reg], host.rsi);
            }
            if (!p.memory) {
                EXPECT_EQ(g.x[p.rm], host.rbx);
            } else {
                EXPECT_EQ(std::memcmp(machine.space().at(address), &cell[1], 16), 0);
            }
            EXPECT_EQ(g.x[p.rax], host.rax);
            EXPECT_EQ(g.x[p.rcx], host.rcx);
            EXPECT_EQ(g.x[p.rdx], host.rdx);
            EXPECT_EQ(g.status, (host.flags & kStatusBits) | 0x602);
            if (HasFailure()) {
                ADD_FAILURE() << n.name << " " << unsigned(n.rm.bytes) << " bytes, reg x" << p.reg << ", rm x"
                              << p.rm << (p.memory ? " (memory)" : "") << ", round " << round;
                return;
            }
        }
    }
    void compare_all(const Places& p, u64 address = 0) {
        for (const Native& n : instructions()) {
            if (p.memory && (n.rm.value.none() || std::string_view(n.name) == "bts")) continue;
            compare(n, p, address);
            if (HasFailure()) return;
        }
    }

    Machine machine;
    std::mt19937_64 random_{7};
};

TEST_F(NativeOps, WithOperandsInHostRegisters) { compare_all({1, 2, 3, 4, 6}); }
TEST_F(NativeOps, WithTheRegOperandInMemory) { compare_all({21, 2, 3, 4, 6}); }
TEST_F(NativeOps, WithTheRmOperandInMemory) { compare_all({10, 22, 3, 4, 6}); }
TEST_F(NativeOps, WithEveryOperandInMemory) { compare_all({21, 22, 23, 24, 25}); }
TEST_F(NativeOps, WithAMemoryOperand) { compare_all({1, 2, 3, 4, 6, true}, kRamBase + 0x8000); }
TEST_F(NativeOps, WithAMemoryOperandAndTheOthersInMemory) {
    compare_all({21, 22, 23, 24, 25, true}, kRamBase + 0x8000);
}
TEST_F(NativeOps, WithAMemoryOperandAcrossTheEndOfAPage) {
    for (const u64 back : {1u, 3u, 7u}) compare_all({1, 2, 3, 24, 6, true}, kRamBase + 0x9000 - back);
}
TEST_F(NativeOps, WithAMemoryOperandBesideCode) {
    compare_all({1, 2, 3, 4, 6, true}, kRamBase + 0x800);  // the code is at the start of the page
}

}  // namespace
}  // namespace backplane::tcg::testing
