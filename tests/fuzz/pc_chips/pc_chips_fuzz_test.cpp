// A guest that does anything at all to the chips of a PC.
#include "tests/devices/apic/apic_fixture.h"
#include "tests/devices/pc_bridges.h"
#include "tests/devices/virtio/fakes.h"
#include "tests/fuzz/pc_chips/any_guest.h"

#include <backplane/input.h>

namespace backplane::testing {
namespace {

class PcChipsFuzz : public ::testing::TestWithParam<unsigned> {};

TEST_P(PcChipsFuzz, BridgesAndWhatIsBehindThem) {
    PcBridges pc;
    Object& south = pc.bench.add("PIIX3", "south", {{"addr", "01.0"}}, "host");
    pc.bench.add("PIIX4_PM", "power", {{"addr", "01.3"}, {"smm-enabled", "on"}}, "host");
    pc.bench.add("smbus-eeprom", "spd", {{"address", "0x50"}}, "power");
    pc.bench.add("isa-serial", "com1", {}, "south");
    pc.bench.add("isa-parallel", "lpt1", {}, "south");
    DeviceFuzzer guest(pc.bench, GetParam());
    constexpr std::pair<std::uint64_t, std::uint64_t> kPorts[] = {
        {0xb2, 2},     {0x378, 8},  {0x3f8, 8},     {0xcf8, 8},   {0xcf8, 8},
        {0x600, 0x40}, {0xafe0, 4}, {0xb100, 0x40}, {0, 0x10000}, {0x700, 0x40},
    };
    for (const auto& [base, size] : kPorts) guest.add({pc.host, "ports", base, size});
    guest.add({pc.host, "system", 0x9ff00, 0x60100});
    guest.add_input(south, "isa-irq", 16);
    guest.add_input(south, "pirq", 4);
    pc.set_config(1 << 3 | 3, 0x40, 0x601, 4);
    pc.set_config(1 << 3 | 3, 0x80, 1);
    guest.act(20'000);
}

TEST_P(PcChipsFuzz, FloppiesAndTheirDma) {
    PcBridges pc;
    pc.bench.add("PIIX3", "south", {{"addr", "01.0"}}, "host");
    Object& first = pc.bench.add("i8257", "first",
                                 {{"base", "0"}, {"page-base", "0x80"}, {"pageh-base", "0x480"}}, "south");
    pc.bench.add("i8257", "second",
                 {{"base", "0xc0"}, {"page-base", "0x88"}, {"dshift", "1"}, {"cascade", "first"}}, "south");
    Object& controller = pc.bench.add("isa-fdc", "fdc", {}, "south");
    auto& disk = *static_cast<FakeBlock*>(pc.bench.add("fake-block", "node").part("fake-block"));
    disk.data.resize(1440 << 10);
    pc.bench.add("floppy", "a", {{"drive", "node"}}, "fdc");
    DeviceFuzzer guest(pc.bench, GetParam());
    for (unsigned i = 0; i < 4; ++i) guest.add({&controller, "registers", 4, 1});
    guest.add({&controller, "registers", 0, 5});
    guest.add({&controller, "rate", 0, 1});
    guest.add({&first, "dma-chan", 0, 8});
    guest.add({&first, "dma-cont", 0, 8});
    std::mt19937 random(GetParam());
    for (unsigned i = 0; i < 3'000; ++i) {
        guest.act(10);
        // A command that a chip which is out of reset takes, with parameters that are mostly right.
        constexpr std::uint8_t kCommands[] = {0x03, 0xe6, 0xc5, 0x4a, 0x0f, 0x4d, 0x51, 0x56, 0x42, 0x08};
        pc.bench.focus(controller);
        pc.bench.write(1, 0x0c, 1, "registers");
        pc.bench.write(4, kCommands[random() % std::size(kCommands)], 1, "registers");
        for (const unsigned most : {8, 4, 2, 20, 3, 20, 256, 256})
            pc.bench.write(4, random() % most, 1, "registers");
        if (random() % 64 == 0) disk.resize(random() % 3 ? 1440 << 10 : 0);
        if (random() % 64 == 0) disk.answer = BlockStatus(random() % 5);
    }
}

TEST_P(PcChipsFuzz, AnE1000AndItsRings) {
    DeviceBench bench;
    bench.add("gpex-pcihost", "pci");
    auto& wire = *static_cast<FakeNet*>(bench.add("fake-net", "wire").part("fake-net"));
    Object& card = bench.add("e1000", "card", {{"netdev", "wire"}}, "pci");
    Access access;
    query<PciDevice>(card)->config_write(pci::kCommand, 2, pci::kCommandMemory | pci::kCommandBusMaster,
                                         access);
    DeviceFuzzer guest(bench, GetParam());
    for (const std::uint64_t base : {0x0, 0xc0, 0x100, 0x400, 0x2800, 0x3800, 0x5400})
        guest.add({&card, "registers", base, 0x30});
    guest.add({&card, "registers", 0, 0x20000});
    guest.add({&card, "ports", 0, 64});
    std::mt19937 random(GetParam());
    std::vector<std::uint8_t> frame(2000);
    for (unsigned i = 0; i < 2'000; ++i) {
        guest.act(10);
        // Rings that are right, with descriptors that need not be, and the chip switched on.
        bench.focus(card);
        const auto set = [&](std::uint64_t offset, std::uint64_t value) {
            bench.write(offset, value, 4, "registers");
        };
        for (std::size_t at = 0; at < 0x2000; at += 4) {
            const std::uint32_t word = random() % 4 ? std::uint32_t(random() % 0x10000) | random() % 128 << 24
                                                    : 0x80000000u + std::uint32_t(random() % 0x10000);
            if (random() % 8 == 0) std::memcpy(bench.ram().data + at, &word, sizeof word);
        }
        set(0x2800, 0x80000000);
        set(0x3800, 0x80001000);
        set(random() % 2 ? 0x2808 : 0x3808, random() % 0x1000);
        set(0x100, 2 | random());
        set(0x400, 2);
        set(0x3818, random() % 0x100);
        set(0x2818, random() % 0x100);
        for (std::uint8_t& byte : frame) byte = std::uint8_t(random() % 3 ? 0xff : random());
        wire.front->receive_frame({frame.data(), random() % frame.size()});
        if (random() % 16 == 0) wire.front->link_changed(random() % 2);
        wire.sent.clear();
    }
}

/// Frame lists, queues and transfers that are partly right, over devices of every kind.
TEST_P(PcChipsFuzz, AUsbControllerAndItsSchedule) {
    DeviceBench bench;
    bench.add("gpex-pcihost", "pci");
    Object& controller = bench.add("piix3-usb-uhci", "usb", {}, "pci");
    auto& disk = *static_cast<FakeBlock*>(bench.add("fake-block", "node").part("fake-block"));
    bench.add("usb-hub", "hub", {{"port", "1"}}, "usb.0");
    Object& keys = bench.add("usb-kbd", "keys", {{"port", "2"}}, "usb.0");
    Object& tablet = bench.add("usb-tablet", "tablet", {{"port", "1.1"}}, "usb.0");
    bench.add("usb-storage", "disk", {{"port", "1.2"}, {"drive", "node"}}, "usb.0");
    Access access;
    query<PciDevice>(controller)
        ->config_write(pci::kCommand, 2, pci::kCommandIo | pci::kCommandBusMaster, access);
    DeviceFuzzer guest(bench, GetParam());
    guest.add({&controller, "registers", 0, 32});
    std::mt19937 random(GetParam());
    constexpr std::uint32_t kBase = 0x80000000, kWords = 0x800;
    const auto word = [&](std::size_t at) -> std::uint32_t {
        const std::uint32_t link = kBase + random() % kWords / 4 * 16 + random() % 8;
        constexpr std::uint8_t kPids[] = {0x2d, 0x69, 0xe1, 0x69, 0x2d, 0x00};
        const std::uint32_t token = kPids[random() % std::size(kPids)] | random() % 3 << 8 |
                                    random() % 3 << 15 | (random() % 2 ? 7u : random() % 0x800) << 21;
        switch (at % 16) {
        case 0: return link;
        case 4: return random() % 3 ? random() | 1u << 23 : link;
        case 8: return random() % 8 ? token : random();
        default: return kBase + random() % 0x2000;
        }
    };
    for (unsigned i = 0; i < 2'000; ++i) {
        guest.act(4);
        for (std::size_t at = 0; at < 4 * kWords; at += 4) {
            const std::uint32_t value = word(at);
            if (random() % 8 == 0) std::memcpy(bench.ram().data + at, &value, sizeof value);
        }
        bench.focus(controller);
        for (const std::uint64_t port : {0x10, 0x12}) bench.write(port, 4, 2, "registers");
        bench.write(8, kBase, 4, "registers");
        bench.write(2, 0x3f, 2, "registers");
        bench.write(0, 1, 2, "registers");
        bench.advance_ns(3'000'000);
        const InputEvent events[] = {
            {InputKind::Key, std::uint16_t(random() % 256), std::int32_t(random() % 2)},
            {InputKind::Absolute, std::uint16_t(random() % 3), std::int32_t(random())},
            {InputKind::Button, std::uint16_t(random() % 10), std::int32_t(random() % 2)}};
        query<InputDevice>(keys)->input(events);
        query<InputDevice>(tablet)->input(events);
        if (random() % 64 == 0) disk.answer = BlockStatus(random() % 5);
    }
}

TEST_P(PcChipsFuzz, Watchdogs) {
    DeviceBench bench;
    bench.add("gpex-pcihost", "pci");
    Object& watchdog = bench.add("i6300esb", "watchdog", {}, "pci");
    Object& other = bench.add("ib700", "other");
    DeviceFuzzer guest(bench, GetParam());
    guest.add({&watchdog, "registers", 0, 16});
    guest.add({&other, "start", 0, 1});
    guest.add({&other, "stop", 0, 1});
    std::mt19937 random(GetParam());
    Access access;
    for (unsigned i = 0; i < 2'000; ++i) {
        guest.act(5);
        bench.focus(watchdog);
        for (const std::uint64_t value : {0x80u, 0x86u}) bench.write(12, value, 2, "registers");
        bench.write(random() % 4 * 4, random() % 0x400, 4, "registers");
        query<PciDevice>(watchdog)->config_write(random() % 2 ? 0x60 : 0x68, 1, random() & 0xff, access);
    }
}

TEST_P(PcChipsFuzz, Hpet) {
    DeviceBench bench("hpet", {{"hpet-intcap", "0xffffff"}, {"msi", "on"}});
    DeviceFuzzer guest(bench, GetParam());
    guest.add({&bench.device(), "hpet", 0, 0x20});
    guest.add({&bench.device(), "hpet", 0xf0, 8});
    guest.add({&bench.device(), "hpet", 0x100, 0x80});
    guest.add({&bench.device(), "hpet", 0, 0x400});
    guest.add_input(bench.device(), "", 2);
    guest.act(20'000);
}

TEST_P(PcChipsFuzz, ApicsAndAnIoApic) {
    ApicFixture apics(2);
    Object& io_apic = apics.bench.add("ioapic", "ioapic", {{"bus", "bus"}});
    DeviceFuzzer guest(apics.bench, GetParam());
    guest.add({apics.bus_object, "apic-msi", 0, 0x4000});
    guest.add({&io_apic, "ioapic", 0, 0x20});
    guest.add_input(io_apic, "", 24);
    guest.add_input(*apics.chips[0], "lint", 2);
    std::mt19937_64 random(GetParam());
    for (unsigned i = 0; i < 20'000; ++i) {
        guest.act(1);
        const unsigned cpu = random() % 2;
        const auto offset = std::uint32_t(random() % 0x400);
        const std::uint32_t value = random() % 3 ? std::uint32_t(random()) : std::uint32_t(random() % 0x200);
        std::uint64_t read = 0;
        switch (random() % 8) {
        case 0: apics.set(offset & ~15u, value, cpu); break;
        case 1: apics.get(offset, cpu); break;
        case 2: apics.apic(cpu).acknowledge(); break;
        case 3: apics.set(ApicFixture::kEoi, 0, cpu); break;
        case 4: apics.apic(cpu).write_msr(0x800 + offset % 0x100, value); break;
        case 5: apics.apic(cpu).read_msr(0x800 + offset % 0x100, read); break;
        case 6: apics.apic(cpu).set_base(0xfee00000 | (value & 0xd00)); break;
        default: apics.set(ApicFixture::kSvr, 0x1ff, cpu); break;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PcChipsFuzz, ::testing::Range(1u, 5u));

}  // namespace
}  // namespace backplane::testing
