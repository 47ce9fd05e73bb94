// Several local APICs: destinations, shorthands, the window of messages.
#include "apic_fixture.h"

namespace backplane::testing {
namespace {

constexpr std::uint32_t kLogical = 1 << 11;
constexpr std::uint32_t kLowest = 1 << 8;

class Interprocessor : public ::testing::Test, protected ApicFixture {
  protected:
    Interprocessor() : ApicFixture(4) {}
    /// Who has the vector requested, a bit each.
    unsigned who(unsigned vector) {
        unsigned set = 0;
        for (unsigned cpu = 0; cpu < 4; ++cpu) set |= unsigned(requested(vector, cpu)) << cpu;
        return set;
    }
    void command(std::uint32_t low, std::uint32_t destination, unsigned cpu = 0) {
        set(kIcrHigh, destination << 24, cpu);
        set(kIcrLow, low, cpu);
    }
};

TEST_F(Interprocessor, APhysicalDestinationIsOneOrAll) {
    switch_on();
    command(0x40, 2);
    EXPECT_EQ(who(0x40), 0b0100u);
    command(0x41, 0xff);
    EXPECT_EQ(who(0x41), 0b1111u);
    command(0x42, 9);
    EXPECT_EQ(who(0x42), 0u);
}

TEST_F(Interprocessor, ShorthandsNeedNoDestination) {
    switch_on();
    command(0x40 | 1u << 18, 3, 1);
    EXPECT_EQ(who(0x40), 0b0010u);
    command(0x41 | 2u << 18, 0, 1);
    EXPECT_EQ(who(0x41), 0b1111u);
    command(0x42 | 3u << 18, 0, 1);
    EXPECT_EQ(who(0x42), 0b1101u);
}

TEST_F(Interprocessor, FlatLogicalDestinationsAreBits) {
    switch_on();
    for (unsigned cpu = 0; cpu < 4; ++cpu) set(kLdr, 1u << (24 + cpu), cpu);
    command(0x40 | kLogical, 0b0110);
    EXPECT_EQ(who(0x40), 0b0110u);
    command(0x41 | kLogical, 0xff);
    EXPECT_EQ(who(0x41), 0b1111u);
}

TEST_F(Interprocessor, ClusterDestinationsAreAClusterAndBits) {
    switch_on();
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
        set(kDfr, 0x0fffffff, cpu);
        set(kLdr, (cpu / 2) << 28 | (1u << cpu % 2) << 24, cpu);
    }
    command(0x40 | kLogical, 0x13);
    EXPECT_EQ(who(0x40), 0b1100u);
    command(0x41 | kLogical, 0x02);
    EXPECT_EQ(who(0x41), 0b0010u);
    command(0x42 | kLogical, 0xf1);
    EXPECT_EQ(who(0x42), 0b0101u);
}

TEST_F(Interprocessor, TheLowestPriorityIsOneOfThem) {
    switch_on();
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
        set(kLdr, 1u << (24 + cpu), cpu);
        set(kTpr, 0x80 - 0x10 * cpu, cpu);
    }
    command(0x40 | kLogical | kLowest, 0b0111);
    EXPECT_EQ(who(0x40), 0b0100u);
    set(kSvr, 0xff, 3);
    command(0x41 | kLogical | kLowest, 0b1111);
    EXPECT_EQ(who(0x41), 0b0100u) << "one that is disabled does not take part";
}

TEST_F(Interprocessor, InitAndStartUpReachOneThatIsDisabled) {
    set(kIcrLow, 0xc4500);
    EXPECT_EQ(processors[0]->inits, 0u);
    for (unsigned cpu = 1; cpu < 4; ++cpu) EXPECT_EQ(processors[cpu]->inits, 1u);
    set(kIcrLow, 0xc4610);
    EXPECT_EQ(processors[3]->start_ups, std::vector<std::uint8_t>{0x10});
    set(kIcrLow, 0xc8500);
    EXPECT_EQ(processors[1]->inits, 1u) << "the de-assertion does nothing";
}

TEST_F(Interprocessor, NmiAndSmiGoToTheProcessor) {
    command(0x400, 1);
    command(0x200, 2);
    EXPECT_EQ(processors[1]->nmis, 1u);
    EXPECT_EQ(processors[2]->smis, 1u);
}

TEST_F(Interprocessor, AWriteOfADeviceIsAMessage) {
    switch_on();
    bench.store(GuestAddress(kWindow | 2 << 12), 0x4055, 4);
    EXPECT_EQ(who(0x55), 0b0100u);
    set(kLdr, 2u << 24, 1);
    bench.store(GuestAddress(kWindow | 2 << 12 | 1 << 2), 0x4056, 4);
    EXPECT_EQ(who(0x56), 0b0010u) << "a logical destination";
    bench.store(GuestAddress(kWindow | 3 << 12), 0xc157, 4);
    EXPECT_EQ(who(0x57), 0b1000u);
    EXPECT_TRUE(has(kTmr, 0x57, 3));
    EXPECT_EQ(bench.load(GuestAddress(kWindow), 4), 0xffffffffu) << "there is nothing to read";
}

TEST_F(Interprocessor, AMessageForThe8259sInterrupt) {
    bench.store(GuestAddress(kWindow | 1 << 12), 0x4700, 4);
    EXPECT_EQ(processors[1]->interrupt, 1);
    EXPECT_EQ(apic(1).acknowledge(), x86::kExternalInterrupt);
    EXPECT_EQ(processors[1]->interrupt, 0);
}

TEST_F(Interprocessor, EndsOfLevelTriggeredInterruptsAreTold) {
    struct : x86::EndOfInterrupt {
        void end_of_interrupt(std::uint8_t vector) override { vectors.push_back(vector); }
        std::vector<std::uint8_t> vectors;
    } listener;
    switch_on();
    bus->add_listener(listener);
    apic(1).deliver(0, 0x60, true);
    apic(1).deliver(0, 0x50, false);
    apic(1).acknowledge();
    set(kEoi, 0, 1);
    apic(1).acknowledge();
    set(kEoi, 0, 1);
    set(kEoi, 0, 1);
    EXPECT_EQ(listener.vectors, std::vector<std::uint8_t>{0x60});
    bus->remove_listener(listener);
}

}  // namespace
}  // namespace backplane::testing
