// The power management function: ACPI blocks, APM, SMBus.
#include "tests/devices/pc_bridges.h"

#include <backplane/power.h>

namespace backplane::testing {
namespace {

constexpr unsigned kPlace = 1 << 3 | 3;
constexpr std::uint64_t kBase = 0x600;
constexpr std::uint64_t kStatus = kBase;
constexpr std::uint64_t kEnable = kBase + 2;
constexpr std::uint64_t kControl = kBase + 4;
constexpr std::uint64_t kTimer = kBase + 8;
constexpr std::uint64_t kGpe = 0xafe0;
constexpr std::uint64_t kSmbus = 0xb100;
constexpr std::uint64_t kSecond = 1'000'000'000;

class PowerManagement : public ::testing::Test, protected PcBridges {
  protected:
    PowerManagement() {
        bench.add("PIIX3", "isa", {{"addr", "01.0"}}, "host");
        chip = &bench.add("PIIX4_PM", "pm", {{"addr", "01.3"}, {"smm-enabled", "on"}}, "host");
    }
    void enable_ports() {
        set_config(kPlace, 0x40, kBase | 1, 4);
        set_config(kPlace, 0x80, 1);
    }
    void enable_acpi() {
        enable_ports();
        out(0xb2, 0xf1);
    }
    int sci() {
        bench.focus(*chip);
        return bench.output("");
    }
    std::uint8_t smbus(unsigned protocol, unsigned address, bool reads, unsigned command = 0,
                       unsigned data0 = 0, unsigned data1 = 0) {
        out(kSmbus, 0x1e);
        out(kSmbus + 4, address << 1 | reads);
        out(kSmbus + 3, command);
        out(kSmbus + 5, data0);
        out(kSmbus + 6, data1);
        out(kSmbus + 2, 0x40 | protocol << 2);
        return std::uint8_t(in(kSmbus));
    }
    Object* chip = nullptr;
};

TEST_F(PowerManagement, ItsConfigurationAfterAReset) {
    EXPECT_EQ(config(kPlace, 0, 4), 0x71138086u);
    EXPECT_EQ(config(kPlace, 8, 4), 0x06800003u);
    EXPECT_EQ(config(kPlace, 6, 2), 0x0280u);
    EXPECT_EQ(config(kPlace, 0x3d), 1u);
    EXPECT_EQ(config(kPlace, 0x40, 4), 1u);
    EXPECT_EQ(config(kPlace, 0x5c, 4), 0x10000000u);
    EXPECT_EQ(config(kPlace, 0x60, 4), 0x60000000u);
    EXPECT_EQ(config(kPlace, 0x90, 4), 0xb101u);
    EXPECT_EQ(config(kPlace, 0xd2), 0x09u);
}

TEST_F(PowerManagement, ItsPortsAreWhereTheGuestPutsThem) {
    in(kTimer, 4);
    EXPECT_TRUE(bench.access_failed()) << "they are not enabled";
    enable_ports();
    in(kTimer, 4);
    EXPECT_FALSE(bench.access_failed());
    set_config(kPlace, 0x40, 0xb001, 4);
    in(kTimer, 4);
    EXPECT_TRUE(bench.access_failed());
    in(0xb008, 4);
    EXPECT_FALSE(bench.access_failed());
    set_config(kPlace, 0x90, 0x701, 4);
    EXPECT_EQ(in(0x700), 0u);
    EXPECT_FALSE(bench.access_failed());
}

TEST_F(PowerManagement, BlocksThatWouldLieOverEachOtherStayAway) {
    enable_ports();
    set_config(kPlace, 0x90, kBase | 1, 4);
    out(kControl, 0x0400, 2);
    EXPECT_EQ(in(kControl, 2), 0x0400u) << "the first one is still there";
    set_config(kPlace, 0x90, 0x701, 4);
    in(0x700);
    EXPECT_FALSE(bench.access_failed());
}

TEST_F(PowerManagement, TheTimerCountsAndCarries) {
    enable_acpi();
    bench.advance_ns(kSecond);
    EXPECT_EQ(in(kTimer, 4), 3579545u);
    EXPECT_EQ(in(kTimer, 2), 3579545u & 0xffff);
    EXPECT_EQ(in(kStatus, 2) & 1, 0u);
    out(kEnable, 1, 2);
    bench.advance_ns(kSecond);
    EXPECT_EQ(sci(), 0);
    bench.advance_ns(kSecond);
    EXPECT_EQ(in(kStatus, 2) & 1, 1u) << "bit 23 changed";
    EXPECT_EQ(sci(), 1);
    out(kStatus, 1, 2);
    EXPECT_EQ(sci(), 0);
    bench.advance_ns(2 * kSecond);
    EXPECT_EQ(sci(), 1) << "and changed again";
    EXPECT_LT(in(kTimer, 4), 0x1000000u);
}

TEST_F(PowerManagement, ThePowerButtonInterruptsWhoEnabledIt) {
    enable_acpi();
    query<PowerButton>(*chip)->press();
    EXPECT_EQ(in(kStatus, 2), 0x100u);
    EXPECT_EQ(sci(), 0);
    out(kEnable, 0x100, 2);
    EXPECT_EQ(sci(), 1);
    out(0xb2, 0xf0);
    EXPECT_EQ(in(kControl, 2), 0u);
    EXPECT_EQ(sci(), 0) << "ACPI is off";
    out(0xb2, 0xf1);
    EXPECT_EQ(sci(), 1);
    out(kStatus + 1, 1);
    EXPECT_EQ(sci(), 0);
}

TEST_F(PowerManagement, SoftOffEndsTheMachine) {
    enable_acpi();
    out(kControl, 0x2001, 2);
    EXPECT_EQ(in(kControl, 2), 0x0001u) << "SLP_EN is write-only";
    ASSERT_EQ(bench.requests().size(), 1u);
    EXPECT_EQ(bench.requests()[0], "guest-shutdown");
}

TEST_F(PowerManagement, ASleepStateThatThereIsNotLeavesItRunning) {
    enable_acpi();
    out(kControl, 0x2000 | 7 << 10, 2);
    EXPECT_TRUE(bench.requests().empty());
    EXPECT_EQ(in(kControl, 2), 7u << 10);
}

TEST_F(PowerManagement, GeneralPurposeEventsAreClearedByOnes) {
    out(kGpe, 0xffffffff, 4);
    EXPECT_EQ(in(kGpe, 4), 0xffff0000u);
}

TEST_F(PowerManagement, ApmCommandsRaiseSmiWhereThatIsEnabled) {
    bench.focus(*chip);
    bench.output_changes("smi-irq");
    out(0xb3, 0x55);
    out(0xb2, 0x12);
    EXPECT_EQ(in(0xb2, 2), 0x5512u);
    bench.focus(*chip);
    EXPECT_EQ(bench.output_changes("smi-irq"), 0u);
    set_config(kPlace, 0x5b, 0x02);
    out(0xb2, 0xb5);
    bench.focus(*chip);
    EXPECT_EQ(bench.output_changes("smi-irq"), 2u);
}

TEST_F(PowerManagement, WithoutSmmFirmwareFindsItSetUp) {
    EXPECT_EQ(config(kPlace, 0x5b), 0u);
    PcBridges other;
    Object& plain = other.bench.add("PIIX4_PM", "pm", {{"addr", "01.3"}}, "host");
    EXPECT_EQ(other.config(kPlace, 0x5b), 2u);
    other.bench.focus(plain);
    other.bench.output_changes("smi-irq");
    other.out(0xb2, 0xb5);
    other.bench.focus(plain);
    EXPECT_EQ(other.bench.output_changes("smi-irq"), 0u);
}

TEST_F(PowerManagement, TheSmbusReadsAndWritesAMemory) {
    bench.add("smbus-eeprom", "spd0", {{"address", "0x50"}}, "pm");
    EXPECT_EQ(smbus(0, 0x50, false), 0x02);
    EXPECT_EQ(smbus(0, 0x51, false), 0x04) << "nobody is there";
    EXPECT_EQ(smbus(2, 0x50, false, 5, 0x5a), 0x02);
    EXPECT_EQ(smbus(3, 0x50, false, 6, 0x34, 0x12), 0x02);
    EXPECT_EQ(smbus(2, 0x50, true, 5), 0x02);
    EXPECT_EQ(in(kSmbus + 5), 0x5au);
    EXPECT_EQ(smbus(3, 0x50, true, 6), 0x02);
    EXPECT_EQ(in(kSmbus + 5, 2), 0x1234u);
    EXPECT_EQ(smbus(1, 0x50, false, 5), 0x02);
    EXPECT_EQ(smbus(1, 0x50, true), 0x02);
    EXPECT_EQ(in(kSmbus + 5), 0x5au);
    EXPECT_EQ(smbus(7, 0x50, false), 0x04) << "no such protocol";
}

TEST_F(PowerManagement, TheSmbusReadsABlock) {
    bench.add("smbus-eeprom", "spd0", {{"address", "0x50"}}, "pm");
    smbus(2, 0x50, false, 8, 2);
    smbus(3, 0x50, false, 9, 0xaa, 0xbb);
    EXPECT_EQ(smbus(5, 0x50, true, 8), 0x02);
    EXPECT_EQ(in(kSmbus + 5), 2u);
    EXPECT_EQ(in(kSmbus + 7), 0xaau);
    EXPECT_EQ(in(kSmbus + 7), 0xbbu);
    in(kSmbus + 2);
    EXPECT_EQ(in(kSmbus + 7), 0xaau) << "reading the control register goes back to the first";
}

TEST_F(PowerManagement, TheSmbusInterrupts) {
    out(kSmbus + 2, 0x41);
    EXPECT_EQ(sci(), 1);
    out(kSmbus, 0x1e);
    EXPECT_EQ(sci(), 0);
}

TEST_F(PowerManagement, TwoMemoriesDoNotShareAnAddress) {
    bench.add("smbus-eeprom", "spd0", {{"address", "0x50"}}, "pm");
    const std::string reason = bench.try_add("smbus-eeprom", "spd1", {{"address", "0x50"}}, "pm");
    EXPECT_NE(reason.find("0x50"), std::string::npos) << reason;
    EXPECT_TRUE(bench.try_add("smbus-eeprom", "spd2", {{"address", "0x51"}}, "pm").empty());
}

TEST_F(PowerManagement, ASavedChipGoesOn) {
    enable_acpi();
    out(kEnable, 0x101, 2);
    bench.focus(*chip);
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(in(kEnable, 2), 0x101u);
    EXPECT_EQ(in(kControl, 2), 1u);
    bench.advance_ns(3 * kSecond);
    EXPECT_EQ(sci(), 1) << "the timer was armed again";
}

}  // namespace
}  // namespace backplane::testing
