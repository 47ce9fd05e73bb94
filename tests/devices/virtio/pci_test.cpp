// What a virtio function looks like on PCI (VIRTIO 1.2, §4.1), and its interrupts.
#include "driver.h"
#include "fakes.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

class VirtioPci : public ::testing::Test {
  protected:
    VirtioPci() {
        Object& host = bench.add("gpex-pcihost", "pci", {{"msi", "on"}});
        bench.map(host, "ecam", GuestAddress(kEcam));
        bench.map(host, "mmio32", GuestAddress(kMemory));
    }
    std::uint64_t get(unsigned offset, unsigned size) {
        return bench.load(GuestAddress(kEcam + (1 << 15) + offset), size);
    }
    void put(unsigned offset, std::uint64_t value, unsigned size) {
        bench.store(GuestAddress(kEcam + (1 << 15) + offset), value, size);
    }
    /// The offset of the virtio capability of a type.
    unsigned capability(unsigned type) {
        for (auto at = unsigned(get(pci::kCapabilities, 1)); at; at = unsigned(get(at + 1, 1)))
            if (get(at, 1) == pci::kCapabilityVendor && get(at + 3, 1) == type) return at;
        return 0;
    }
    static constexpr std::uint64_t kEcam = 0x30000000, kMemory = 0x40000000;
    DeviceBench bench;
};

TEST_F(VirtioPci, ATransitionalFunctionHasTheOldIdentity) {
    bench.add("fake-block", "node");
    bench.add("virtio-blk-pci", "disk", {{"drive", "node"}}, "pci");
    EXPECT_EQ(get(0, 4), 0x10011af4u);
    EXPECT_EQ(get(pci::kRevisionId, 1), 0u);
    EXPECT_EQ(get(pci::kSubsystemVendorId, 4), 0x00021af4u);
    EXPECT_EQ(get(pci::kClassCode + 1, 2), 0x0100u);
    const unsigned expected[] = {0x40, 0x70, 0x50, 0x60, 0x84};
    for (unsigned type = 1; type <= 5; ++type) EXPECT_EQ(capability(type), expected[type - 1]);
    EXPECT_EQ(get(0x98, 1), pci::kCapabilityMsiX);
    EXPECT_EQ(get(0x9a, 2), 1u) << "two vectors";
}

TEST_F(VirtioPci, AModernFunctionHasItsOwn) {
    bench.add("virtio-net-pci-non-transitional", "nic", {}, "pci");
    EXPECT_EQ(get(0, 4), 0x10411af4u);
    EXPECT_EQ(get(pci::kRevisionId, 1), 1u);
    put(pci::kBar0, 0xffffffff, 4);
    EXPECT_EQ(get(pci::kBar0, 4), 0u) << "no legacy BAR";
}

TEST_F(VirtioPci, ALegacyFunctionHasMsiXAlone) {
    bench.add("fake-block", "node");
    bench.add("virtio-blk-pci", "disk", {{"drive", "node"}, {"disable-modern", "on"}}, "pci");
    EXPECT_EQ(get(pci::kCapabilities, 1), 0x40u);
    EXPECT_EQ(get(0x40, 2), pci::kCapabilityMsiX) << "the only one";
}

TEST_F(VirtioPci, QueuesMayHavePagesOfTheirOwnForNotifications) {
    bench.add("virtio-net-pci", "nic", {{"page-per-vq", "on"}}, "pci");
    const unsigned notify = capability(2);
    EXPECT_EQ(get(notify + 8, 4), 0x3000u);
    EXPECT_EQ(get(notify + 12, 4), 0x400000u);
    EXPECT_EQ(get(notify + 16, 4), 0x1000u);
    put(pci::kBar0 + 16, 0xffffffff, 4);
    EXPECT_EQ(get(pci::kBar0 + 16, 4), 0xff80000cu) << "8 MiB";
    const unsigned window = capability(5);
    put(window + 4, 4, 1);
    put(window + 12, 4, 4);
    put(window + 8, 0x402ffc, 4);
    put(window + 16, 0, 4);
    put(window + 8, 0x403000, 4);
    EXPECT_EQ(get(window + 16, 4), 0u) << "behind the window's end";
}

TEST_F(VirtioPci, AQueueOfThePastHas126Segments) {
    bench.add("fake-block", "node");
    bench.add("virtio-blk-pci", "disk", {{"drive", "node"}, {"seg-max-adjust", "off"}}, "pci");
    const unsigned window = capability(5);
    put(window + 4, 4, 1);
    put(window + 12, 4, 4);
    put(window + 8, 0x2000 + 12, 4);
    EXPECT_EQ(get(window + 16, 4), 126u);
}

TEST_F(VirtioPci, ALegacyFunctionHasNoCapabilities) {
    bench.add("virtio-net-pci", "nic", {{"disable-modern", "on"}}, "pci");
    EXPECT_EQ(capability(1), 0u);
    put(pci::kBar0, 0xffffffff, 4);
    EXPECT_EQ(get(pci::kBar0, 4), 0xffffffe1u);
}

TEST_F(VirtioPci, OneInterfaceMustStay) {
    EXPECT_NE(
        bench.try_add("virtio-net-pci", "nic", {{"disable-modern", "on"}, {"disable-legacy", "on"}}, "pci")
            .find("neither modern nor legacy"),
        std::string::npos);
}

TEST_F(VirtioPci, PropertiesGoToTheBackend) {
    Object& nic = bench.add("virtio-net-pci", "nic", {{"mac", "02:00:00:00:00:01"}}, "pci");
    EXPECT_EQ(bench.property(nic, "mac"), "02:00:00:00:00:01");
    EXPECT_NE(bench.try_add("virtio-net-pci", "other", {{"maca", "1"}}, "pci").find("mac"),
              std::string::npos);
}

TEST_F(VirtioPci, TheWindowInConfigurationSpaceReachesTheRegisters) {
    bench.add("virtio-net-pci", "nic", {}, "pci");
    const unsigned window = capability(5);
    put(window + 4, 4, 1);
    put(window + 12, 2, 4);
    put(window + 8, 0x12, 4);  // num_queues
    EXPECT_EQ(get(window + 16, 2), 3u);
    put(window + 12, 1, 4);
    put(window + 8, 0x14, 4);  // device_status
    put(window + 16, 3, 1);
    EXPECT_EQ(get(window + 16, 1), 3u);
    put(window + 8, 0x10000, 4);
    put(window + 16, 0xff, 4);
    put(window + 12, 3, 4);
    EXPECT_EQ(get(window + 16, 4), 0xffu) << "what points nowhere does nothing";
}

TEST_F(VirtioPci, MessagesComeFromTheVectorsThatTheDriverChose) {
    bench.add("fake-rng", "source");
    Object& rng = bench.add("virtio-rng-pci", "rng", {{"rng", "source"}}, "pci");
    ASSERT_EQ(query<PciDevice>(rng)->msix_vectors(), 2u);
    put(pci::kBar0 + 4, kMemory + 0x10000, 4);
    put(pci::kBar0 + 16, kMemory, 4);
    put(pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
    const auto store = [&](std::uint64_t at, std::uint64_t value, unsigned size) {
        bench.store(GuestAddress(kMemory + at), value, size);
    };
    // Vector 1 writes 0x77 to the first word of RAM.
    store(0x10010, DeviceBench::kRamBase.value, 4);
    store(0x10014, 0, 4);
    store(0x10018, 0x77, 4);
    store(0x1001c, 0, 4);
    put(0x9a, 0x8000, 2);
    const std::uint64_t ring = DeviceBench::kRamBase.value + 0x1000;
    store(0x14, 3, 1);
    store(0x08, 1, 4);
    store(0x0c, 1, 4);
    store(0x14, 11, 1);
    store(0x16, 0, 2);
    store(0x1a, 5, 2);
    EXPECT_EQ(bench.load(GuestAddress(kMemory + 0x1a), 2), 0xffffu) << "there is no vector 5";
    store(0x1a, 1, 2);
    EXPECT_EQ(bench.load(GuestAddress(kMemory + 0x1a), 2), 1u);
    for (unsigned i = 0; i < 3; ++i) store(0x20 + 8 * i, ring + 0x100 * i, 4);
    store(0x1c, 1, 2);
    store(0x14, 15, 1);
    const std::uint64_t descriptor[2] = {ring + 0x800, 4 | std::uint64_t{2} << 32};
    std::memcpy(bench.ram().data + 0x1000, descriptor, 16);
    const std::uint16_t available[] = {0, 1, 0};
    std::memcpy(bench.ram().data + 0x1100, available, 6);
    store(0x3000, 0, 2);
    EXPECT_EQ(bench.load(DeviceBench::kRamBase, 4), 0x77u);
    EXPECT_EQ(bench.load(GuestAddress(kMemory + 0x1000), 1), 0u) << "the ISR stays clear";
}

}  // namespace
}  // namespace backplane::testing
