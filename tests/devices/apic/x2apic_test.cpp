// x2APIC mode: how it is entered and left, MSRs, ids of 32 bits.
#include "apic_fixture.h"

namespace backplane::testing {
namespace {

constexpr std::uint64_t kBase = 0xfee00000;
constexpr std::uint64_t kOn = 1 << 11;
constexpr std::uint64_t kExtended = 1 << 10;

class X2Apic : public ::testing::Test, protected ApicFixture {
  protected:
    X2Apic() : ApicFixture(2, 0x1234) {}
    void enter() {
        for (unsigned cpu = 0; cpu < 2; ++cpu) {
            ASSERT_TRUE(apic(cpu).set_base(kBase | kOn | kExtended));
            ASSERT_TRUE(write(0x80f, 0x1ff, cpu));
        }
    }
    bool write(std::uint32_t index, std::uint64_t value, unsigned cpu = 0) {
        return apic(cpu).write_msr(index, value);
    }
    std::uint64_t read(std::uint32_t index, unsigned cpu = 0) {
        std::uint64_t value = 0xbad;
        EXPECT_TRUE(apic(cpu).read_msr(index, value)) << std::hex << index;
        return value;
    }
    bool readable(std::uint32_t index) {
        std::uint64_t value = 0;
        return apic().read_msr(index, value);
    }
};

TEST_F(X2Apic, TheModesAreEnteredInOrder) {
    EXPECT_FALSE(apic().set_base(kBase | kExtended)) << "extended and off";
    EXPECT_TRUE(apic().set_base(kBase | kOn | kExtended));
    EXPECT_FALSE(apic().set_base(kBase | kOn)) << "back to xAPIC";
    EXPECT_TRUE(apic().set_base(kBase));
    EXPECT_FALSE(apic().set_base(kBase | kOn | kExtended)) << "straight from off";
    EXPECT_TRUE(apic().set_base(kBase | kOn));
    EXPECT_FALSE(apic().set_base(kBase | kOn | 1)) << "a reserved bit";
    EXPECT_EQ(apic().base() & 0x100, 0x100u) << "the BSP flag stays";
}

TEST_F(X2Apic, RegistersAreMsrs) {
    EXPECT_FALSE(readable(0x802)) << "not in xAPIC mode";
    enter();
    EXPECT_EQ(read(0x802), 0x1234u);
    EXPECT_EQ(read(0x803), 0x00050014u);
    EXPECT_EQ(read(0x80d), 0x01230010u) << "the logical id follows from the id";
    EXPECT_EQ(get(kId), 0xffffffffu) << "the page is gone";
    for (const std::uint32_t gone : {0x809u, 0x80cu, 0x80eu, 0x831u, 0x80bu, 0x83fu, 0x801u})
        EXPECT_FALSE(readable(gone)) << std::hex << gone;
}

TEST_F(X2Apic, ReservedBitsAndReadOnlyRegistersAreRefused) {
    enter();
    EXPECT_FALSE(write(0x802, 0));
    EXPECT_FALSE(write(0x80d, 0));
    EXPECT_FALSE(write(0x810, 0));
    EXPECT_FALSE(write(0x808, 0x100));
    EXPECT_FALSE(write(0x80b, 1));
    EXPECT_FALSE(write(0x828, 1));
    EXPECT_FALSE(write(0x83f, 0x100));
    EXPECT_FALSE(write(0x835, 1u << 20));
    EXPECT_FALSE(write(0x839, 0));
    EXPECT_TRUE(write(0x80b, 0));
    EXPECT_TRUE(write(0x835, 0x700));
    EXPECT_EQ(read(0x835), 0x700u);
}

TEST_F(X2Apic, CommandsHaveDestinationsOf32Bits) {
    enter();
    EXPECT_TRUE(write(0x830, std::uint64_t{0x1235} << 32 | 0x40));
    EXPECT_EQ(read(0x830), std::uint64_t{0x1235} << 32 | 0x40);
    EXPECT_EQ(read(0x822, 1), 1u);
    EXPECT_EQ(read(0x822, 0), 0u);
    write(0x830, std::uint64_t{0xffffffff} << 32 | 0x41);
    EXPECT_EQ(read(0x822, 0), 2u);
    EXPECT_EQ(read(0x822, 1), 3u);
    write(0x830, std::uint64_t{0x01230030} << 32 | 0x842);
    EXPECT_EQ(read(0x822, 0), 6u) << "a logical cluster";
    EXPECT_EQ(read(0x822, 1), 7u);
}

TEST_F(X2Apic, ASelfIpi) {
    enter();
    write(0x83f, 0x60);
    EXPECT_EQ(read(0x823), 1u);
    EXPECT_EQ(apic().acknowledge(), 0x60);
}

}  // namespace
}  // namespace backplane::testing
