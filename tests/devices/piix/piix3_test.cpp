// The ISA bridge: interrupt routing, the reset port, the ISA bus below it.
#include "tests/devices/pc_bridges.h"

#include <backplane/isa.h>

namespace backplane::testing {
namespace {

constexpr unsigned kBridge = 1 << 3;
constexpr unsigned kPirqRoute = 0x60;

class Piix3 : public ::testing::Test, protected PcBridges {
  protected:
    Piix3() { isa = &bench.add("PIIX3", "isa", {{"addr", "01.0"}}, "host"); }
    int irq(unsigned number) {
        bench.focus(*isa);
        return bench.output("irq", number);
    }
    void set(const char* group, unsigned index, int level) {
        bench.focus(*isa);
        bench.set_input(group, index, level);
    }
    Object* isa = nullptr;
};

TEST_F(Piix3, ItIsTheFirstFunctionOfSeveral) {
    EXPECT_EQ(config(kBridge, 0, 4), 0x70008086u);
    EXPECT_EQ(config(kBridge, 8, 4), 0x06010000u);
    EXPECT_EQ(config(kBridge, 0xe), 0x80u);
    EXPECT_EQ(config(kBridge, 6, 2), 0x0200u);
    EXPECT_EQ(config(kBridge, 0x4c, 4), 0x0003004du);
    EXPECT_EQ(config(kBridge, kPirqRoute, 4), 0x80808080u);
    EXPECT_EQ(config(kBridge, 0x69), 0x02u);
    EXPECT_EQ(config(kBridge, 0x70), 0x80u);
    EXPECT_EQ(config(kBridge, 0x76, 2), 0x0c0cu);
    EXPECT_EQ(config(kBridge, 0x78, 2), 0x0002u);
    EXPECT_EQ(config(kBridge, 0xa0), 0x08u);
    EXPECT_EQ(config(kBridge, 0xa8), 0x0fu);
}

TEST_F(Piix3, APirqGoesWhereItIsRouted) {
    set("pirq", 2, 1);
    for (unsigned number = 0; number < kIsaInterrupts; ++number) EXPECT_EQ(irq(number), 0);
    set_config(kBridge, kPirqRoute + 2, 11);
    EXPECT_EQ(irq(11), 1);
    set_config(kBridge, kPirqRoute + 2, 10);
    EXPECT_EQ(irq(11), 0);
    EXPECT_EQ(irq(10), 1);
    set_config(kBridge, kPirqRoute + 2, 0x8a);
    EXPECT_EQ(irq(10), 0);
    for (const unsigned reserved : {0u, 1u, 2u, 8u, 13u}) {
        set_config(kBridge, kPirqRoute + 2, reserved);
        EXPECT_EQ(irq(reserved), 0) << reserved;
    }
}

TEST_F(Piix3, WhatSharesALineIsOred) {
    set_config(kBridge, kPirqRoute, 0x0a0a, 2);
    set("pirq", 0, 1);
    set("pirq", 1, 1);
    set("isa-irq", 10, 1);
    set("pirq", 0, 0);
    EXPECT_EQ(irq(10), 1);
    set("pirq", 1, 0);
    EXPECT_EQ(irq(10), 1);
    set("isa-irq", 10, 0);
    EXPECT_EQ(irq(10), 0);
}

TEST_F(Piix3, SlotsAreRotatedOverTheLines) {
    PciBridge& slots = query<PciBus>(*host->child("pci.0"))->bridge();
    EXPECT_EQ(slots.interrupt_line(1, 0), 0u);
    EXPECT_EQ(slots.interrupt_line(3, 0), 2u);
    EXPECT_EQ(slots.interrupt_line(4, 3), 2u);
}

TEST_F(Piix3, TheResetPortResets) {
    out(0xcf9, 0x02);
    EXPECT_EQ(in(0xcf9), 0x02u);
    EXPECT_TRUE(bench.requests().empty());
    out(0xcf9, 0x06);
    ASSERT_EQ(bench.requests().size(), 1u);
    EXPECT_EQ(bench.requests()[0], "guest-reset");
}

TEST_F(Piix3, TheResetPortLeavesTheConfigurationAddressWhole) {
    out(0xcf8, 0x80000600, 4);
    EXPECT_EQ(in(0xcf8, 4), 0x80000600u);
    EXPECT_EQ(in(0xcf9), 0u);
    EXPECT_TRUE(bench.requests().empty()) << "no byte of that went to CF9h";
}

TEST_F(Piix3, AResetUnroutesAndKeepsTheLines) {
    set_config(kBridge, kPirqRoute, 5);
    set("pirq", 0, 1);
    set("isa-irq", 7, 1);
    EXPECT_EQ(irq(5), 1);
    bench.reset();
    EXPECT_EQ(irq(5), 0);
    EXPECT_EQ(irq(7), 1);
    set_config(kBridge, kPirqRoute, 5);
    EXPECT_EQ(irq(5), 1);
}

TEST_F(Piix3, ASavedBridgeHasItsLines) {
    set_config(kBridge, kPirqRoute, 5);
    set("pirq", 0, 1);
    bench.focus(*isa);
    const auto saved = bench.save_state();
    set("pirq", 0, 0);
    bench.load_state(saved);
    set("isa-irq", 5, 1);
    set("isa-irq", 5, 0);
    EXPECT_EQ(irq(5), 1) << "the PCI line is still there";
}

}  // namespace
}  // namespace backplane::testing
