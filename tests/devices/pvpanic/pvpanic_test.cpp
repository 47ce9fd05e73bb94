#include <backplane/acpi.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

TEST(Pvpanic, SaysWhatItTakes) {
    DeviceBench bench("pvpanic");
    EXPECT_EQ(bench.read(0, 1), 7u);
    DeviceBench less("pvpanic", {{"events", "1"}});
    EXPECT_EQ(less.read(0, 1), 1u);
    less.write(0, 4, 1);
    EXPECT_TRUE(less.requests().empty()) << "what it does not take";
}

TEST(Pvpanic, APanicIsReported) {
    DeviceBench bench("pvpanic");
    bench.write(0, 0, 1);
    bench.write(0, 2, 1);
    EXPECT_TRUE(bench.requests().empty());
    bench.write(0, 1, 1);
    EXPECT_FALSE(bench.requests().empty());
}

TEST(Pvpanic, AGuestMayBePoweredOff) {
    DeviceBench bench("pvpanic");
    bench.write(0, 4, 1);
    EXPECT_EQ(bench.requests(), std::vector<std::string>{"guest-shutdown"});
}

TEST(Pvpanic, AcpiTellsOfThePort) {
    DeviceBench bench("pvpanic", {{"ioport", "0x506"}});
    const Bytes terms = query<AcpiDevice>(bench.device())->acpi_terms();
    const std::string text(terms.begin(), terms.end());
    EXPECT_NE(text.find("QEMU0001"), std::string::npos);
    EXPECT_NE(text.find(std::string("\x0b\x06\x05", 3)), std::string::npos) << "the operation region's port";
}

TEST(Pvpanic, IsAPciFunctionToo) {
    DeviceBench bench;
    bench.add("gpex-pcihost", "pci");
    Object& object = bench.add("pvpanic-pci", "panic", {}, "pci");
    bench.focus(object);
    EXPECT_EQ(query<PciDevice>(object)->config(0, 4), 0x00111b36u);
    EXPECT_EQ(query<PciDevice>(object)->config(8, 4), 0x08800001u);
    EXPECT_EQ(bench.read(0, 1), 7u);
    EXPECT_EQ(bench.read(1, 1), 0u);
    bench.write(0, 1, 1);
    EXPECT_FALSE(bench.requests().empty());
}

}  // namespace
}  // namespace backplane::testing
