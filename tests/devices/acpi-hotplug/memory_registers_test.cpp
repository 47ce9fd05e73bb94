// Memory modules that come and go, as a guest's ACPI code sees them.
#include "tests/devices/acpi-hotplug/slots.h"

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSelector = 0, kEvent = 4, kStatus = 8, kState = 0x14;
constexpr std::uint8_t kEnabled = 1, kInserting = 2, kRemoving = 4, kEject = 8;

class Memory : public Slots {
  protected:
    Memory() : Slots("acpi-memory-hotplug", {}) {}
    std::uint64_t state_of(std::uint32_t slot) {
        bench.write(kSelector, slot, 4);
        return bench.read(kState, 1);
    }
};

TEST_F(Memory, ShowsWhereAModuleIsAndHowLarge) {
    fill(2);
    there[2].number = 0x1'2000'0000;
    there[2].size = 0x2'1000'0000;
    there[2].node = 5;
    EXPECT_EQ(state_of(2), kEnabled);
    const std::uint64_t expected[] = {0x2000'0000, 1, 0x1000'0000, 2, 5};
    for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(bench.read(4 * i, 4), expected[i]) << i;
}

TEST_F(Memory, AModuleComesAndGoes) {
    fill(1);
    slots->occupied(1);
    EXPECT_EQ(raised, 1u << 3);
    EXPECT_EQ(state_of(1), kEnabled | kInserting);
    bench.write(kState, kInserting, 1);
    slots->ask_to_leave(1);
    EXPECT_EQ(state_of(1), kEnabled | kRemoving);
    bench.write(kEvent, 3, 4);
    bench.write(kStatus, 0x81, 4);
    EXPECT_EQ(report(1)["status"], 0x81u);
    bench.write(kState, kRemoving, 1);
    EXPECT_TRUE(let_go_of.empty());
    bench.write(kState, kEject, 1);
    EXPECT_EQ(let_go_of, std::vector<std::uint32_t>{1});
}

TEST_F(Memory, AnEmptySlotAndOneThatIsNotThereHaveNothing) {
    for (const std::uint32_t slot : {0u, 77u}) {
        EXPECT_EQ(state_of(slot), 0u);
        bench.write(kState, kEject, 1);
    }
    EXPECT_TRUE(let_go_of.empty());
}

}  // namespace
}  // namespace backplane::testing
