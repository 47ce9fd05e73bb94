// Acme Card behind a host bridge on the bench.
#include <backplane/pci.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

using namespace backplane;

namespace {

constexpr std::uint64_t kConfig = 0x30000000, kWindow = 0x40000000;
constexpr std::uint64_t kCard = kConfig + (5 << 15);  // device 5 of bus 0 (PCIe 7.2.2)

TEST(AcmeCard, RingsAndIsSilenced) {
    backplane::testing::DeviceBench bench;
    Object& bridge = bench.add("gpex-pcihost", "pci");
    bench.map(bridge, "ecam", GuestAddress(kConfig));
    bench.map(bridge, "mmio32", GuestAddress(kWindow));
    bench.add("acme-card", "card", {{"addr", "05.0"}}, "pci");
    EXPECT_EQ(bench.load(GuestAddress(kCard), 4), 0x00011aceu);
    bench.store(GuestAddress(kCard + pci::kBar0), kWindow, 4);
    bench.store(GuestAddress(kCard + pci::kCommand), pci::kCommandMemory, 2);
    bench.store(GuestAddress(kWindow), 1, 4);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 4), 4), 1u);
    bench.focus(bridge);
    EXPECT_EQ(bench.output("intx", 5 % 4), 1) << "INTA# of device 5, rotated by the bridge";
    bench.store(GuestAddress(kWindow + 8), 1, 4);
    EXPECT_EQ(bench.output("intx", 5 % 4), 0);
}

}  // namespace
