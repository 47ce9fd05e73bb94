// PCI devices that come and go through ACPI.
#include "tests/devices/pc_bridges.h"

#include <backplane/bus.h>
#include <backplane/pci_hot_plug.h>

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

/// Bridges that are there when the machine starts: slots 3 and 4, and one behind the first.
class BehindBridges : public ::testing::Test, protected PcBridges {
  protected:
    explicit BehindBridges(const char* support = "on") {
        add("second", "4", "host");
        add("first", "3", "host");
        add("deep", "2", "first");
        chip = &bench.add("PIIX4_PM", "pm",
                          {{"addr", "01.3"}, {"acpi-pci-hotplug-with-bridge-support", support}}, "host");
        bench.focus(*chip);
        bench.reset();
    }
    Object& add(const char* id, const char* place, const char* bus) {
        return bench.add("pci-bridge", id, {{"addr", place}, {"chassis_nr", "1"}}, bus);
    }
    int number_of(const char* bridge) {
        Object* found = nullptr;
        for_each_below(root_of(*host), [&](Object& each) {
            if (each.id() == Str(bridge) && query<PciForwarder>(each)) found = &each;
        });
        return query<PciHotPlugNumbers>(*chip)->number_of(query<PciForwarder>(*found)->secondary());
    }
    Object* chip = nullptr;
};

TEST_F(BehindBridges, BusesAreNumberedByTheirPlaces) {
    EXPECT_EQ(number_of("first"), 1);
    EXPECT_EQ(number_of("deep"), 2);
    EXPECT_EQ(number_of("second"), 3);
    bench.focus(*chip);
    bench.reset();
    EXPECT_EQ(number_of("second"), 3) << "and stay so";
}

TEST_F(BehindBridges, DevicesComeAndGo) {
    Object& device = bench.add("i440FX", "new", {{"addr", "5"}}, "deep");
    EXPECT_EQ(in(kGpe, 2), 2u);
    EXPECT_EQ(in(kUp, 4), 0u) << "it is not on the root bus";
    out(kBus, 2, 4);
    EXPECT_EQ(in(kUp, 4), 1u << kSlot);
    EXPECT_EQ(in(kUp, 4), 0u) << "told once";
    Bus& bus = *static_cast<Bus*>(device_context(device).bus(Bus::kId));
    ASSERT_TRUE(bus.request_unplug(device, errors)) << errors.text();
    EXPECT_EQ(in(kDown, 4), 1u << kSlot);
    out(kBus, 1, 4);
    out(kEject, 1u << kSlot, 4);
    EXPECT_EQ(in(kDown, 4), 0u);
    out(kBus, 2, 4);
    EXPECT_EQ(in(kDown, 4), 1u << kSlot) << "that was another bus";
    out(kEject, 1u << kSlot, 4);
    bench.run_ready();
    EXPECT_EQ(in(kDown, 4), 0u);
}

TEST_F(BehindBridges, BridgesWhoseSlotsGuestsKnowStay) {
    EXPECT_EQ(in(kRemovable, 4) & 0x18u, 0u);
    out(kBus, 1, 4);
    EXPECT_EQ(in(kRemovable, 4), ~4u);
}

TEST_F(BehindBridges, WhatWasToldIsSaved) {
    bench.add("i440FX", "new", {{"addr", "5"}}, "first");
    bench.focus(*chip);
    const std::vector<std::uint8_t> saved = bench.save_state();
    out(kBus, 1, 4);
    EXPECT_EQ(in(kUp, 4), 1u << kSlot);
    bench.focus(*chip);
    bench.load_state(saved);
    out(kBus, 1, 4);
    EXPECT_EQ(in(kUp, 4), 1u << kSlot);
}

class NotBehindBridges : public BehindBridges {
  protected:
    NotBehindBridges() : BehindBridges("off") {}
};

TEST_F(NotBehindBridges, TheirOwnControllersTell) {
    EXPECT_EQ(number_of("first"), -1);
    bench.add("i440FX", "new", {{"addr", "5"}}, "first");
    EXPECT_EQ(in(kGpe, 2), 0u);
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
