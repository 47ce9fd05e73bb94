// The ISA bus, with serial and parallel ports on it.
#include "tests/devices/pc_bridges.h"

namespace backplane::testing {
namespace {

class IsaBusTest : public ::testing::Test, protected PcBridges {
  protected:
    IsaBusTest() { south = &bench.add("PIIX3", "south", {{"addr", "01.0"}}, "host"); }
    std::string plug(const char* type, const char* id, const Properties& properties = {}) {
        return bench.try_add(type, id, properties, "south");
    }
    Object* south = nullptr;
};

TEST_F(IsaBusTest, APortIsWhereItsDevicePutsIt) {
    EXPECT_EQ(plug("isa-serial", "com2", {{"index", "1"}}), "");
    out(0x2ff, 0x5a);
    EXPECT_EQ(in(0x2ff), 0x5au);
    EXPECT_EQ(in(0x2fd), 0x60u);
    in(0x3f8);
    EXPECT_TRUE(bench.access_failed()) << "nothing is there";
}

TEST_F(IsaBusTest, PortsThatAreTakenAreRefusedWithBothNames) {
    EXPECT_EQ(plug("isa-serial", "first", {{"iobase", "0x3f8"}}), "");
    const std::string reason = plug("isa-serial", "second", {{"iobase", "0x3fc"}});
    EXPECT_NE(reason.find("'second'"), std::string::npos) << reason;
    EXPECT_NE(reason.find("'first'"), std::string::npos) << reason;
    EXPECT_NE(reason.find("0x3fc-0x403"), std::string::npos) << reason;
}

TEST_F(IsaBusTest, PortsBeyondTheLastAreRefused) {
    EXPECT_NE(plug("isa-serial", "far", {{"iobase", "0xfffc"}}).find("no ports 0xfffc"), std::string::npos);
}

TEST_F(IsaBusTest, ALineThatIsNoneIsRefused) {
    const std::string reason = plug("isa-serial", "odd", {{"iobase", "0x3f8"}, {"irq", "16"}});
    EXPECT_NE(reason.find("irq 16"), std::string::npos) << reason;
    EXPECT_EQ(plug("isa-serial", "good", {{"iobase", "0x3f8"}}), "") << "the ports are free again";
}

TEST_F(IsaBusTest, ADeviceThatLeavesFreesItsPorts) {
    Object& first = bench.add("isa-serial", "first", {{"index", "0"}}, "south");
    bench.remove(first);
    EXPECT_EQ(plug("isa-serial", "second", {{"index", "0"}}), "");
}

TEST_F(IsaBusTest, PortsWithoutAPlaceTakeTheNextFreeOne) {
    Object& first = bench.add("isa-serial", "a", {}, "south");
    Object& second = bench.add("isa-serial", "b", {}, "south");
    Object& printer = bench.add("isa-parallel", "c", {}, "south");
    EXPECT_EQ(bench.property(first, "iobase"), "1016");
    EXPECT_EQ(bench.property(first, "irq"), "4");
    EXPECT_EQ(bench.property(second, "iobase"), "760");
    EXPECT_EQ(bench.property(second, "irq"), "3");
    EXPECT_EQ(bench.property(printer, "iobase"), "888");
}

TEST_F(IsaBusTest, AnInterruptGoesThroughTheBridge) {
    bench.add("isa-serial", "a", {{"index", "0"}}, "south");
    out(0x3f9, 0x02);
    bench.focus(*south);
    EXPECT_EQ(bench.output("irq", 4), 1) << "the transmitter is empty";
    in(0x3fa);
    bench.focus(*south);
    EXPECT_EQ(bench.output("irq", 4), 0);
}

TEST_F(IsaBusTest, WithoutABusAnIsaDeviceIsRefused) {
    DeviceBench empty;
    EXPECT_NE(empty.try_add("isa-serial", "a").find("ISA bus"), std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
