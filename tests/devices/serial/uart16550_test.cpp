#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kRbr = 0, kThr = 0, kDll = 0;
constexpr std::uint64_t kIer = 1, kDlm = 1;
constexpr std::uint64_t kIir = 2, kFcr = 2;
constexpr std::uint64_t kLcr = 3;
constexpr std::uint64_t kMcr = 4;
constexpr std::uint64_t kLsr = 5;
constexpr std::uint64_t kMsr = 6;
constexpr std::uint64_t kScr = 7;
constexpr unsigned kLoop = 0x10;

class Uart16550 : public ::testing::Test {
  protected:
    std::uint64_t get(std::uint64_t index) { return bench.read(index, 1); }
    void put(std::uint64_t index, std::uint64_t value) { bench.write(index, value, 1); }
    /// What is sent comes back.
    void loop(unsigned fcr) {
        put(kMcr, kLoop);
        put(kFcr, fcr);
        get(kMsr);
    }
    void send(unsigned count) {
        for (unsigned i = 0; i < count; ++i) put(kThr, 'a' + i);
    }
    DeviceBench bench{"serial-mm", {{"clock-frequency", "3686400"}}};
};

TEST_F(Uart16550, RegistersAfterReset) {
    const unsigned expected[] = {0, 0, 0x01, 0, 0x08, 0x60, 0xb0, 0};
    for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(get(i), expected[i]) << i;
}

TEST_F(Uart16550, TheDivisorIsBehindDlab) {
    put(kLcr, 0x80);
    put(kDll, 0x34);
    put(kDlm, 0x12);
    EXPECT_EQ(get(kDll), 0x34u);
    EXPECT_EQ(get(kDlm), 0x12u);
    put(kLcr, 0x03);
    EXPECT_EQ(get(kIer), 0u);
}

TEST_F(Uart16550, ScratchKeepsWhatIsWritten) {
    put(kScr, 0x5a);
    EXPECT_EQ(get(kScr), 0x5au);
}

TEST_F(Uart16550, FifosShowInTheIdentification) {
    put(kFcr, 0x01);
    EXPECT_EQ(get(kIir), 0xc1u);
    put(kFcr, 0x00);
    EXPECT_EQ(get(kIir), 0x01u);
}

TEST_F(Uart16550, EnablingTheTransmittersInterruptRaisesItWhenEmpty) {
    put(kIer, 0x02);
    EXPECT_EQ(bench.output("irq"), 1);
    EXPECT_EQ(get(kIir), 0x02u);
    EXPECT_EQ(bench.output("irq"), 0) << "reading IIR resets it";
    EXPECT_EQ(get(kIir), 0x01u);
}

TEST_F(Uart16550, TheTransmitterIsEmptyAgainAfterEachCharacter) {
    put(kIer, 0x02);
    get(kIir);
    put(kThr, 'x');
    EXPECT_EQ(get(kLsr), 0x60u);
    EXPECT_EQ(bench.output("irq"), 1);
}

TEST_F(Uart16550, LoopbackReceivesWhatIsSent) {
    loop(0);
    put(kIer, 0x01);
    put(kThr, 'x');
    EXPECT_EQ(bench.output("irq"), 1);
    EXPECT_EQ(get(kIir), 0x04u);
    EXPECT_EQ(get(kLsr) & 1, 1u);
    EXPECT_EQ(get(kRbr), unsigned('x'));
    EXPECT_EQ(get(kLsr) & 1, 0u);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST_F(Uart16550, AnUnreadCharacterIsOverrunWithoutFifos) {
    loop(0);
    put(kThr, 'a');
    put(kThr, 'b');
    EXPECT_EQ(get(kLsr) & 0x03, 0x03u);
    EXPECT_EQ(get(kLsr) & 0x02, 0u) << "reading LSR clears the error";
    EXPECT_EQ(get(kRbr), unsigned('b'));
}

TEST_F(Uart16550, ASeventeenthCharacterIsOverrunWithFifos) {
    loop(0x01);
    send(17);
    EXPECT_EQ(get(kLsr) & 0x02, 0x02u);
    for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(get(kRbr), 'a' + i);
    EXPECT_EQ(get(kLsr) & 0x01, 0u);
}

TEST_F(Uart16550, TheTriggerLevelDecidesWhenDataInterrupts) {
    loop(0x41);  // 4 characters
    put(kIer, 0x01);
    send(3);
    EXPECT_EQ(bench.output("irq"), 0);
    send(1);
    EXPECT_EQ(get(kIir), 0xc4u);
    get(kRbr);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST_F(Uart16550, FewCharactersInterruptAfterFourCharacterTimes) {
    put(kLcr, 0x83);
    put(kDll, 2);  // 115200 baud
    put(kDlm, 0);
    put(kLcr, 0x03);
    loop(0xc1);
    put(kIer, 0x01);
    send(1);
    const std::uint64_t character = 10ull * 16 * 2 * 1'000'000'000 / 3686400;
    bench.advance_ns(4 * character - 1);
    EXPECT_EQ(bench.output("irq"), 0);
    bench.advance_ns(1);
    EXPECT_EQ(bench.output("irq"), 1);
    EXPECT_EQ(get(kIir), 0xccu);
    get(kRbr);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST_F(Uart16550, ABreakIsAZeroWithItsBit) {
    loop(0x01);
    put(kIer, 0x04);
    put(kLcr, 0x40);
    EXPECT_EQ(get(kIir), 0xc6u);
    EXPECT_EQ(get(kLsr) & 0x91, 0x91u);
    EXPECT_EQ(get(kRbr), 0u);
    EXPECT_EQ(get(kLsr) & 0x90, 0u);
}

TEST_F(Uart16550, LineStatusComesBeforeDataBeforeTransmitterBeforeModem) {
    loop(0);
    put(kIer, 0x0f);
    get(kIir);
    put(kMcr, kLoop | 0x02);  // RTS: CTS changes
    put(kThr, 'a');
    put(kThr, 'b');
    EXPECT_EQ(get(kIir), 0x06u);
    get(kLsr);
    EXPECT_EQ(get(kIir), 0x04u);
    get(kRbr);
    EXPECT_EQ(get(kIir), 0x02u);
    EXPECT_EQ(get(kIir), 0x00u);
    get(kMsr);
    EXPECT_EQ(get(kIir), 0x01u);
}

TEST_F(Uart16550, LoopbackShowsTheModemsOutputsAsInputs) {
    put(kMcr, kLoop);
    get(kMsr);
    put(kMcr, kLoop | 0x0f);
    EXPECT_EQ(get(kMsr), 0xfbu) << "CTS, DSR and DCD changed; RI shows its trailing edge only";
    EXPECT_EQ(get(kMsr), 0xf0u);
    put(kMcr, kLoop);
    EXPECT_EQ(get(kMsr), 0x0fu);
}

TEST_F(Uart16550, ADebuggersReadsChangeNothing) {
    loop(0x01);
    send(1);
    EXPECT_EQ(bench.peek(kRbr, 1), unsigned('a'));
    EXPECT_EQ(bench.peek(kLsr, 1) & 1, 1u);
    EXPECT_EQ(get(kRbr), unsigned('a'));
}

TEST_F(Uart16550, FcrEmptiesTheReceiver) {
    loop(0x01);
    send(3);
    put(kFcr, 0x03);
    EXPECT_EQ(get(kLsr) & 1, 0u);
}

TEST_F(Uart16550, ResetTakesEverythingBack) {
    loop(0xc1);
    put(kIer, 0x0f);
    send(3);
    bench.reset();
    EXPECT_EQ(bench.output("irq"), 0);
    EXPECT_EQ(get(kIer), 0u);
    EXPECT_EQ(get(kLsr), 0x60u);
    EXPECT_EQ(get(kMcr), 0x08u);
}

TEST_F(Uart16550, StateMovesToAnotherChip) {
    loop(0x01);
    send(3);
    put(kIer, 0x01);
    const auto state = bench.save_state();
    DeviceBench other("serial-mm");
    other.load_state(state);
    EXPECT_EQ(other.output("irq"), 1);
    EXPECT_EQ(other.read(kRbr, 1), unsigned('a'));
    EXPECT_EQ(other.read(kRbr, 1), unsigned('b'));
}

TEST(SerialMm, CharactersGoToTheChardevAndComeFromIt) {
    const std::string output = ::testing::TempDir() + "uart16550-output";
    const std::string input = ::testing::TempDir() + "uart16550-input";
    std::ofstream(input) << "in";
    {
        DeviceBench bench;
        bench.add("chardev-file", "line", {{"path", output}, {"input-path", input}});
        Object& uart = bench.add("serial-mm", "uart", {{"chardev", "line"}});
        bench.focus(uart);
        bench.write(kFcr, 0x01, 1);
        bench.run_until([](void* data) { return (static_cast<DeviceBench*>(data)->peek(kLsr, 1) & 1) != 0; },
                        &bench);
        EXPECT_EQ(bench.read(kRbr, 1), unsigned('i'));
        bench.run_until([](void* data) { return (static_cast<DeviceBench*>(data)->peek(kLsr, 1) & 1) != 0; },
                        &bench);
        EXPECT_EQ(bench.read(kRbr, 1), unsigned('n'));
        for (const char c : std::string("out")) bench.write(kThr, std::uint8_t(c), 1);
        bench.run_ready();
    }
    std::ifstream stream(output);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "out");
    std::remove(output.c_str());
    std::remove(input.c_str());
}

TEST(SerialMm, RegistersCanBeApart) {
    DeviceBench bench("serial-mm", {{"regshift", "2"}});
    bench.write(7 << 2, 0x5a, 4);
    EXPECT_EQ(bench.read(7 << 2, 4), 0x5au);
    EXPECT_EQ(bench.read(5 << 2, 1), 0x60u);
}

}  // namespace
}  // namespace backplane::testing
