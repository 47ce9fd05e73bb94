// The executor beside the host's own processor, on random user-mode instructions and states: `x86_oracle_test SECONDS [SEED]`
// goes on for as long as one lets it (`./dev fuzz x86`); as a test it is short.
#include "host.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>
#include <string>

namespace backplane::x86::testing {
namespace {

using Random = std::mt19937_64;

/// What a user process may execute here without leaving its place, and gives the same twice.
bool comparable(const Instruction& i) {
    const bool relative = i.has_memory() && i.mod() == 0 && (i.modrm & 7) == 5;
    if (relative || i.segment >= kFs) return false;
    switch (i.operation()) {
    case Operation::Template:
        // RDRAND, RDSEED.
        return !(i.map == 1 && i.opcode == 0xc7 && i.modrm >= 0xc0);
    case Operation::VectorTemplate:
    case Operation::MmxTemplate:
    case Operation::X87:
    case Operation::BitMemory:
    case Operation::Undefined:
    case Operation::MoveOffset:
    case Operation::Lea:
    case Operation::Push:
    case Operation::PushImmediate:
    case Operation::Pop:
    case Operation::Enter:
    case Operation::Leave:
    case Operation::Divide:
    case Operation::Xlat:
    case Operation::LoadFlags:
    case Operation::StoreFlags:
    case Operation::ChangeFlag:
    case Operation::Movs:
    case Operation::Cmps:
    case Operation::Stos:
    case Operation::Lods:
    case Operation::Scas:
    case Operation::Maskmov:
    case Operation::VectorMaskmov:
    case Operation::Gather:
    case Operation::ZeroUpper:
    case Operation::LoadMxcsr:
    case Operation::StoreMxcsr:
    case Operation::Fence:
    case Operation::Wait:
    case Operation::Halt:
    case Operation::Cli:
    case Operation::ReadMsr:
    case Operation::WriteMsr: return true;
    default: return false;
    }
}

/// Where the manual leaves the bits of RFLAGS open and processors differ from what stays as it was.
std::uint64_t compared_flags(const Instruction& i) {
    return i.operation() == Operation::Divide ? 0 : kArithmeticFlags | rflags::kDirection;
}

std::uint64_t interesting(Random& random) {
    static constexpr std::uint64_t kEdges[] = {0,
                                               1,
                                               2,
                                               3,
                                               7,
                                               8,
                                               0x7f,
                                               0x80,
                                               0xff,
                                               0x100,
                                               0x7fff,
                                               0x8000,
                                               0xffff,
                                               0x7fffffff,
                                               0x80000000,
                                               0xffffffff,
                                               0x100000000,
                                               0x7fffffffffffffff,
                                               0x8000000000000000,
                                               ~std::uint64_t{0}};
    switch (random() % 8) {
    case 0:
    case 1: return kEdges[random() % std::size(kEdges)];
    case 2: return random();
    case 3: return random() & 0xffffffff;
    case 4: return 0 - (random() & 0xff);
    default: return kMemoryBase + kMemorySize / 2 + (random() % 512) * (random() & 1 ? 1 : 16);
    }
}

constexpr std::uint64_t kPc = 0x400000;

constexpr std::uint64_t kFloats[] = {0,
                                     0x8000000000000000,
                                     0x3ff0000000000000,
                                     0xbff0000000000000,
                                     0x7ff0000000000000,
                                     0x7ff8000000000001,
                                     0x7ff4000000000000,
                                     0x0000000000000001,
                                     0x000fffffffffffff,
                                     0x7fefffffffffffff,
                                     0x3f8000003f800000,
                                     0x7f800000ff800000,
                                     0x7fa0000000000001,
                                     0x43e0000000000000,
                                     0x41dfffffffc00000};

class Comparison {
  public:
    explicit Comparison(std::uint64_t seed) : random_(seed) {}

    bool step() {
        std::uint8_t code[16];
        make(code);
        CodeBytes bytes(code);
        const Instruction i = decode(bytes, CodeSize::Code64);
        if (!comparable(i)) return true;
        ++compared_;
        prepare();
        // What follows an undefined opcode is unknown: all bytes.
        const bool undefined = i.operation() == Operation::Undefined;
        const std::optional<int> signal = host_.run(code, undefined ? kLongestInstruction : i.length);
        std::optional<Vector> vector = cpu_.run(i);
        // A repeated string instruction is done in stretches.
        while (!vector && cpu_.state.pc == kPc) vector = cpu_.run(i);
        return compare(code, i, signal, vector);
    }
    unsigned long compared() const { return compared_; }
    unsigned long raised() const { return raised_; }

  private:
    void make(std::uint8_t* code) {
        for (unsigned n = 0; n < 16; ++n) code[n] = std::uint8_t(random_());
        static constexpr std::uint8_t kPrefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x48, 0x41, 0x4c};
        unsigned at = 0;
        while (random_() % 3 == 0 && at < 3) code[at++] = kPrefixes[random_() % std::size(kPrefixes)];
        switch (random_() % 6) {
        case 0:
        case 1: code[at] = 0x0f; break;
        case 2:
            code[at] = 0x0f;
            code[at + 1] = random_() & 1 ? 0x38 : 0x3a;
            break;
        case 3:
            at = 0;
            code[at] = 0xc4;
            code[at + 1] = std::uint8_t((random_() & 0xe0) | (1 + random_() % 3));
            break;
        case 4: code[at] = std::uint8_t(0xd8 + random_() % 8); break;
        default: break;
        }
    }

    void fill(std::uint8_t* to, std::size_t size) {
        for (std::size_t n = 0; n < size; n += 8) {
            const std::uint64_t value =
                random_() & 1 ? kFloats[random_() % std::size(kFloats)] : interesting(random_);
            std::memcpy(to + n, &value, 8);
        }
    }

    /// The same state for both.
    void prepare() {
        HostState& host = host_.state();
        X86State& guest = cpu_.state;
        for (unsigned n = 0; n < 16; ++n) guest.gpr[n] = host.gpr[n] = interesting(random_);
        if (random_() & 7) guest.gpr[kRcx] = host.gpr[kRcx] = random_() % 40;  // counts
        if (random_() & 7) {
            const std::uint64_t sp = kMemoryBase + kMemorySize / 2 + 8 * (random_() % 64);
            guest.gpr[kRsp] = host.gpr[kRsp] = sp;
        }
        const std::uint64_t flags = random_() & (kArithmeticFlags | (random_() % 4 ? 0 : rflags::kDirection));
        guest.rflags = flags | rflags::kOne | rflags::kInterrupt;
        host.flags = flags | 0x202;
        std::memset(host.area, 0, sizeof host.area);
        const std::uint16_t control = random_() % 3 ? 0x37f : std::uint16_t((random_() & 0xf3f) | 0x40);
        const std::uint16_t status = std::uint16_t(random_() & 0x4700);
        const std::uint8_t tags = std::uint8_t(random_());
        const std::uint32_t mxcsr =
            std::uint32_t(0x1f80 | (random_() & 0xe07f)) & (random_() % 3 ? ~0u : ~0x1f80u);
        std::memcpy(host.area, &control, 2);
        std::memcpy(host.area + 2, &status, 2);
        std::memcpy(host.area + 4, &tags, 1);
        std::memcpy(host.area + 24, &mxcsr, 4);
        for (unsigned n = 0; n < 8; ++n) {
            fill(host.area + 32 + 16 * n, 8);
            const std::uint16_t exponent = std::uint16_t(random_() & 1 ? 0x3ff0 + random_() % 32 : random_());
            std::memcpy(host.area + 32 + 16 * n + 8, &exponent, 2);
            if (random_() % 3) host.area[32 + 16 * n + 7] |= 0x80;
        }
        fill(host.vectors[0], sizeof host.vectors);
        for (unsigned n = 0; n < 16; ++n) {
            std::memcpy(host.area + kVectorOffset + 16 * n, host.vectors[n], 16);
            std::memcpy(guest.xsave + kUpperOffset + 16 * n, host.vectors[n] + 16, 16);
        }
        std::memcpy(guest.xsave, host.area, sizeof host.area);
        constexpr unsigned kUsed = 0x2000;  // what addresses reach mostly
        fill(cpu_.vcpu.at(kMemoryBase + kMemorySize / 2 - kUsed / 2), kUsed);
        std::memcpy(host_.memory(), cpu_.vcpu.bytes.data(), kMemorySize);
        cpu_.vcpu.plain = random_() & 1;
        guest.pc = kPc;
    }

    bool compare(const std::uint8_t* code, const Instruction& i, std::optional<int> signal,
                 std::optional<Vector> vector) {
        raised_ += signal.has_value();
        // With nothing to store, processors may look at the address or not (SDM 2B, MASKMOVQ).
        if (i.operation() == Operation::Maskmov && signal && !vector) return true;
        if (signal.has_value() != vector.has_value() || (signal && !same(*signal, *vector)))
            return report(code, i,
                          "the host raised " + (signal ? "signal " + std::to_string(*signal) : "nothing") +
                              ", the executor " +
                              (vector ? "vector " + std::to_string(int(*vector)) : "nothing"));
        if (signal) return true;
        const HostState& host = host_.state();
        const X86State& guest = cpu_.state;
        for (unsigned n = 0; n < 16; ++n)
            if (host.gpr[n] != guest.gpr[n])
                return report(code, i, "register " + std::to_string(n), host.gpr[n], guest.gpr[n]);
        const std::uint64_t mask = compared_flags(i);
        if ((host.flags & mask) != (guest.rflags & mask))
            return report(code, i, "flags", host.flags & mask, guest.rflags & mask);
        for (unsigned n = 0; n < 16; ++n)
            if (std::memcmp(host.vectors[n], guest.xsave + kVectorOffset + 16 * n, 16) ||
                std::memcmp(host.vectors[n] + 16, guest.xsave + kUpperOffset + 16 * n, 16))
                return report(code, i, "vector register " + std::to_string(n));
        if (const std::string what = compare_x87(host.area, guest.xsave); !what.empty())
            return report(code, i, what);
        if (std::memcmp(host_.memory(), cpu_.vcpu.bytes.data(), kMemorySize))
            return report(code, i, "memory");
        return true;
    }
    /// Pointers to the last instruction aside.
    static std::string compare_x87(const std::uint8_t* host, const std::uint8_t* guest) {
        if (std::memcmp(host, guest, 5)) return "x87 control, status or tags";
        if (std::memcmp(host + 24, guest + 24, 4)) return "MXCSR";
        for (unsigned n = 0; n < 8; ++n)
            if (std::memcmp(host + 32 + 16 * n, guest + 32 + 16 * n, 10))
                return "x87 register " + std::to_string(n);
        return {};
    }
    static bool same(int signal, Vector vector) {
        switch (vector) {
        case Vector::DivideError:
        case Vector::MathFault:
        case Vector::SimdFault: return signal == SIGFPE;
        // A host that is itself a guest may look at the operand first.
        case Vector::InvalidOpcode: return signal == SIGILL || signal == SIGSEGV || signal == SIGBUS;
        case Vector::StackFault: return signal == SIGBUS || signal == SIGSEGV;
        case Vector::GeneralProtection:
        case Vector::PageFault: return signal == SIGSEGV || signal == SIGBUS;
        default: return false;
        }
    }
    bool report(const std::uint8_t* code, const Instruction& i, const std::string& what,
                std::uint64_t host = 0, std::uint64_t guest = 0) {
        std::string bytes;
        char digits[64];
        for (unsigned n = 0; n < i.length; ++n) {
            std::snprintf(digits, sizeof digits, "%02x ", code[n]);
            bytes += digits;
        }
        std::snprintf(digits, sizeof digits, " (host %llx, executor %llx)",
                      static_cast<unsigned long long>(host), static_cast<unsigned long long>(guest));
        std::printf("%s: %s%s\n", bytes.c_str(), what.c_str(), host != guest ? digits : "");
        return false;
    }

    Random random_;
    Host host_;
    TestCpu cpu_;
    unsigned long compared_ = 0, raised_ = 0;
};

}  // namespace
}  // namespace backplane::x86::testing

int main(int argc, char** argv) {
    if (!__builtin_cpu_supports("avx")) {
        std::puts("skipped: this host's processor has no AVX, whose registers are compared");
        return 77;
    }
    const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 1;
    backplane::x86::testing::Comparison comparison(seed);
    const std::clock_t end = std::clock() + std::clock_t(seconds * CLOCKS_PER_SEC);
    unsigned wrong = 0;
    while (std::clock() < end && wrong < 40)
        for (unsigned n = 0; n < 1000; ++n)
            if (!comparison.step()) ++wrong;
    std::printf("%lu instructions compared, %lu of them raised, %u differ\n", comparison.compared(),
                comparison.raised(), wrong);
    return wrong != 0 || comparison.compared() < 1000;
}
