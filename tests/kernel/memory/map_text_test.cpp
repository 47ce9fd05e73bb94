// The text of `info mtree`.
#include "tests/kernel/memory/fixture.h"

#include <gtest/gtest.h>

namespace backplane::test {
namespace {

struct MapText : MapFixture, ::testing::Test {
    MapText() {
        add(owner->io("goldfish_rtc", 0x24, handler, {}), 0x101000);
        MemoryRegion& window = owner->io("gpex_mmio_window", 0, handler, {});
        add(owner->alias("pcie-mmio", window, Offset(0x40000000), 0x40000000), 0x40000000);
        add(*owner->rom("riscv_virt_board.mrom", 0xf000, errors), 0x1000);
        add(*owner->rom_device("virt.flash0", 0x2000000, handler, {}, errors), 0x20000000);
        add(*owner->ram("riscv_virt_board.ram", 0x8000000, errors), 0x80000000);
    }
    RecordingHandler handler;
};

TEST_F(MapText, TheTreeIsSortedByAddressAndEndsWithWhatAliasesShow) {
    map.create_address_space("cpu-memory-0", root);
    EXPECT_EQ(map.text({}),
              "address-space: memory\n"
              "address-space: cpu-memory-0\n"
              "  0000000000000000-ffffffffffffffff (prio 0, container): system\n"
              "    0000000000001000-000000000000ffff (prio 0, rom): riscv_virt_board.mrom\n"
              "    0000000000101000-0000000000101023 (prio 0, i/o): goldfish_rtc\n"
              "    0000000020000000-0000000021ffffff (prio 0, romd): virt.flash0\n"
              "    0000000040000000-000000007fffffff (prio 0, i/o): alias pcie-mmio @gpex_mmio_window "
              "0000000040000000-000000007fffffff\n"
              "    0000000080000000-0000000087ffffff (prio 0, ram): riscv_virt_board.ram\n"
              "\n"
              "memory-region: gpex_mmio_window\n"
              "  0000000000000000-ffffffffffffffff (prio 0, i/o): gpex_mmio_window\n"
              "\n");
}

TEST_F(MapText, TheFlatViewNamesOffsetsThatAreNotZero) {
    EXPECT_EQ(map.text({.flat = true}),
              "FlatView #0\n"
              " AS \"memory\", root: system\n"
              " Root memory region: system\n"
              "  0000000000001000-000000000000ffff (prio 0, rom): riscv_virt_board.mrom\n"
              "  0000000000101000-0000000000101023 (prio 0, i/o): goldfish_rtc\n"
              "  0000000020000000-0000000021ffffff (prio 0, romd): virt.flash0\n"
              "  0000000040000000-000000007fffffff (prio 0, i/o): gpex_mmio_window @0000000040000000\n"
              "  0000000080000000-0000000087ffffff (prio 0, ram): riscv_virt_board.ram\n"
              "\n");
}

TEST_F(MapText, ReadOnlyRamIsRom) {
    MemoryRegion& alias = owner->alias("shadow", *owner->ram("ram", 0x1000, errors), Offset(0), 0x1000);
    alias.set_read_only(true);
    add(alias, 0x10000000);
    EXPECT_NE(map.text({}).find("(prio 0, rom): alias shadow @ram"), std::string::npos);
    EXPECT_NE(map.text({.flat = true}).find("0000000010000000-0000000010000fff (prio 0, rom): ram\n"),
              std::string::npos);
}

TEST_F(MapText, AnEmptyViewSaysSo) {
    map.create_address_space("bus-root", owner->container("bus master container", 0));
    EXPECT_NE(
        map.text({.flat = true})
            .find("FlatView #1\n AS \"bus-root\", root: bus master container\n Root memory region: (none)\n"
                  "  No rendered FlatView\n\n"),
        std::string::npos);
}

TEST_F(MapText, ADisabledRegionIsShownOnRequest) {
    MemoryRegion& hidden = owner->io("hidden", 16, handler, {});
    add(hidden, 0, 3);
    hidden.set_enabled(false);
    EXPECT_EQ(map.text({}).find("hidden"), std::string::npos);
    EXPECT_NE(map.text({.disabled = true})
                  .find("0000000000000000-000000000000000f (prio 3, i/o): hidden [disabled]\n"),
              std::string::npos);
}

TEST_F(MapText, OwnersAreNamedOnRequest) {
    EXPECT_NE(map.text({.owners = true}).find("goldfish_rtc owner:{obj path=/machine/board}\n"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::test
