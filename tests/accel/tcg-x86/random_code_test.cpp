// Any bytes, in any mode, at any privilege, on any state: an instruction, a fault or a shutdown, and nothing else.
#include "processor.h"

#include <gtest/gtest.h>

#include <random>

namespace backplane::x86::testing {
namespace {

using Random = std::mt19937_64;

class RandomCode : public ::testing::Test {
  protected:
    RandomCode() { cpu.vcpu.wraps = true; }

    std::uint64_t value() {
        switch (random() % 5) {
        case 0: return random();
        case 1: return random() & 0xffff;
        case 2: return 0 - (random() & 0xff);
        case 3: return std::uint64_t{1} << random() % 64;
        default: return kMemoryBase + (random() & 0xffff);
        }
    }

    void make_state(unsigned mode) {
        X86State& s = cpu.state;
        for (std::uint64_t& reg : s.gpr) reg = value();
        s.rflags = (random() & 0x3f7fd5) | rflags::kOne;
        s.cr0 = (random() & 0xe005003a) | cr0::kEt;
        s.cr4 = random() & 0x3507ff;
        s.efer = efer::kSce;
        s.xcr0 = random() & 1 ? 7 : 1;
        s.activity = Activity::Running;
        s.run.halted = 0;
        s.interrupt_shadow = s.nmi_blocked = false;
        s.smm = random() % 4 == 0;
        s.smbase = std::uint32_t(kMemoryBase);
        if (mode != 0) s.cr0 |= cr0::kPe;
        else s.cr0 &= ~(cr0::kPe | cr0::kPg);
        if (mode == 2) {
            s.efer |= efer::kLma | efer::kLme;
            s.cr0 |= cr0::kPg;
            s.cr4 |= cr4::kPae;
        }
        const std::uint32_t privilege = std::uint32_t(random() & 3) << Segment::kDplShift;
        for (Segment& segment : s.segments)
            segment = {random() & 1 ? 0 : value(), std::uint32_t(random() & 1 ? ~0u : random() & 0xffff),
                       std::uint16_t(random()), std::uint32_t(0x93 | (random() & 0xf00c)) | privilege};
        s.segments[kCs].attributes |= Segment::kCode | (mode == 2 && random() % 2 ? Segment::kLong : 0);
        if (random() % 8 == 0) s.segments[random() % kSegmentCount].attributes |= Segment::kUnusable;
        s.gdt = {kMemoryBase, std::uint32_t(random() & 0xffff)};
        s.idt = {kMemoryBase, std::uint32_t(random() & 0xffff)};
        s.ldt = {kMemoryBase, std::uint32_t(random() & 0xffff), std::uint16_t(random()), 0x82};
        s.task = {kMemoryBase, std::uint32_t(random() & 0xffff), std::uint16_t(random()),
                  random() & 1 ? 0x8bu : 0x83u};
        set_instruction_pointer(s, random() & 0xffff);
        for (unsigned n = 0; n < 1024; ++n) s.xsave[n] = std::uint8_t(random());
        s.xsave[kMxcsrOffset + 2] = s.xsave[kMxcsrOffset + 3] = 0;
    }

    CodeSize code_size() const {
        const X86State& s = cpu.state;
        if (in_64bit_code(s)) return CodeSize::Code64;
        return s.segments[kCs].attributes & Segment::kBig ? CodeSize::Code32 : CodeSize::Code16;
    }

    Random random{11};
    TestCpu cpu;
};

TEST_F(RandomCode, EndsInAFewSteps) {
    unsigned shut = 0;
    for (unsigned n = 0; n < 60'000; ++n) {
        make_state(n % 3);
        for (unsigned i = 0; i < 64; ++i) cpu.vcpu.bytes[random() % kMemorySize] = std::uint8_t(random());
        std::uint8_t code[16];
        for (std::uint8_t& byte : code) byte = std::uint8_t(random());
        if (random() & 1) code[random() % 2] = 0x0f;
        CodeBytes bytes(code);
        const Instruction instruction = decode(bytes, code_size());
        cpu.processor.shut = false;
        Executor(cpu.state).run(instruction);
        shut += cpu.processor.shut;
        ASSERT_TRUE(cpu.state.rflags & rflags::kOne);
        ASSERT_FALSE(cpu.own.in_helper);
        ASSERT_TRUE(in_64bit_code(cpu.state) || cpu.state.pc >> 32 == 0);
    }
    EXPECT_GT(shut, 0u) << "some of these states have no way to deliver an exception";
}

/// Interrupts find any state as well.
TEST_F(RandomCode, TakesInterruptsInAnyState) {
    for (unsigned n = 0; n < 20'000; ++n) {
        make_state(n % 3);
        cpu.processor.interrupt = int(random() & 0xff);
        cpu.state.requests = request::kInterrupt | (random() & 1 ? request::kNmi : 0);
        Executor(cpu.state).take_requests();
        ASSERT_FALSE(cpu.own.in_helper);
    }
}

}  // namespace
}  // namespace backplane::x86::testing
