// The I/O APIC, with processors that take its messages.
#include "apic_fixture.h"

namespace backplane::testing {
namespace {

constexpr std::uint64_t kLevel = 1 << 15;
constexpr std::uint64_t kMasked = 1 << 16;
constexpr std::uint64_t kRemoteIrr = 1 << 14;

class IoApic : public ::testing::Test, protected ApicFixture {
  protected:
    IoApic() : ApicFixture(2) {
        switch_on();
        chip = &bench.add("ioapic", "ioapic", {{"bus", "bus"}});
    }
    std::uint32_t reg(unsigned index) {
        bench.focus(*chip);
        bench.write(0x00, index, 4);
        return std::uint32_t(bench.read(0x10, 4));
    }
    void set_reg(unsigned index, std::uint32_t value) {
        bench.focus(*chip);
        bench.write(0x00, index, 4);
        bench.write(0x10, value, 4);
    }
    void program(unsigned pin, std::uint64_t entry) {
        set_reg(0x11 + 2 * pin, std::uint32_t(entry >> 32));
        set_reg(0x10 + 2 * pin, std::uint32_t(entry));
    }
    void line(unsigned pin, int level) {
        bench.focus(*chip);
        bench.set_input("", pin, level);
    }
    void pulse(unsigned pin) {
        line(pin, 1);
        line(pin, 0);
    }
    int serve(unsigned cpu = 0) {
        const int vector = apic(cpu).acknowledge();
        set(kEoi, 0, cpu);
        return vector;
    }
    Object* chip = nullptr;
};

TEST_F(IoApic, AfterAResetAllIsMasked) {
    EXPECT_EQ(reg(0), 0u);
    EXPECT_EQ(reg(1), 0x00170020u);
    for (unsigned pin = 0; pin < 24; ++pin) {
        EXPECT_EQ(reg(0x10 + 2 * pin), 0x10000u);
        EXPECT_EQ(reg(0x11 + 2 * pin), 0u);
    }
    EXPECT_EQ(reg(0x40), 0u) << "no such register";
    set_reg(0, 0xffffffff);
    EXPECT_EQ(reg(0), 0x0f000000u);
    EXPECT_EQ(reg(2), 0x0f000000u) << "the arbitration id is the id";
}

TEST_F(IoApic, AnEdgeIsAMessage) {
    program(4, std::uint64_t{1} << 56 | 0x34);
    line(4, 1);
    EXPECT_TRUE(requested(0x34, 1));
    EXPECT_FALSE(requested(0x34, 0));
    EXPECT_FALSE(has(kTmr, 0x34, 1));
    EXPECT_EQ(serve(1), 0x34);
    line(4, 0);
    EXPECT_FALSE(requested(0x34, 1));
    line(4, 1);
    EXPECT_TRUE(requested(0x34, 1));
}

TEST_F(IoApic, AnEdgeOnAMaskedPinIsLost) {
    program(4, 0x34 | kMasked);
    pulse(4);
    program(4, 0x34);
    EXPECT_FALSE(requested(0x34));
}

TEST_F(IoApic, ALevelIsSentOnceUntilItsEnd) {
    program(11, 0x51 | kLevel);
    line(11, 1);
    EXPECT_EQ(reg(0x10 + 22), 0x51u | kLevel | kRemoteIrr);
    EXPECT_EQ(apic().acknowledge(), 0x51);
    EXPECT_FALSE(requested(0x51));
    set(kEoi, 0);
    EXPECT_TRUE(requested(0x51)) << "the line is still raised";
    EXPECT_EQ(apic().acknowledge(), 0x51);
    line(11, 0);
    set(kEoi, 0);
    EXPECT_FALSE(requested(0x51));
    EXPECT_EQ(reg(0x10 + 22), 0x51u | kLevel);
}

TEST_F(IoApic, ALevelThatRoseWhileMaskedIsSentLater) {
    program(11, 0x51 | kLevel | kMasked);
    line(11, 1);
    EXPECT_FALSE(requested(0x51));
    program(11, 0x51 | kLevel);
    EXPECT_TRUE(requested(0x51));
}

TEST_F(IoApic, SwitchingToEdgeAndBackClearsRemoteIrr) {
    program(11, 0x51 | kLevel);
    line(11, 1);
    apic().acknowledge();
    line(11, 0);
    program(11, 0x51 | kMasked);
    program(11, 0x51 | kLevel);
    EXPECT_EQ(reg(0x10 + 22), 0x51u | kLevel);
}

TEST_F(IoApic, TheEoiRegisterEndsAVector) {
    program(11, 0x51 | kLevel);
    line(11, 1);
    line(11, 0);
    bench.focus(*chip);
    bench.write(0x40, 0x51, 4);
    EXPECT_EQ(reg(0x10 + 22), 0x51u | kLevel);
}

TEST_F(IoApic, AnOlderOneHasNoEoiRegister) {
    Object& old = bench.add("ioapic", "old", {{"bus", "bus"}, {"version", "0x11"}});
    chip = &old;
    EXPECT_EQ(reg(1), 0x00170011u);
    program(11, 0x51 | kLevel);
    line(11, 1);
    bench.focus(old);
    bench.write(0x40, 0x51, 4);
    EXPECT_EQ(reg(0x10 + 22) & kRemoteIrr, kRemoteIrr);
}

TEST_F(IoApic, WithoutABusMessagesAreWrites) {
    Object& alone = bench.add("ioapic", "alone");
    chip = &alone;
    program(3, std::uint64_t{1} << 56 | 0x37);
    line(3, 1);
    EXPECT_TRUE(requested(0x37, 1));
}

TEST_F(IoApic, ASavedOneHasItsEntriesAndItsLines) {
    program(11, 0x51 | kLevel | kMasked);
    line(11, 1);
    bench.focus(*chip);
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(reg(0x10 + 22), 0x51u | kLevel | kMasked);
    program(11, 0x51 | kLevel);
    EXPECT_TRUE(requested(0x51));
}

}  // namespace
}  // namespace backplane::testing
