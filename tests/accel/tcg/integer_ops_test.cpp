// Each integer op against a C++ reference, on edge and random operands, with its operands in host registers, in memory,
// in temps and constant, and with the destination equal to an input.
#include "harness.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;
using s64 = std::int64_t;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

u64 narrow(u64 v, Width w) {
    return w == Width::I64 ? v : w == Width::I32 ? std::uint32_t(v) : u64(s64(std::int32_t(v)));
}

bool holds(Cond c, u64 a, u64 b, Width w) {
    if (w != Width::I64) a = u64(s64(std::int32_t(a))), b = u64(s64(std::int32_t(b)));
    switch (c) {
    case Cond::Eq: return a == b;
    case Cond::Ne: return a != b;
    case Cond::Lt: return s64(a) < s64(b);
    case Cond::Ge: return s64(a) >= s64(b);
    case Cond::Le: return s64(a) <= s64(b);
    case Cond::Gt: return s64(a) > s64(b);
    case Cond::Ltu: return a < b;
    case Cond::Geu: return a >= b;
    case Cond::Leu: return a <= b;
    case Cond::Gtu: return a > b;
    case Cond::TestZero: return (a & b) == 0;
    case Cond::TestNonZero: return (a & b) != 0;
    }
    return false;
}

u64 reference(Opcode op, u64 a, u64 b, Width w) {
    const bool wide = w == Width::I64;
    const unsigned bits = wide ? 64 : 32;
    if (!wide) a = std::uint32_t(a), b = std::uint32_t(b);
    const s64 sa = wide ? s64(a) : std::int32_t(a), sb = wide ? s64(b) : std::int32_t(b);
    const unsigned n = unsigned(b) & (bits - 1);
    const s64 least = wide ? INT64_MIN : INT32_MIN;
    using enum Opcode;
    switch (op) {
    case mov: return a;
    case add: return a + b;
    case sub: return a - b;
    case and_: return a & b;
    case or_: return a | b;
    case xor_: return a ^ b;
    case andn: return a & ~b;
    case orn: return a | ~b;
    case xnor: return ~(a ^ b);
    case shl: return a << n;
    case shr: return a >> n;
    case sar: return u64(sa >> n);
    case rotl: return wide ? std::rotl(a, int(n)) : std::rotl(std::uint32_t(a), int(n));
    case rotr: return wide ? std::rotr(a, int(n)) : std::rotr(std::uint32_t(a), int(n));
    case mul: return a * b;
    case mulh_ss: return u64(s128(sa) * sb >> bits);
    case mulh_uu: return u64(u128(a) * b >> bits);
    case mulh_su: return u64(s128(sa) * s128(u128(b)) >> bits);
    case div_s: return b == 0 ? ~u64{0} : sa == least && sb == -1 ? u64(least) : u64(sa / sb);
    case div_u: return b == 0 ? ~u64{0} : a / b;
    case rem_s: return b == 0 ? a : sb == -1 ? 0 : u64(sa % sb);
    case rem_u: return b == 0 ? a : a % b;
    case clz: return u64(wide ? std::countl_zero(a) : std::countl_zero(std::uint32_t(a)));
    case ctz: return u64(wide ? std::countr_zero(a) : std::countr_zero(std::uint32_t(a)));
    case popcnt: return u64(std::popcount(a));
    case bswap: return wide ? __builtin_bswap64(a) : __builtin_bswap32(std::uint32_t(a));
    case orc_b: {
        u64 r = 0;
        for (unsigned i = 0; i < 64; i += 8) r |= (a >> i & 0xff) ? u64{0xff} << i : 0;
        return r;
    }
    case brev8: {
        u64 r = 0;
        for (unsigned i = 0; i < 64; ++i) r |= (a >> i & 1) << ((i & ~7u) + 7 - (i & 7));
        return r;
    }
    case clmul: {
        u64 r = 0;
        for (unsigned i = 0; i < 64; ++i) r ^= (b >> i & 1) ? a << i : 0;
        return r;
    }
    case clmulh: {
        u64 r = 0;
        for (unsigned i = 1; i < 64; ++i) r ^= (b >> i & 1) ? a >> (64 - i) : 0;
        return r;
    }
    case min_s: return u64(std::min(sa, sb));
    case min_u: return std::min(a, b);
    case max_s: return u64(std::max(sa, sb));
    case max_u: return std::max(a, b);
    default: ADD_FAILURE() << "no reference"; return 0;
    }
}

const u64 kEdges[] = {0,
                      1,
                      2,
                      31,
                      32,
                      63,
                      64,
                      0x7f,
                      0x80,
                      0xff,
                      0x7fff,
                      0x8000,
                      0xffff,
                      0x7fffffff,
                      0x80000000,
                      0xffffffff,
                      0x100000000,
                      0x7fffffffffffffff,
                      0x8000000000000000,
                      0xffffffff80000000,
                      0xfffffffffffffffe,
                      ~u64{0},
                      0x0102030405060708,
                      0x00ff00ff00ff00ff};

std::vector<std::pair<u64, u64>> operands() {
    std::vector<std::pair<u64, u64>> all;
    std::mt19937_64 random(12);
    for (u64 a : kEdges)
        for (u64 b : {kEdges[random() % std::size(kEdges)], u64{0}, ~u64{0}, random(), u64{1}})
            all.push_back({a, b});
    for (int i = 0; i < 40; ++i) all.push_back({random(), random() >> (random() % 64)});
    return all;
}

/// Runs `emit(b, dst, a, b)` for every placement and operand pair; `expect(a, b)` is what dst becomes.
class IntegerOps : public ::testing::Test {
  protected:
    enum Place { Pinned, Memory, Temp, Constant, SameAsDst };

    struct Trial {
        std::vector<std::pair<u64, u64>> pairs;
        std::size_t next = 0;
        std::vector<u64> results;
        unsigned a, b, dst;
    };
    static inline Trial* trial = nullptr;  // the vCPU's thread and the test's take turns

    static std::uint64_t feed(void* state) {
        auto& s = *static_cast<GuestState*>(state);
        if (trial->next > 0) trial->results.push_back(s.x[trial->dst]);
        if (trial->next == trial->pairs.size()) return 1;
        for (unsigned i = 0; i < 32; ++i) s.x[i] = 0xa5a5000000000000u + i;
        s.x[trial->a] = trial->pairs[trial->next].first;
        if (trial->b != trial->a) s.x[trial->b] = trial->pairs[trial->next].second;
        ++trial->next;
        return 0;
    }

    using Emit = std::function<void(Builder&, Value, Value, Value)>;
    using Expect = std::function<u64(u64, u64)>;

    void try_place(Place dst, Place a, Place b, const Emit& emit, const Expect& expect,
                   const std::vector<std::pair<u64, u64>>& pairs, const char* name) {
        Trial t;
        t.pairs = pairs;
        t.dst = dst == Memory ? 20 : 1;
        t.a = a == SameAsDst ? t.dst : a == Memory ? 21 : 2;
        t.b = b == SameAsDst ? t.dst : b == Memory ? 22 : 3;
        if (a == SameAsDst && b == SameAsDst)
            for (auto& p : t.pairs) p.second = p.first;
        trial = &t;
        const u64 ca = pairs[0].first, cb = pairs[0].second;
        const auto head = machine.define([](Builder& builder, UnitTranslation& u) {
            const Value end = builder.temp();
            const Label more = builder.make_label();
            builder.call(end, &IntegerOps::feed, "feed", helper::kReadsRegisters | helper::kWritesRegisters,
                         {});
            builder.branch_if(Cond::Eq, end, builder.constant(0), more);
            builder.goto_pc(u.pc + 12);
            builder.place(more);
            return Translated::Next;
        });
        const auto body = machine.plain([&](Builder& builder) {
            const auto input = [&](Place p, unsigned n, u64 constant) {
                if (p == Constant) return builder.constant(constant);
                if (p != Temp) return X(n);
                const Value v = builder.temp();
                builder.mov(v, X(n));
                return v;
            };
            const Value va = input(a, t.a, ca), vb = input(b, t.b, cb);
            const Value vd = dst == Temp ? builder.temp() : X(t.dst);
            emit(builder, vd, va, vb);
            if (dst == Temp) builder.mov(X(t.dst), vd);
        });
        const auto back = machine.jump(kRamBase);
        machine.run({head, body, back});
        ASSERT_EQ(t.results.size(), t.pairs.size());
        for (std::size_t i = 0; i < t.pairs.size(); ++i) {
            const u64 x = a == Constant ? ca : t.pairs[i].first, y = b == Constant ? cb : t.pairs[i].second;
            ASSERT_EQ(t.results[i], expect(x, y))
                << name << std::hex << " a=" << x << " b=" << y << " places " << dst << a << b;
        }
    }

    void try_all(const char* name, const Emit& emit, const Expect& expect, bool binary = true) {
        const auto pairs = operands();
        for (Place dst : {Pinned, Memory, Temp})
            for (Place a : {Pinned, Memory, Temp, Constant, SameAsDst})
                for (Place b : {Pinned, Memory, Temp, Constant, SameAsDst}) {
                    if (!binary && b != Pinned) continue;
                    if (dst == Temp && (a == SameAsDst || b == SameAsDst)) continue;
                    if (a == Constant || b == Constant) {
                        for (u64 c : {u64{0}, u64{5}, u64{0x123456789}, ~u64{0}, u64{0xffffffff80000000}}) {
                            auto some = pairs;
                            for (auto& p : some) {
                                if (a == Constant) p.first = c;
                                if (b == Constant) p.second = c;
                            }
                            if (a == Constant && b != SameAsDst && b != Constant) some.resize(20);
                            try_place(dst, a, b, emit, expect, some, name);
                        }
                    } else {
                        try_place(dst, a, b, emit, expect, pairs, name);
                    }
                    if (HasFatalFailure()) return;
                }
    }

    Machine machine;
};

TEST_F(IntegerOps, BinaryOpsMatchTheReferenceInEveryWidthAndPlace) {
    using enum Opcode;
    struct Row {
        const char* name;
        Opcode op;
        bool only64 = false;
    };
    const Row rows[] = {{"add", add},         {"sub", sub},           {"and", and_},
                        {"or", or_},          {"xor", xor_},          {"andn", andn},
                        {"orn", orn},         {"xnor", xnor},         {"shl", shl},
                        {"shr", shr},         {"sar", sar},           {"rotl", rotl},
                        {"rotr", rotr},       {"mul", mul},           {"mulh_ss", mulh_ss},
                        {"mulh_uu", mulh_uu}, {"mulh_su", mulh_su},   {"div_s", div_s},
                        {"div_u", div_u},     {"rem_s", rem_s},       {"rem_u", rem_u},
                        {"min_s", min_s},     {"min_u", min_u},       {"max_s", max_s},
                        {"max_u", max_u},     {"clmul", clmul, true}, {"clmulh", clmulh, true}};
    for (const Row& row : rows)
        for (Width width : {Width::I64, Width::I32, Width::I32S}) {
            if (row.only64 && width != Width::I64) continue;
            try_all(
                row.name,
                [&](Builder& b, Value d, Value x, Value y) {
                    b.emit({.opcode = row.op, .width = width, .dst = d, .a = x, .b = y});
                },
                [&](u64 x, u64 y) { return narrow(reference(row.op, x, y, width), width); });
            if (HasFatalFailure()) return;
        }
}

TEST_F(IntegerOps, UnaryOpsMatchTheReference) {
    using enum Opcode;
    for (Opcode op : {mov, clz, ctz, popcnt, bswap})
        for (Width width : {Width::I64, Width::I32, Width::I32S})
            try_all(
                "unary",
                [&](Builder& b, Value d, Value x, Value) {
                    b.emit({.opcode = op, .width = width, .dst = d, .a = x});
                },
                [&](u64 x, u64) { return narrow(reference(op, x, 0, width), width); }, false);
    for (Opcode op : {orc_b, brev8})
        try_all(
            "bytewise",
            [&](Builder& b, Value d, Value x, Value) { b.emit({.opcode = op, .dst = d, .a = x}); },
            [&](u64 x, u64) { return reference(op, x, 0, Width::I64); }, false);
}

TEST_F(IntegerOps, ExtensionsAndBitFields) {
    const auto unary = [&](const char* name, auto emit, auto expect) {
        try_all(
            name, [&](Builder& b, Value d, Value x, Value) { emit(b, d, x); },
            [&](u64 x, u64) { return expect(x); }, false);
    };
    unary(
        "sext8", [](Builder& b, Value d, Value x) { b.sext8(d, x); },
        [](u64 x) { return u64(s64(std::int8_t(x))); });
    unary(
        "sext16", [](Builder& b, Value d, Value x) { b.sext16(d, x); },
        [](u64 x) { return u64(s64(std::int16_t(x))); });
    unary(
        "sext32", [](Builder& b, Value d, Value x) { b.sext32(d, x); },
        [](u64 x) { return u64(s64(std::int32_t(x))); });
    unary(
        "zext8", [](Builder& b, Value d, Value x) { b.zext8(d, x); },
        [](u64 x) { return u64(std::uint8_t(x)); });
    unary(
        "zext16", [](Builder& b, Value d, Value x) { b.zext16(d, x); },
        [](u64 x) { return u64(std::uint16_t(x)); });
    unary(
        "zext32", [](Builder& b, Value d, Value x) { b.zext32(d, x); },
        [](u64 x) { return u64(std::uint32_t(x)); });
    unary(
        "neg", [](Builder& b, Value d, Value x) { b.neg(d, x); }, [](u64 x) { return 0 - x; });
    unary(
        "not", [](Builder& b, Value d, Value x) { b.not_(d, x); }, [](u64 x) { return ~x; });
    unary(
        "extract", [](Builder& b, Value d, Value x) { b.extract(d, x, 5, 20); },
        [](u64 x) { return x >> 5 & 0xfffff; });
    try_all(
        "deposit", [](Builder& b, Value d, Value x, Value y) { b.deposit(d, x, y, 12, 9); },
        [](u64 x, u64 y) { return (x & ~(u64{0x1ff} << 12)) | (y & 0x1ff) << 12; });
    for (unsigned shift = 0; shift < 4; ++shift)
        try_all(
            "add_shifted", [&](Builder& b, Value d, Value x, Value y) { b.add_shifted(d, x, y, shift); },
            [&](u64 x, u64 y) { return (x << shift) + y; });
}

TEST_F(IntegerOps, ConditionsSetSelectAndBranchAlike) {
    for (unsigned c = 0; c < 12; ++c) {
        const auto cond = static_cast<Cond>(c);
        for (Width width : {Width::I64, Width::I32}) {
            try_all(
                "setcond", [&](Builder& b, Value d, Value x, Value y) { b.setcond(cond, d, x, y, width); },
                [&](u64 x, u64 y) { return u64(holds(cond, x, y, width)); });
            if (HasFatalFailure()) return;
        }
        try_all(
            "select", [&](Builder& b, Value d, Value x, Value y) { b.select(cond, d, x, y, X(5), X(25)); },
            [&](u64 x, u64 y) { return 0xa5a5000000000000u + (holds(cond, x, y, Width::I64) ? 5 : 25); });
        try_all(
            "select of an input",
            [&](Builder& b, Value d, Value x, Value y) { b.select(cond, d, x, y, x, y); },
            [&](u64 x, u64 y) { return holds(cond, x, y, Width::I64) ? x : y; });
        try_all(
            "brcond",
            [&](Builder& b, Value d, Value x, Value y) {
                const Value t = b.temp();
                const Label yes = b.make_label(), out = b.make_label();
                b.branch_if(cond, x, y, yes);
                b.mov(t, b.constant(7));
                b.branch(out);
                b.place(yes);
                b.mov(t, b.constant(9));
                b.place(out);
                b.mov(d, t);
            },
            [&](u64 x, u64 y) { return holds(cond, x, y, Width::I64) ? 9u : 7u; });
        if (HasFatalFailure()) return;
    }
}

TEST_F(IntegerOps, ManyTempsLiveAtOnce) {
    try_all(
        "temps",
        [](Builder& b, Value d, Value x, Value y) {
            std::vector<Value> all;
            for (unsigned i = 0; i < 20; ++i) {
                all.push_back(b.temp());
                b.add(all.back(), x, b.constant(i));
            }
            const Value sum = b.temp();
            b.mov(sum, y);
            for (Value v : all) b.xor_(sum, sum, v);
            b.mov(d, sum);
        },
        [](u64 x, u64 y) {
            for (unsigned i = 0; i < 20; ++i) y ^= x + i;
            return y;
        });
}

}  // namespace
}  // namespace backplane::tcg::testing
