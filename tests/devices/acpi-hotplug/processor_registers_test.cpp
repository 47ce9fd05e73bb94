// Processors that come and go, as a guest's ACPI code sees them.
#include "tests/devices/acpi-hotplug/slots.h"

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSelector = 0, kState = 4, kCommand = 5, kData = 8;
constexpr std::uint8_t kEnabled = 1, kInserting = 2, kRemoving = 4, kEject = 8;
enum Command : std::uint8_t { Next = 0, OstEvent = 1, OstStatus = 2, Id = 3 };

class Processors : public Slots {
  protected:
    Processors() : Slots("acpi-cpu-hotplug", {}) {}
    std::uint64_t state_of(std::uint32_t slot) {
        bench.write(kSelector, slot, 4);
        return bench.read(kState, 1);
    }
    std::uint64_t next() {
        bench.write(kCommand, Next, 1);
        return bench.read(kData, 4);
    }
};

TEST_F(Processors, ShowWhatIsThere) {
    fill(1);
    EXPECT_EQ(state_of(1), kEnabled);
    EXPECT_EQ(state_of(2), 0u);
    EXPECT_EQ(raised, 0u) << "those that were there from the start are not new";
}

TEST_F(Processors, ANewOneIsToldUntilItIsTaken) {
    fill(2);
    slots->occupied(2);
    EXPECT_EQ(raised, 1u << 2);
    bench.write(kSelector, 0, 4);
    EXPECT_EQ(next(), 2u);
    EXPECT_EQ(bench.read(kState, 1), kEnabled | kInserting);
    bench.write(kState, kInserting, 1);
    EXPECT_EQ(bench.read(kState, 1), kEnabled);
    bench.write(kSelector, 0, 4);
    EXPECT_EQ(next(), 0u) << "nobody has news: the choice stays";
}

TEST_F(Processors, OneLeavesWhenTheGuestLetsGo) {
    fill(3);
    slots->ask_to_leave(3);
    EXPECT_EQ(raised, 1u << 2);
    EXPECT_EQ(next(), 3u);
    EXPECT_EQ(bench.read(kState, 1), kEnabled | kRemoving);
    bench.write(kState, kRemoving, 1);
    EXPECT_TRUE(let_go_of.empty());
    bench.write(kState, kEject, 1);
    EXPECT_EQ(let_go_of, std::vector<std::uint32_t>{3});
}

TEST_F(Processors, AnEmptySlotIsNotEjected) {
    bench.write(kSelector, 1, 4);
    bench.write(kState, kEject, 1);
    EXPECT_TRUE(let_go_of.empty());
}

TEST_F(Processors, TellTheirLocalApicsIdAlsoWhileTheyAreAway) {
    bench.write(kSelector, 3, 4);
    bench.write(kCommand, Id, 1);
    EXPECT_EQ(bench.read(kData, 4), 103u);
    EXPECT_EQ(bench.read(kSelector, 4), 0u) << "its upper half";
}

TEST_F(Processors, KeepWhatTheSystemReports) {
    fill(1);
    bench.write(kSelector, 1, 4);
    bench.write(kCommand, OstEvent, 1);
    bench.write(kData, 3, 4);
    bench.write(kCommand, OstStatus, 1);
    bench.write(kData, 0x81, 4);
    EXPECT_EQ(report(1)["source"], 3u);
    EXPECT_EQ(report(1)["status"], 0x81u);
    EXPECT_EQ(report(1)["slot-type"], "CPU");
    EXPECT_EQ(report(1)["device"], std::string(slot(1).device->id().view()));
}

TEST_F(Processors, ASlotThatIsNotThereReadsAsZeros) {
    fill(0);
    bench.write(kSelector, 77, 4);
    for (std::uint64_t offset = 0; offset < 12; ++offset) EXPECT_EQ(bench.read(offset, 1), 0u) << offset;
    bench.write(kState, kEject, 1);
    EXPECT_TRUE(let_go_of.empty());
    EXPECT_EQ(state_of(0), kEnabled);
}

class Bitmap : public Slots {
  protected:
    Bitmap() : Slots("acpi-cpu-hotplug", {{"bitmap", "on"}}) {}
};

TEST_F(Bitmap, HasABitForEachLocalApic) {
    fill(1);
    EXPECT_EQ(bench.read(101 / 8, 1), 1u << 101 % 8);
    EXPECT_FALSE(slots->asks());
}

TEST_F(Bitmap, MakesRoomForTheRegistersWhenItsGuestKnowsThem) {
    fill(1);
    bench.write(kSelector, 0, 4);
    bench.write(kSelector, 1, 4);
    EXPECT_EQ(bench.read(kState, 1), kEnabled);
}

}  // namespace
}  // namespace backplane::testing
