// The 82441FX: configuration ports, PAM, SMRAM, what lies behind it.
#include "tests/devices/pc_bridges.h"

namespace backplane::testing {
namespace {

constexpr unsigned kPam = 0x59;
constexpr unsigned kSmram = 0x72;

class I440fx : public ::testing::Test, protected PcBridges {
  protected:
    /// A byte of "ROM" behind the bridge at each address, 0xee; RAM has 0x11.
    void fill() {
        MemoryFactory& factory = device_context(*host).memory();
        MemoryRegion* rom = factory.ram("rom", 0x60000, errors);
        std::fill(rom->bytes().begin(), rom->bytes().end(), std::uint8_t{0xee});
        ASSERT_TRUE(bridge->pci_memory().add(*rom, Offset(0xa0000), 1, errors)) << errors.text();
        std::fill(ram->bytes().begin(), ram->bytes().end(), std::uint8_t{0x11});
    }
    static unsigned pam_of(std::uint64_t address) {
        return address >= 0xf0000 ? kPam : kPam + 1 + unsigned(address - 0xc0000) / 0x8000;
    }
    void set_pam(std::uint64_t address, unsigned attributes) {
        const unsigned shift = address >= 0xf0000 || (address & 0x4000) ? 4 : 0;
        set_config(0, pam_of(address), attributes << shift);
    }
};

TEST_F(I440fx, ItIsFunctionZeroOfDeviceZero) {
    EXPECT_EQ(config(0, 0, 4), 0x12378086u);
    EXPECT_EQ(config(0, 8, 4), 0x06000002u);
    EXPECT_EQ(config(0, 0x2c, 4), 0x11001af4u);
    EXPECT_EQ(config(0, 0x57), 0x10u);
    EXPECT_EQ(config(0, kSmram), 0x02u);
    for (unsigned i = 0; i < 7; ++i) EXPECT_EQ(config(0, kPam + i), 0u);
}

TEST_F(I440fx, TheAddressPortTakesThirtyTwoBitsAtOnce) {
    out(0xcf8, 0x80000800, 4);
    EXPECT_EQ(in(0xcf8, 4), 0x80000800u);
    out(0xcf8, 0x12, 1);
    out(0xcfa, 0x1234, 2);
    EXPECT_EQ(in(0xcf8, 4), 0x80000800u);
    EXPECT_EQ(in(0xcf8, 1), 0xffu);
    EXPECT_EQ(in(0xcf8, 2), 0xffffu);
}

TEST_F(I440fx, TheDataPortShowsAnyBytesOfTheRegister) {
    select(0, 0);
    EXPECT_EQ(in(0xcfc, 4), 0x12378086u);
    EXPECT_EQ(in(0xcfe, 2), 0x1237u);
    EXPECT_EQ(in(0xcfd, 1), 0x80u);
    EXPECT_EQ(in(0xcfd, 2), 0x3780u);
    out(0xcf8, 0, 4);
    EXPECT_EQ(in(0xcfc, 4), 0xffffffffu) << "configuration cycles are off";
    out(0xcf8, 0x80000800, 4);
    EXPECT_EQ(in(0xcfc, 2), 0xffffu) << "there is no device 1";
    out(0xcf8, 0x80010000, 4);
    EXPECT_EQ(in(0xcfc, 4), 0xffffffffu) << "there is no bus 1";
}

TEST_F(I440fx, EverySegmentIsSwitchedByItself) {
    fill();
    for (std::uint64_t address = 0xc0000; address < 0x100000; address += 0x4000) {
        if (address > 0xf0000) break;
        EXPECT_EQ(load(address), 0xeeu);
        set_pam(address, 1);
        EXPECT_EQ(load(address), 0x11u) << std::hex << address;
        EXPECT_EQ(load(address - 1), 0xeeu) << std::hex << address;
        set_pam(address, 0);
        EXPECT_EQ(load(address), 0xeeu);
    }
    set_pam(0xf0000, 3);
    EXPECT_EQ(load(0xfffff), 0x11u);
    EXPECT_EQ(load(0xeffff), 0xeeu);
}

TEST_F(I440fx, ReadsAndWritesGoToRamIndependently) {
    fill();
    const std::uint64_t at = 0xd4123;
    const auto ram_has = [&] { return ram->bytes()[at]; };
    set_pam(at, 1);
    store(at, 0x22);
    EXPECT_EQ(ram_has(), 0x11) << "read only";
    EXPECT_EQ(load(at), 0x11u);
    set_pam(at, 2);
    store(at, 0x33);
    EXPECT_EQ(ram_has(), 0x33);
    EXPECT_EQ(load(at), 0xeeu) << "write only: reads come from behind the bridge";
    set_pam(at, 3);
    EXPECT_EQ(load(at), 0x33u);
    store(at, 0x44);
    EXPECT_EQ(load(at), 0x44u);
    set_pam(at, 0);
    EXPECT_EQ(load(at), 0xeeu);
}

TEST_F(I440fx, SmramIsOpenedAndLocked) {
    fill();
    EXPECT_EQ(load(0xa0000), 0xeeu);
    set_config(0, kSmram, 0x4a);
    EXPECT_EQ(load(0xbffff), 0x11u);
    set_config(0, kSmram, 0x0a);
    EXPECT_EQ(load(0xa0000), 0xeeu);
    bench.focus(*host);
    EXPECT_EQ(bench.read(0xa0000, 1, "smram"), 0x11u) << "what system management mode sees";
    set_config(0, kSmram, 0x5a);
    EXPECT_EQ(config(0, kSmram), 0x1au) << "D_LCK clears D_OPEN";
    set_config(0, kSmram, 0x4a);
    EXPECT_EQ(config(0, kSmram), 0x1au) << "until the next reset";
    EXPECT_EQ(load(0xa0000), 0xeeu);
    bench.reset();
    EXPECT_EQ(config(0, kSmram), 0x02u);
    set_config(0, kSmram, 0x4a);
    EXPECT_EQ(load(0xa0000), 0x11u);
}

TEST_F(I440fx, WhatNobodyClaimsReadsAsOnes) {
    EXPECT_EQ(load(0xe0000000, 4), 0xffffffffu);
    EXPECT_FALSE(bench.access_failed());
    store(0xe0000000, 0, 4);
    EXPECT_EQ(load(0xa0000, 2), 0xffffu) << "no RAM shines through where PCI has nothing";
}

TEST_F(I440fx, TheHolesFollowFromTheMemory) {
    PcBridges other({{"below-4g-mem-size", "3G"}, {"above-4g-mem-size", "512M"}});
    EXPECT_EQ(other.bridge->hole_below_4g().start, 0xc0000000u);
    EXPECT_EQ(other.bridge->hole_below_4g().size, 0x3ec00000u);
    EXPECT_EQ(other.bridge->hole_above_4g().start, 0x140000000u);
    EXPECT_EQ(other.bridge->hole_above_4g().size, 0x80000000u);
    PcBridges old(Properties{{"x-pci-hole64-fix", "off"}});
    EXPECT_EQ(old.bridge->hole_above_4g().size, 0u);
}

TEST_F(I440fx, ItIsConnectedOnce) {
    EXPECT_FALSE(bridge->connect(*system, *ports, *ram, errors));
    EXPECT_NE(errors.text().find("already"), std::string::npos);
}

TEST_F(I440fx, ASavedBridgeSwitchesAsItDid) {
    fill();
    set_pam(0xe0000, 3);
    set_config(0, kSmram, 0x5a);
    select(0, 0x58);
    Object& function = *host->child("pci.0")->child("i440FX");
    bench.focus(function);
    const auto chip = bench.save_state();
    bench.focus(*host);
    const auto ports_state = bench.save_state();
    PcBridges other;
    MemoryRegion& shown = *other.ram;
    shown.bytes()[0xe0000] = 0x77;
    other.bench.focus(*other.host->child("pci.0")->child("i440FX"));
    other.bench.load_state(chip);
    other.bench.focus(*other.host);
    other.bench.load_state(ports_state);
    EXPECT_EQ(other.load(0xe0000), 0x77u);
    EXPECT_EQ(other.in(0xcf8, 4), 0x80000058u);
    other.set_config(0, kSmram, 0x0a);
    EXPECT_EQ(other.config(0, kSmram), 0x1au) << "still locked";
}

}  // namespace
}  // namespace backplane::testing
