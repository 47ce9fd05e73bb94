// Buses behind a bridge, seen through a host bridge's windows: configuration cycles, address windows, masters, pins, reset.
#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kEcam = 0x30000000;
constexpr std::uint64_t kWindow = 0x40000000;
constexpr std::uint64_t kPorts = 0x03000000;

constexpr unsigned kBusNumbers = 0x18;
constexpr unsigned kControl = 0x3e;

class PciToPci : public ::testing::Test {
  protected:
    PciToPci() {
        host = &bench.add("gpex-pcihost", "pci", {{"msi", "on"}});
        bench.map(*host, "ecam", GuestAddress(kEcam));
        bench.map(*host, "mmio32", GuestAddress(kWindow));
        bench.map(*host, "pio", GuestAddress(kPorts));
        bridge = &bench.add("pci-bridge", "behind", {{"addr", "02.0"}, {"chassis_nr", "7"}}, "pci");
        device = &bench.add("virtio-serial-pci", "serial", {{"addr", "01.0"}}, "behind");
        pci = query<PciDevice>(*device);
    }
    static GuestAddress config(unsigned bus, unsigned slot, unsigned offset) {
        return GuestAddress(kEcam + (bus << 20) + (slot << 15) + offset);
    }
    std::uint64_t get(unsigned bus, unsigned slot, unsigned offset, unsigned size = 4) {
        return bench.load(config(bus, slot, offset), size);
    }
    void put(unsigned bus, unsigned slot, unsigned offset, std::uint64_t value, unsigned size = 4) {
        bench.store(config(bus, slot, offset), value, size);
    }
    /// As firmware does: bus 1 is behind the bridge, ports 1000h to 1fffh and 2 MiB of memory go there.
    void open() {
        put(0, 2, kBusNumbers, 0x010100);
        put(0, 2, 0x1c, 0x1010, 2);
        put(0, 2, 0x20, 0x40104000);
        put(0, 2, pci::kCommand, 7, 2);
    }
    /// The status register of the virtio device that answers at `port`: 0 from reset on.
    std::uint64_t status(unsigned port) { return bench.load(GuestAddress(kPorts + port + 18), 1); }

    DeviceBench bench;
    Object* host = nullptr;
    Object* bridge = nullptr;
    Object* device = nullptr;
    PciDevice* pci = nullptr;
};

TEST_F(PciToPci, ItsHeaderIsOfTypeOne) {
    EXPECT_EQ(get(0, 2, 0), 0x00011b36u);
    EXPECT_EQ(get(0, 2, pci::kRevisionId), 0x06040000u);
    EXPECT_EQ(get(0, 2, pci::kHeaderType, 1), 1u);
    EXPECT_EQ(get(0, 2, pci::kStatus, 2), 0x00b0u);
    EXPECT_EQ(get(0, 2, 0x24), 0x00010001u) << "the prefetchable window has 64 bits";
    EXPECT_EQ(get(0, 2, pci::kInterruptPin, 1), 1u) << "the hot-plug controller's";
    EXPECT_EQ(get(0, 2, pci::kCapabilities, 1), 0x4cu);
    EXPECT_EQ(get(0, 2, 0x4c), 0x01804805u) << "MSI: 64 bits, a mask";
    EXPECT_EQ(get(0, 2, 0x48), 0x07204004u) << "the chassis's number";
    EXPECT_EQ(get(0, 2, 0x40), 0x0000000cu) << "the hot-plug controller";
    EXPECT_EQ(get(0, 2, pci::kBar0), 4u);
    for (unsigned offset = 4; offset < 0x40; offset += 4) put(0, 2, offset, 0xffffffff);
    EXPECT_EQ(get(0, 2, pci::kBar0), 0xffffff04u);
    EXPECT_EQ(get(0, 2, pci::kBar0 + 4), 0xffffffffu);
    EXPECT_EQ(get(0, 2, 0x18), 0xffffffffu);
    EXPECT_EQ(get(0, 2, 0x1c), 0x00a0f0f0u);
    EXPECT_EQ(get(0, 2, 0x20), 0xfff0fff0u);
    EXPECT_EQ(get(0, 2, 0x24), 0xfff1fff1u);
    EXPECT_EQ(get(0, 2, 0x28), 0xffffffffu);
    EXPECT_EQ(get(0, 2, 0x2c), 0xffffffffu);
    EXPECT_EQ(get(0, 2, 0x30), 0u);
    EXPECT_EQ(get(0, 2, 0x38), 0u) << "no ROM";
    EXPECT_EQ(get(0, 2, kControl, 2), 0x0bebu);
}

TEST_F(PciToPci, CyclesForItsBusesGoThrough) {
    EXPECT_EQ(get(1, 1, 0), 0xffffffffu) << "it has no numbers yet";
    put(0, 2, kBusNumbers, 0x010100);
    EXPECT_EQ(get(1, 1, 0, 2), 0x1af4u);
    EXPECT_EQ(get(1, 2, 0), 0xffffffffu);
    EXPECT_EQ(get(0, 1, 0), 0xffffffffu) << "and it is not on bus 0";
    EXPECT_EQ(pci->address().bus, 1);
    put(0, 2, kBusNumbers, 0x070500);
    EXPECT_EQ(get(1, 1, 0), 0xffffffffu);
    EXPECT_EQ(get(5, 1, 0, 2), 0x1af4u);
    EXPECT_EQ(get(6, 1, 0), 0xffffffffu) << "that is for a bridge on bus 5";
}

TEST_F(PciToPci, AndThroughABridgeBehindABridge) {
    bench.add("pci-bridge", "further", {{"addr", "03.0"}, {"chassis_nr", "8"}}, "behind");
    Object& far = bench.add("virtio-serial-pci", "far", {{"addr", "00.0"}}, "further");
    put(0, 2, kBusNumbers, 0x020100);
    put(1, 3, kBusNumbers, 0x020201);
    EXPECT_EQ(get(2, 0, 0, 2), 0x1af4u);
    bench.focus(*host);
    // Slot 0 behind slot 3 behind slot 2.
    query<PciDevice>(far)->set_interrupt(1);
    EXPECT_EQ(bench.output("intx", (0 + 3 + 2) % 4), 1);
}

TEST_F(PciToPci, PortsInItsWindowAreForTheSecondaryBus) {
    open();
    put(1, 1, pci::kBar0, 0x1000);
    put(1, 1, pci::kCommand, pci::kCommandIo, 2);
    EXPECT_EQ(status(0x1000), 0u);
    put(0, 2, 0x1c, 0x2020, 2);
    EXPECT_EQ(status(0x1000), 0xffu) << "not in the window";
    put(0, 2, 0x1c, 0x1000, 2);
    EXPECT_EQ(status(0x1000), 0u) << "the limit is beyond";
    put(0, 2, 0x1c, 0x0010, 2);
    EXPECT_EQ(status(0x1000), 0xffu) << "a limit below the base closes it";
    put(0, 2, 0x1c, 0x1010, 2);
    put(0, 2, pci::kCommand, pci::kCommandMemory, 2);
    EXPECT_EQ(status(0x1000), 0xffu) << "I/O is off";
}

TEST_F(PciToPci, MemoryAndMessagesGoThroughAlsoWhereTheBridgeMayNotMaster) {
    open();
    unsigned at = unsigned(get(1, 1, pci::kCapabilities, 1));
    while (get(1, 1, at, 1) != pci::kCapabilityMsiX) at = unsigned(get(1, 1, at + 1, 1));
    put(1, 1, pci::kBar0 + 4 * (get(1, 1, at + 4) & 7), kWindow + 0x100000);
    put(1, 1, pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
    put(1, 1, at + 2, 0x8000, 2);
    const GuestAddress table(kWindow + 0x100000 + (get(1, 1, at + 4) & ~7u));
    bench.store(table, DeviceBench::kRamBase.value, 8);
    bench.store(table + 8, 0x1234, 4);
    bench.store(table + 12, 0, 4);
    EXPECT_EQ(bench.load(table + 8, 4), 0x1234u);
    put(0, 2, pci::kCommand, pci::kCommandMemory, 2);
    pci->msix_notify(0);
    EXPECT_EQ(bench.load(DeviceBench::kRamBase, 4), 0x1234u);
    bench.store(DeviceBench::kRamBase, 0, 4);
    put(1, 1, pci::kCommand, pci::kCommandMemory, 2);
    pci->msix_notify(0);
    EXPECT_EQ(bench.load(DeviceBench::kRamBase, 4), 0u) << "the function itself may not";
}

TEST_F(PciToPci, PinsAreRotatedByTheDeviceNumber) {
    bench.focus(*host);
    pci->set_interrupt(1);
    EXPECT_EQ(bench.output("intx", (1 + 2) % 4), 1);
    pci->set_interrupt(0);
    EXPECT_EQ(bench.output("intx", (1 + 2) % 4), 0);
}

TEST_F(PciToPci, PullingTheResetLineResetsWhatIsBehind) {
    open();
    put(1, 1, pci::kCommand, pci::kCommandMemory, 2);
    put(0, 2, kControl, 1u << 6, 2);
    EXPECT_EQ(get(1, 1, pci::kCommand, 2), 0u);
    EXPECT_EQ(get(0, 2, pci::kCommand, 2), 7u) << "the bridge is not";
    put(0, 2, kControl, 0, 2);
    EXPECT_EQ(get(1, 1, 0, 2), 0x1af4u);
}

TEST_F(PciToPci, AResetOfTheMachineClosesIt) {
    open();
    bench.focus(*bridge);
    bench.reset();
    EXPECT_EQ(get(0, 2, kBusNumbers), 0u);
    EXPECT_EQ(get(1, 1, 0), 0xffffffffu);
}

TEST_F(PciToPci, LoadedItPassesOnWhatItPassedOn) {
    open();
    put(1, 1, pci::kBar0, 0x1000);
    put(1, 1, pci::kCommand, pci::kCommandIo, 2);
    bench.focus(*bridge);
    const std::vector<std::uint8_t> saved = bench.save_state();
    bench.reset();
    EXPECT_EQ(status(0x1000), 0xffu);
    bench.load_state(saved);
    EXPECT_EQ(get(1, 1, 0, 2), 0x1af4u);
    EXPECT_EQ(status(0x1000), 0u);
}

TEST_F(PciToPci, WithoutASlotNumberItIsRefused) {
    EXPECT_NE(bench.try_add("pci-bridge", "nameless", {}, "pci").find("chassis_nr"), std::string::npos);
}

TEST_F(PciToPci, WithoutTheControllerThereIsNothingOfIt) {
    bench.add("pci-bridge", "plain", {{"addr", "03.0"}, {"chassis_nr", "8"}, {"shpc", "off"}}, "pci");
    bench.add("pci-bridge", "silent", {{"addr", "04.0"}, {"chassis_nr", "9"}, {"msi", "off"}}, "pci");
    EXPECT_EQ(get(0, 3, pci::kCapabilities, 1), 0x40u);
    EXPECT_EQ(get(0, 3, 0x40), 0x08200004u);
    EXPECT_EQ(get(0, 3, pci::kInterruptPin, 1), 0u);
    EXPECT_EQ(get(0, 3, pci::kBar0), 0u);
    EXPECT_EQ(get(0, 4, pci::kCapabilities, 1), 0x48u);
}

/// Its working register set, at BAR 0; "serial" is in the slot of device 1.
class HotPlugController : public PciToPci {
  protected:
    static constexpr std::uint64_t kRegisters = kWindow + 0x400000;
    static constexpr std::uint64_t kCommand = 0x14, kOutcome = 0x16, kLocator = 0x18, kControlAt = 0x20;
    static constexpr std::uint32_t kThere = 0x7f000036, kNobody = 0x7f000d3f;

    HotPlugController() {
        bench.focus(*bridge);
        bench.reset();
        put(0, 2, pci::kBar0, kRegisters);
        put(0, 2, pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
    }
    std::uint64_t reg(std::uint64_t at, unsigned size = 4) {
        return bench.load(GuestAddress(kRegisters + at), size);
    }
    void set(std::uint64_t at, std::uint64_t value, unsigned size = 4) {
        bench.store(GuestAddress(kRegisters + at), value, size);
    }
    static constexpr std::uint64_t slot(unsigned device) { return 0x24 + 4 * (device - 1); }
    void command(unsigned device, unsigned code) { set(kCommand, device << 8 | code, 2); }
};

TEST_F(HotPlugController, ItsRegistersTellOfSlots) {
    EXPECT_EQ(reg(0x04), 31u);
    EXPECT_EQ(reg(0x0c), 0xe001011fu);
    EXPECT_EQ(reg(0x10), 0x01000000u);
    EXPECT_EQ(reg(kControlAt), 0xfu);
    EXPECT_EQ(reg(slot(1)), kThere);
    EXPECT_EQ(reg(slot(2)), kNobody);
    put(0, 2, 0x42, 3, 1);
    EXPECT_EQ(get(0, 2, 0x44), 0xe001011fu) << "through the capability";
    put(0, 2, 0x42, 8, 1);
    put(0, 2, 0x44, 0xe);
    EXPECT_EQ(reg(kControlAt), 0xeu);
}

TEST_F(HotPlugController, CommandsComplete) {
    set(kControlAt, 0);
    bench.focus(*host);
    EXPECT_EQ(bench.output("intx", 2), 0);
    command(2, 0x05);
    EXPECT_EQ(reg(kOutcome, 2), 2u) << "nobody is there: the latch is open";
    command(1, 0x10);
    EXPECT_EQ(reg(kOutcome, 2), 0u);
    EXPECT_EQ(reg(slot(1)), 0x7f000016u) << "the attention indicator is on";
    EXPECT_EQ(reg(kLocator), 1u);
    bench.focus(*host);
    EXPECT_EQ(bench.output("intx", 2), 1);
    set(kControlAt, 1u << 16);
    bench.focus(*host);
    EXPECT_EQ(bench.output("intx", 2), 0);
    command(32, 1);
    EXPECT_EQ(reg(kOutcome, 2), 4u) << "device 0 has no slot";
    command(0, 0x41);
    EXPECT_EQ(reg(kOutcome, 2), 8u) << "33 MHz it is";
    command(0, 0xff);
    EXPECT_EQ(reg(kOutcome, 2), 4u);
}

TEST_F(HotPlugController, WhoComesPressesTheButtonAndIsSwitchedOn) {
    set(kControlAt, 4);
    set(slot(5), 0);
    bench.add("virtio-serial-pci", "new", {{"addr", "05.0"}}, "behind");
    EXPECT_EQ(reg(slot(5)), 0x000d003fu) << "presence, latch and button";
    EXPECT_EQ(reg(kLocator), 1u << 5);
    set(slot(5), 0x1f0000);
    EXPECT_EQ(reg(kLocator), 0u);
    command(5, 0x06);
    EXPECT_EQ(reg(slot(5)) & 0xf, 6u) << "enabled, and its indicator is on";
}

TEST_F(HotPlugController, WhoIsToGoIsSwitchedOff) {
    ErrorText errors;
    ASSERT_TRUE(query<Bus>(*bridge->child("behind"))->request_unplug(*device, errors)) << errors.text();
    EXPECT_EQ(reg(slot(1)), kThere | 1u << 18);
    command(1, 0x0f);
    bench.run_ready();
    EXPECT_EQ(reg(slot(1)) & 0xd0f, 0xd0fu);
    put(0, 2, kBusNumbers, 0x010100);
    EXPECT_EQ(get(1, 1, 0), 0xffffffffu);
}

TEST_F(HotPlugController, WhoCameIsNotThrownOutByAnotherCommand) {
    bench.add("virtio-serial-pci", "new", {{"addr", "05.0"}}, "behind");
    command(5, 0x10);
    EXPECT_EQ(reg(slot(5)) & 0xfff, 0x01fu) << "its attention indicator is on, and it is there";
    command(5, 0x03);
    EXPECT_EQ(reg(slot(5)) & 0xc00, 0u);
}

TEST_F(HotPlugController, WhoNobodySwitchedOnGoesAtOnce) {
    Object& added = bench.add("virtio-serial-pci", "new", {{"addr", "05.0"}}, "behind");
    auto* bus = query<Bus>(*bridge->child("behind"));
    ErrorText errors;
    ASSERT_TRUE(bus->request_unplug(added, errors)) << errors.text();
    bench.run_ready();
    EXPECT_EQ(reg(slot(5)) & 0xc00, 0xc00u);
}

TEST_F(HotPlugController, AnEnabledSlotIsNotMerelyPowered) {
    command(1, 0x01);
    EXPECT_EQ(reg(kOutcome, 2), 4u);
    command(0, 0x49);
    EXPECT_EQ(reg(kOutcome, 2), 4u) << "slots are on: not all at once";
    EXPECT_EQ(reg(slot(1)), kThere);
}

TEST_F(HotPlugController, ABridgeWithSlotsStays) {
    ErrorText errors;
    EXPECT_FALSE(static_cast<Bus*>(device_context(*bridge).bus(Bus::kId))->request_unplug(*bridge, errors));
}

}  // namespace
}  // namespace backplane::testing
