// PCI devices that come and go through ACPI.
#include "tests/devices/pc_bridges.h"

#include <backplane/bus.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kUp = 0xae00, kDown = 0xae04, kEject = 0xae08, kRemovable = 0xae0c, kBus = 0xae10;
constexpr std::uint64_t kGpe = 0xafe0;
constexpr unsigned kSlot = 5;

class PciHotPlug : public ::testing::Test, protected PcBridges {
  protected:
    PciHotPlug() {
        chip = &bench.add("PIIX4_PM", "pm", {{"addr", "01.3"}, {"acpi-root-pci-hotplug", "on"}}, "host");
        bus = query<Bus>(*host->child("pci.0"));
        bench.focus(*chip);
        bench.reset();
    }
    Object& plug() { return bench.add("i440FX", "extra", {{"addr", "5"}}, "host"); }
    Object* chip = nullptr;
    Bus* bus = nullptr;
};

TEST_F(PciHotPlug, ANewDeviceIsTold) {
    EXPECT_TRUE(bus->hot_pluggable());
    EXPECT_EQ(in(kUp, 4), 0u) << "those that were there from the start are not new";
    plug();
    EXPECT_EQ(in(kGpe, 2), 2u);
    EXPECT_EQ(in(kUp, 4), 1u << kSlot);
    EXPECT_EQ(in(kUp, 4), 0u) << "told once";
}

TEST_F(PciHotPlug, ADeviceLeavesWhenTheGuestLetsGo) {
    Object& device = plug();
    in(kUp, 4);
    ASSERT_TRUE(bus->request_unplug(device, errors)) << errors.text();
    EXPECT_EQ(in(kDown, 4), 1u << kSlot);
    out(kEject, 1u << 6, 4);
    EXPECT_EQ(in(kDown, 4), 1u << kSlot) << "it has not let go of that one";
    EXPECT_EQ(config(kSlot << 3, 0, 4), 0x12378086u);
    out(kEject, 1u << kSlot, 4);
    bench.run_ready();
    EXPECT_EQ(in(kDown, 4), 0u);
    EXPECT_EQ(config(kSlot << 3, 0, 4), 0xffffffffu);
}

TEST_F(PciHotPlug, PartsOfTheBoardStay) {
    EXPECT_EQ(in(kRemovable, 4), 0xfffffffeu);
    Object& bridge_function = *host->child("pci.0")->child("i440FX");
    EXPECT_FALSE(bus->request_unplug(bridge_function, errors));
    EXPECT_NE(errors.text().find("parts of the board"), std::string::npos);
    out(kEject, 1, 4);
    bench.run_ready();
    EXPECT_EQ(config(0, 0, 4), 0x12378086u);
}

TEST_F(PciHotPlug, AnotherBusHasNothing) {
    plug();
    out(kBus, 1, 4);
    EXPECT_EQ(in(kUp, 4), 0u);
    EXPECT_EQ(in(kRemovable, 4), 0xffffffffu);
    out(kBus, 0, 4);
    EXPECT_EQ(in(kUp, 1), 0u) << "accesses have 32 bits";
    EXPECT_EQ(in(kUp, 4), 1u << kSlot);
}

TEST_F(PciHotPlug, WithoutItTheBusRefuses) {
    PcBridges other;
    other.bench.add("PIIX4_PM", "pm", {{"addr", "01.3"}, {"acpi-root-pci-hotplug", "off"}}, "host");
    Bus* plain = query<Bus>(*other.host->child("pci.0"));
    EXPECT_FALSE(plain->hot_pluggable());
    Object& device = other.bench.add("i440FX", "extra", {{"addr", "5"}}, "host");
    EXPECT_FALSE(plain->request_unplug(device, errors));
}

}  // namespace
}  // namespace backplane::testing
