// The executor beside the host's own processor, on random user-mode instructions and states: `x86_oracle_test SECONDS [SEED]`
// goes on for as long as one lets it (`./dev fuzz x86`); as a test it is short.
#include "random_code.h"
#include "run_comparison.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

namespace backplane::x86::testing {
namespace {

/// Where the manual leaves the bits of RFLAGS open and processors differ from what stays as it was.
std::uint64_t compared_flags(const Instruction& i) {
    return i.operation() == Operation::Divide ? 0 : kArithmeticFlags | rflags::kDirection;
}

class Comparison {
  public:
    explicit Comparison(std::uint64_t seed) : random_(seed) {}

    bool step() {
        std::uint8_t code[16];
        random_.any(code);
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
        for (unsigned more = 0; !vector && cpu_.state.pc == kCode; ++more) {
            if (more == kMemorySize) return report(code, i, "it does not come to its end");
            vector = cpu_.run(i);
        }
        return compare(code, i, signal, vector);
    }
    void summarize(unsigned wrong) const {
        std::printf("%lu instructions compared, %lu of them raised, %u differ\n", compared_, raised_, wrong);
    }
    unsigned long compared() const { return compared_; }

  private:
    /// The same state for both.
    void prepare() {
        random_.state(before_);
        load(host_, before_);
        load(cpu_.state, before_);
        std::memcpy(cpu_.vcpu.bytes.data(), before_.memory.data(), kMemorySize);
        cpu_.vcpu.plain = random_.below(2);
        cpu_.state.pc = kCode;
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
        if (const std::string what = x87_difference(host.area, guest.xsave); !what.empty())
            return report(code, i, what);
        if (std::memcmp(host_.memory(), cpu_.vcpu.bytes.data(), kMemorySize))
            return report(code, i, "memory");
        return true;
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

    RandomCode random_;
    UserState before_;
    Host host_;
    TestCpu cpu_;
    unsigned long compared_ = 0, raised_ = 0;
};

}  // namespace
}  // namespace backplane::x86::testing

int main(int argc, char** argv) {
    return backplane::x86::testing::run_comparison<backplane::x86::testing::Comparison>(argc, argv, 1000);
}
