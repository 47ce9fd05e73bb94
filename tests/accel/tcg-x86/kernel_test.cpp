// What kernels do through units: the interrupt flag and its shadow, SMAP, the flags as a whole, SWAPGS.
#include "translated.h"

#include <gtest/gtest.h>

namespace backplane::x86::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr Vector kAsked{30};

class KernelTest : public ::testing::Test {
  protected:
    KernelTest() {
        cpu.guest.gpr[kRsp] = kMemoryBase + 0x1000;
        cpu.guest.rflags = rflags::kOne;
    }
    std::optional<Vector> run(const Bytes& code, std::uint64_t at = kCode) {
        cpu.set_code(at, code.data(), unsigned(code.size()));
        cpu.guest.pc = at;
        return cpu.run(0);
    }
    TranslatedCpu cpu;
};

/// SDM 2B, STI: not before the end of the next instruction, and then at once.
TEST_F(KernelTest, StiHoldsInterruptsBackForOneInstruction) {
    const struct {
        Bytes code;
        unsigned taken;  ///< behind so many bytes
    } cases[] = {
        {{0xfb, 0xb0, 1, 0xb3, 1}, 3},           // sti; mov al, 1; mov bl, 1
        {{0xfb, 0xeb, 0, 0xb3, 1}, 3},           // sti; jmp over nothing
        {{0xfb, 0x74, 0, 0xb3, 1}, 3},           // sti; jz
        {{0xfb, 0xe8, 0, 0, 0, 0, 0xb3, 1}, 6},  // sti; call
        {{0xfb, 0x0f, 0x01, 0xf8, 0xb3, 1}, 4},  // sti; swapgs
        {{0xfb, 0xfb, 0xb3, 1}, 2},              // sti; sti: the second has no shadow
        {{0x6a, 0, 0xfb, 0x9d, 0x90, 0x90}, 6},  // push 0; sti; popf: that clears it
        {{0x68, 0, 2, 0, 0, 0x9d, 0xb3, 1}, 6},  // push 200h; popf
    };
    for (const auto& c : cases) {
        cpu.ask(kAsked);
        cpu.guest.rflags = rflags::kOne;
        const std::optional<Vector> vector = run(c.code);
        if (c.taken == c.code.size()) EXPECT_EQ(vector, std::nullopt) << c.code.size();
        else EXPECT_EQ(vector, kAsked);
        EXPECT_EQ(cpu.guest.pc, kCode + c.taken);
    }
}

TEST_F(KernelTest, TheShadowOfStiReachesTheNextPage) {
    cpu.ask(kAsked);
    EXPECT_EQ(run({0xfb, 0xb0, 1, 0xb3, 1}, kCode + 0xfff), kAsked);
    EXPECT_EQ(cpu.guest.pc, kCode + 0x1002);
}

TEST_F(KernelTest, CliBehindStiLetsNoneThrough) {
    cpu.ask(kAsked);
    EXPECT_EQ(run({0xfb, 0xfa, 0xb3, 1, 0xeb, 0}), std::nullopt);
    EXPECT_EQ(cpu.guest.rflags & rflags::kInterrupt, 0u);
}

TEST_F(KernelTest, FlagsComeBackFromTheStack) {
    // stc; std; pushf; clc; cld; sti; popf; setc al; pushf; pop rbx; cld
    EXPECT_EQ(run({0xf9, 0xfd, 0x9c, 0xf8, 0xfc, 0xfb, 0x9d, 0x0f, 0x92, 0xc0, 0x9c, 0x5b, 0xfc}),
              std::nullopt);
    EXPECT_EQ(cpu.guest.gpr[kRax] & 0xff, 1u);
    EXPECT_EQ(cpu.guest.gpr[kRbx], rflags::kOne | rflags::kCarry | rflags::kDirection);
    EXPECT_EQ(cpu.guest.gpr[kRsp], kMemoryBase + 0x1000);
    EXPECT_EQ(cpu.guest.rflags, rflags::kOne | rflags::kCarry);
}

/// OF lies between DF and IF.
TEST_F(KernelTest, FlagsOfTheSystemLeaveTheOthersAlone) {
    for (const Bytes& change : {Bytes{0xfd}, Bytes{0xfc}, Bytes{0xfb}, Bytes{0xfa}}) {
        Bytes code = {0x04, 0x01};  // add al, 1
        code.insert(code.end(), change.begin(), change.end());
        for (const bool before : {false, true}) {
            cpu.guest.gpr[kRax] = before ? 1 : 0x7f;
            cpu.guest.rflags = rflags::kOne | (before ? rflags::kOverflow : 0);
            EXPECT_EQ(run(code), std::nullopt);
            EXPECT_EQ(cpu.guest.rflags & rflags::kOverflow, before ? 0 : rflags::kOverflow);
        }
    }
}

TEST_F(KernelTest, SwapgsExchangesTheBases) {
    cpu.guest.segments[kGs].base = kMemoryBase;
    cpu.guest.msrs.kernel_gs_base = kMemoryBase + 0x100;
    std::memset(cpu.memory(), 1, 0x200);
    cpu.memory()[0x100] = 7;
    // swapgs; mov al, gs:[0]
    EXPECT_EQ(run({0x0f, 0x01, 0xf8, 0x65, 0x8a, 0x04, 0x25, 0, 0, 0, 0}), std::nullopt);
    EXPECT_EQ(cpu.guest.gpr[kRax] & 0xff, 7u);
    EXPECT_EQ(cpu.guest.segments[kGs].base, kMemoryBase + 0x100);
    EXPECT_EQ(cpu.guest.msrs.kernel_gs_base, kMemoryBase);
}

TEST_F(KernelTest, NoUserMayDoIt) {
    for (const Bytes& code : {Bytes{0xfb}, Bytes{0xfa}, Bytes{0x0f, 0x01, 0xf8}}) {
        cpu.set_code(kCode, code.data(), unsigned(code.size()));
        cpu.guest.pc = kCode;
        EXPECT_EQ(cpu.run(), Vector::GeneralProtection);
        EXPECT_EQ(cpu.guest.pc, kCode);
    }
}

/// SDM 3A 4.6.1: the memory is a user's.
TEST_F(KernelTest, StacLetsUserPagesThroughAndClacForbidsThem) {
    cpu.more_cr4 = cr4::kSmap;
    cpu.guest.gpr[kRbx] = kMemoryBase;
    // stac; mov al, [rbx]; clac; mov al, [rbx]
    EXPECT_EQ(run({0x0f, 0x01, 0xcb, 0x8a, 0x03, 0x0f, 0x01, 0xca, 0x8a, 0x03}), Vector::PageFault);
    EXPECT_EQ(cpu.guest.pc, kCode + 8);
    EXPECT_EQ(run({0x0f, 0x01, 0xca, 0x8a, 0x03}), Vector::PageFault);
    EXPECT_EQ(cpu.guest.pc, kCode + 3);
}

TEST_F(KernelTest, LeaveTakesTheFrameDown) {
    const std::uint64_t caller = 0x123456789;
    std::memcpy(cpu.memory() + 0x80, &caller, sizeof caller);
    cpu.guest.gpr[kRbp] = kMemoryBase + 0x80;
    EXPECT_EQ(run({0xc9}), std::nullopt);
    EXPECT_EQ(cpu.guest.gpr[kRbp], caller);
    EXPECT_EQ(cpu.guest.gpr[kRsp], kMemoryBase + 0x88);
}

}  // namespace
}  // namespace backplane::x86::testing
