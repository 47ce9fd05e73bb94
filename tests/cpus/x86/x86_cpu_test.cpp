// A processor as the machine sees it: reset, INIT, SIPI, requests, the debugger's view.
#include "fixture.h"

#include <backplane/draft/debug.h>

namespace backplane::x86 {
namespace {

using testing::ProcessorTest;

struct CountingRunner final : VcpuRunner {
    unsigned kicks = 0;
    void kick() override { ++kicks; }
    void run_on(void (*work)(void* data), void* data) override { work(data); }
};

struct Controller final : InterruptAcknowledge {
    std::uint8_t acknowledge() override { return 0x77; }
};

/// SDM 3A, table 9-1.
TEST_F(ProcessorTest, ResetIsTheManuals) {
    make("qemu64-v1");
    state().pc = 5;
    state().cr0 = 0x80000011;
    state().efer = 0x500;
    state().gpr[kRax] = 1;
    state().segments[kDs].base = 7;
    state().msrs.star = 1;
    bench.reset();
    const Segment& cs = state().segments[kCs];
    EXPECT_EQ(cs.selector, 0xf000);
    EXPECT_EQ(cs.base, 0xffff0000u);
    EXPECT_EQ(cs.limit, 0xffffu);
    EXPECT_EQ(cs.attributes, 0x9bu);
    EXPECT_EQ(state().segments[kDs].base, 0u);
    EXPECT_EQ(state().segments[kDs].attributes, 0x93u);
    EXPECT_EQ(state().ldt.attributes, 0x82u);
    EXPECT_EQ(state().task.attributes, 0x8bu);
    EXPECT_EQ(instruction_pointer(state()), 0xfff0u);
    EXPECT_EQ(cpu->program_counter(), 0xfffffff0u);
    EXPECT_EQ(state().rflags, 2u);
    EXPECT_EQ(state().cr0, 0x60000010u);
    EXPECT_EQ(state().efer, 0u);
    EXPECT_EQ(state().gpr[kRax], 0u);
    EXPECT_EQ(state().gpr[kRdx], 0x60fb1u) << "the model's signature";
    EXPECT_EQ(state().dr6, 0xffff0ff0u);
    EXPECT_EQ(state().dr7, 0x400u);
    EXPECT_EQ(state().msrs.star, 0u);
    EXPECT_EQ(state().msrs.pat, 0x0007040600070406u);
    std::uint32_t mxcsr = 0;
    std::memcpy(&mxcsr, state().xsave + 24, sizeof mxcsr);
    EXPECT_EQ(mxcsr, 0x1f80u);
}

TEST_F(ProcessorTest, TellsWhenItsCounterComesToAValue) {
    make("qemu64-v1", {{"tsc-frequency", "2000000000"}});
    const auto* const counter = query<TimeStampCounter>(cpu->object());
    ASSERT_NE(counter, nullptr);
    EXPECT_EQ(counter->time_of(2000), 1000u);
    EXPECT_EQ(counter->time_of(2001), 1001u) << "not ahead of it";
    state().msrs.tsc_adjust = 1000;
    EXPECT_EQ(counter->time_of(2000), 500u);
    EXPECT_EQ(counter->time_of(999), 0u) << "past";
    state().msrs.tsc_adjust = std::uint64_t(0) - 1000;
    EXPECT_EQ(counter->time_of(1000), 1000u);
}

TEST_F(ProcessorTest, InitLeavesWhatTheManualSays) {
    make("qemu64-v1");
    bench.reset();
    state().cr0 = 0x80000011;
    state().cr3 = 0x1000;
    state().msrs.star = 0x1234;
    state().xsave[160] = 0x5a;
    state().tsc = 99;
    control->raise_init();
    processor->take_init();
    EXPECT_EQ(state().cr0, 0x10u) << "CD and NW stay as they were";
    EXPECT_EQ(state().cr3, 0u);
    EXPECT_EQ(instruction_pointer(state()), 0xfff0u);
    EXPECT_EQ(state().msrs.star, 0x1234u);
    EXPECT_EQ(state().xsave[160], 0x5a);
    EXPECT_EQ(state().tsc, 99u);
    EXPECT_EQ(state().requests.load(), 0u);
}

TEST_F(ProcessorTest, AStartUpRightBehindAnInitIsNotLost) {
    make("qemu64-v1");
    bench.reset();
    control->raise_init();
    control->start_up(3);
    processor->take_init();
    EXPECT_EQ(state().requests.load(), request::kStartUp);
}

TEST_F(ProcessorTest, AStartUpBeginsWhereItsVectorSays) {
    make("qemu64-v1");
    bench.reset();
    state().activity = Activity::WaitForSipi;
    EXPECT_TRUE(cpu->powered_off());
    control->start_up(0x9f);
    EXPECT_FALSE(cpu->powered_off());
    processor->take_start_up();
    EXPECT_EQ(state().activity, Activity::Running);
    EXPECT_EQ(cpu->program_counter(), 0x9f000u);
    EXPECT_EQ(state().segments[kCs].selector, 0x9f00);
    state().pc = 0x9f010;
    control->start_up(0x20);
    processor->take_start_up();
    EXPECT_EQ(cpu->program_counter(), 0x9f010u) << "one that runs is not disturbed";
}

TEST_F(ProcessorTest, RequestsWakeWhatWaitsForThem) {
    make("qemu64-v1");
    bench.reset();
    CountingRunner runner;
    cpu->set_runner(&runner);
    state().wakes_on = request::kNmi;
    control->set_interrupt(1);
    EXPECT_EQ(runner.kicks, 1u);
    EXPECT_FALSE(cpu->has_work());
    control->raise_nmi();
    EXPECT_TRUE(cpu->has_work());
    control->set_interrupt(0);
    EXPECT_EQ(state().requests.load(), request::kNmi);
    cpu->set_runner(nullptr);
}

TEST_F(ProcessorTest, WithoutALocalApicThe8259Answers) {
    make("qemu64-v1");
    EXPECT_EQ(processor->acknowledge_interrupt(), -1);
    Controller controller;
    control->set_interrupt_controller(&controller);
    EXPECT_EQ(processor->acknowledge_interrupt(), 0x77);
}

TEST_F(ProcessorTest, RegistersAreShownAsUsersKnowThem) {
    make("qemu64-v1");
    bench.reset();
    TextBuffer text;
    cpu->dump(text);
    const std::string expected = R"(EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1
ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000
EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
ES =0000 00000000 0000ffff 00009300
CS =f000 ffff0000 0000ffff 00009b00
SS =0000 00000000 0000ffff 00009300
DS =0000 00000000 0000ffff 00009300
FS =0000 00000000 0000ffff 00009300
GS =0000 00000000 0000ffff 00009300
LDT=0000 00000000 0000ffff 00008200
TR =0000 00000000 0000ffff 00008b00
GDT=     00000000 0000ffff
IDT=     00000000 0000ffff
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
DR0=0000000000000000 DR1=0000000000000000 DR2=0000000000000000 DR3=0000000000000000 
DR6=00000000ffff0ff0 DR7=0000000000000400
EFER=0000000000000000
FCW=037f FSW=0000 [ST=0] FTW=00 MXCSR=00001f80
FPR0=0000000000000000 0000 FPR1=0000000000000000 0000
)";
    EXPECT_EQ(text.text().substr(0, expected.size()), expected);

    state().efer = 0xd01;
    state().cr0 = 0x80050033;
    state().segments[kCs] = {0, 0xffffffff, 0x10, 0xa09b};
    state().segments[kSs] = {0, 0xffffffff, 0x18, 0xc093};
    state().segments[kDs] = {0, 0, 0, Segment::kUnusable};
    state().task = {0xfffffe0000003000, 0x4087, 0x40, 0x8b};
    TextBuffer wide;
    cpu->dump(wide);
    for (const char* line : {"\nRIP=00000000fffffff0 RFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n",
                             "\nCS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]\n",
                             "\nSS =0018 0000000000000000 ffffffff 00cf9300 DPL=0 DS   [-WA]\n",
                             "\nDS =0000 0000000000000000 00000000 00000000\n",
                             "\nTR =0040 fffffe0000003000 00004087 00008b00 DPL=0 TSS64-busy\n"})
        EXPECT_NE(wide.text().find(line), std::string::npos) << line << wide.text();
}

class PagingTest : public ProcessorTest {
  protected:
    static constexpr std::uint64_t kRam = testing::DeviceBench::kRamBase.value;
    void entry(std::uint64_t address, std::uint64_t value, unsigned size = 8) {
        std::memcpy(bench.ram().data + (address - kRam), &value, size);
    }
    std::uint64_t translate(std::uint64_t address) {
        GuestAddress physical;
        return cpu->translate_debug(address, physical) ? physical.value : ~std::uint64_t{0};
    }
};

TEST_F(PagingTest, FourAndFiveLevels) {
    make("qemu64-v1");
    bench.reset();
    state().cr0 |= cr0::kPe | cr0::kPg;
    state().cr4 = cr4::kPae;
    state().efer = efer::kLme | efer::kLma;
    state().cr3 = kRam;
    entry(kRam + 8 * 0x1ff, (kRam + 0x1000) | 3);
    entry(kRam + 0x1000 + 8, (kRam + 0x2000) | 3);         // bits 38:30 = 1
    entry(kRam + 0x2000 + 8 * 2, (kRam + 0x3000) | 3);     // bits 29:21 = 2
    entry(kRam + 0x2000 + 8 * 3, 0x40200000 | 0x83);       // a 2 MiB page
    entry(kRam + 0x3000 + 8 * 4, 0x8000000012345000 | 1);  // bits 20:12 = 4, no execute
    const std::uint64_t base = 0xffffff8040000000;
    EXPECT_EQ(translate(base + (2 << 21) + (4 << 12) + 0x678), 0x12345678u);
    EXPECT_EQ(translate(base + (3 << 21) + 0x12345), 0x40212345u);
    EXPECT_EQ(translate(base + (2 << 21)), ~0ull) << "not present";
    EXPECT_EQ(translate(0x0000ff8040000000), ~0ull) << "not canonical";

    state().cr4 |= cr4::kLa57;
    state().cr3 = kRam + 0x4000;
    entry(kRam + 0x4000 + 8 * 0x1ff, kRam | 3);
    EXPECT_EQ(translate(base + (2 << 21) + (4 << 12) + 0x678), 0x12345678u);
}

TEST_F(PagingTest, ThirtyTwoBitsWithAndWithoutPae) {
    make("qemu64-v1");
    bench.reset();
    EXPECT_EQ(translate(0x123456), 0x123456u) << "no paging";
    state().cr0 |= cr0::kPe | cr0::kPg;
    state().cr3 = kRam;
    entry(kRam + 4 * 1, (kRam + 0x1000) | 1, 4);
    entry(kRam + 4 * 2, 0x00c06081, 4);  // 4 MiB, bits 39:32 = 3
    entry(kRam + 0x1000 + 4 * 5, 0x00777001, 4);
    EXPECT_EQ(translate((1 << 22) + (5 << 12) + 9), 0x777009u);
    state().cr4 = cr4::kPse;
    EXPECT_EQ(translate((2 << 22) + 0x1234), 0x300c01234u);
    EXPECT_EQ(translate(3 << 22), ~0ull);

    state().cr4 = cr4::kPae;
    entry(kRam + 0x20 + 8 * 1, (kRam + 0x2000) | 1);
    state().cr3 = kRam + 0x20;
    entry(kRam + 0x2000, 0x600083);
    EXPECT_EQ(translate(0x40000010), 0x600010u);
}

TEST_F(ProcessorTest, ADebuggerReadsAndWritesRegisters) {
    make("qemu64-v1");
    bench.reset();
    auto& debug = *query<CpuDebug>(bench.device());
    unsigned found = 0;
    for (const DebugFeature& feature : debug.debug_features())
        for (const DebugRegister& reg : feature.registers) {
            std::vector<std::uint8_t> bytes(reg.bits / 8);
            ASSERT_TRUE(debug.read_register(reg, bytes)) << reg.name.view();
            if (reg.name.view() == "rsi") {
                const std::uint64_t value = 0x1122334455667788;
                std::memcpy(bytes.data(), &value, sizeof value);
                EXPECT_TRUE(debug.write_register(reg, bytes));
                ++found;
            }
            if (reg.name.view() == "ftag") {
                EXPECT_EQ(bytes[0], 0xff) << "all empty";
                EXPECT_EQ(bytes[1], 0xff);
                ++found;
            }
            if (reg.name.view() == "xmm3") {
                bytes[15] = 0x5a;
                EXPECT_TRUE(debug.write_register(reg, bytes));
                ++found;
            }
        }
    EXPECT_EQ(found, 3u);
    EXPECT_EQ(state().gpr[kRsi], 0x1122334455667788u);
    EXPECT_EQ(state().xsave[160 + 3 * 16 + 15], 0x5a);
}

TEST_F(ProcessorTest, ASavedStateIsTheSame) {
    make("qemu64-v1");
    bench.reset();
    state().gpr[15] = 77;
    state().segments[kGs].base = 0xffff888000000000;
    state().msrs.mtrr_variable[3] = 5;
    state().xsave[700] = 1;
    const auto saved = bench.save_state();
    bench.reset();
    state().xsave[700] = 0;
    bench.load_state(saved);
    EXPECT_EQ(state().gpr[15], 77u);
    EXPECT_EQ(state().segments[kGs].base, 0xffff888000000000u);
    EXPECT_EQ(state().msrs.mtrr_variable[3], 5u);
    EXPECT_EQ(state().xsave[700], 1);
    EXPECT_EQ(bench.save_state(), saved);
}

}  // namespace
}  // namespace backplane::x86
