// What is plugged into USB: keyboard, mouse, tablet, hub and disk.
#include "tests/devices/usb/usb_host.h"
#include "tests/devices/virtio/fakes.h"

#include <backplane/boot.h>
#include <backplane/input_lights.h>
#include <backplane/text.h>

#include <numeric>

namespace backplane::testing {
namespace {

class Functions : public UsbHost {
  protected:
    Object& begin(const char* type, const Properties& properties = {}) {
        Object& device = plug(type, "1", properties);
        reset_port(kPort1);
        set_up(1);
        return device;
    }
    void input(Object& device, std::vector<InputEvent> events) { query<InputDevice>(device)->input(events); }
    /// The next report; nothing while there is none.
    Packet report(std::uint8_t address = 1) {
        const std::uint32_t status = transfer(kIn, address, 1, {}, 8);
        return status & kActive ? Packet{} : received;
    }
};

TEST_F(Functions, AKeyboardTellsWhatItIs) {
    plug("usb-kbd", "1");
    reset_port(kPort1);
    const Packet device = control(0, {0x80, 6, 0, 1, 0, 0, 64, 0});
    ASSERT_EQ(device.size(), 18u);
    EXPECT_EQ(device[8] | device[9] << 8, 0x0627);
    set_up(1);
    const Packet configuration = control(1, {0x80, 6, 0, 2, 0, 0, 255, 0});
    ASSERT_EQ(configuration.size(), 34u);
    EXPECT_EQ(Packet(configuration.begin() + 14, configuration.begin() + 17), (Packet{3, 1, 1}))
        << "boot keyboard";
    const Packet report = control(1, {0x81, 6, 0, 0x22, 0, 0, 255, 0});
    EXPECT_EQ(report.size(), configuration[25] | configuration[26] << 8);
    const Packet name = control(1, {0x80, 6, 2, 3, 9, 4, 255, 0});
    EXPECT_EQ(std::string(1, char(name[2])) + char(name[4]), "QE");
    control(1, {0x80, 6, 9, 3, 9, 4, 255, 0});
    EXPECT_TRUE(stalled) << "no such string";
}

TEST_F(Functions, KeysComeOneReportEach) {
    Object& keyboard = begin("usb-kbd");
    EXPECT_TRUE(report().empty()) << "nothing new";
    input(keyboard, {{InputKind::Key, 42, 1}, {InputKind::Key, 30, 1}, {InputKind::Key, 30, 0}});
    EXPECT_EQ(report(), (Packet{2, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(report(), (Packet{2, 0, 4, 0, 0, 0, 0, 0}));
    EXPECT_EQ(report(), (Packet{2, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_TRUE(report().empty());
    for (std::uint16_t key = 16; key < 23; ++key) input(keyboard, {{InputKind::Key, key, 1}});
    Packet last;
    for (Packet next = report(); !next.empty(); next = report()) last = next;
    EXPECT_EQ(last, (Packet{2, 0, 1, 1, 1, 1, 1, 1})) << "seven are too many";
}

TEST_F(Functions, AKeyboardShowsTheLightsOfItsReports) {
    Object& keyboard = begin("usb-kbd");
    const auto& lights = *query<InputLights>(keyboard);
    EXPECT_EQ(lights.lights(), 0u);
    control(1, {0x21, 0x09, 0, 2, 0, 0, 1, 0}, {0xf3});
    EXPECT_EQ(lights.lights(), input_lights::kNumLock | input_lights::kCapsLock);
    control(1, {0x21, 0x09, 0, 2, 0, 0, 1, 0}, {4});
    EXPECT_EQ(lights.lights(), input_lights::kScrollLock);
}

TEST_F(Functions, WithAnIdleRateAReportComesAgain) {
    begin("usb-kbd");
    control(1, {0x21, 0x0a, 0, 1, 0, 0, 0, 0});
    frames(5);
    EXPECT_EQ(report().size(), 8u);
    EXPECT_EQ(control(1, {0xa1, 0x02, 0, 0, 0, 0, 1, 0}), Packet{1});
}

TEST_F(Functions, AMouseTellsHowFarItMoved) {
    Object& mouse = begin("usb-mouse");
    input(mouse, {{InputKind::Relative, 0, 100}, {InputKind::Relative, 1, -3}});
    input(mouse, {{InputKind::Relative, 0, 100}});
    input(mouse, {{InputKind::Button, 0, 1}});
    EXPECT_EQ(report(), (Packet{0, 127, 0xfd, 0}));
    EXPECT_EQ(report(), (Packet{0, 73, 0, 0}));
    EXPECT_EQ(report(), (Packet{1, 0, 0, 0}));
    EXPECT_TRUE(report().empty());
    control(1, {0x21, 0x0b, 0, 0, 0, 0, 0, 0});
    input(mouse, {{InputKind::Button, 0, 0}});
    EXPECT_EQ(report(), (Packet{0, 0, 0})) << "the boot protocol";
}

TEST_F(Functions, ATabletTellsWhereItIs) {
    Object& tablet = begin("usb-tablet");
    EXPECT_EQ(query<InputDevice>(tablet)->takes(), input_takes::kAbsolute);
    EXPECT_TRUE(query<InputDevice>(tablet)->listening());
    input(tablet, {{InputKind::Absolute, 0, 0x1234}, {InputKind::Absolute, 1, 0x7fff}});
    EXPECT_EQ(report(), (Packet{0, 0x34, 0x12, 0xff, 0x7f, 0}));
    input(tablet, {{InputKind::Button, 3, 1}});
    EXPECT_EQ(report(), (Packet{0, 0x34, 0x12, 0xff, 0x7f, 1})) << "the wheel";
    input(tablet, {{InputKind::Button, 2, 1}});
    EXPECT_EQ(report(), (Packet{2, 0x34, 0x12, 0xff, 0x7f, 0}));
}

TEST_F(Functions, AHaltedEndpointStallsUntilItIsCleared) {
    Object& mouse = begin("usb-mouse");
    control(1, {0x02, 3, 0, 0, 0x81, 0, 0, 0});
    EXPECT_EQ(control(1, {0x82, 0, 0, 0, 0x81, 0, 2, 0}), (Packet{1, 0}));
    input(mouse, {{InputKind::Button, 0, 1}});
    EXPECT_TRUE(transfer(kIn, 1, 1, {}, 4) & kStalled);
    control(1, {0x02, 1, 0, 0, 0x81, 0, 0, 0});
    EXPECT_EQ(report(), (Packet{1, 0, 0, 0}));
}

TEST_F(Functions, BehindAHubDevicesAnswerOnceTheirPortIsReset) {
    begin("usb-hub");
    Object& mouse = plug("usb-mouse", "1.3");
    EXPECT_EQ(report(), (Packet{8, 0})) << "port 3 changed";
    EXPECT_EQ(control(1, {0xa3, 0, 0, 0, 3, 0, 4, 0}), (Packet{1, 1, 1, 0}));
    control(1, {0x23, 1, 16, 0, 3, 0, 0, 0});
    EXPECT_TRUE(report().empty());
    control(0, {0x80, 6, 0, 1, 0, 0, 8, 0});
    EXPECT_TRUE(stalled);
    control(1, {0x23, 3, 4, 0, 3, 0, 0, 0});
    EXPECT_EQ(control(1, {0xa3, 0, 0, 0, 3, 0, 4, 0}), (Packet{3, 1, 16, 0}));
    set_up(2);
    input(mouse, {{InputKind::Button, 0, 1}});
    EXPECT_EQ(report(2), (Packet{1, 0, 0, 0}));
    bench.remove(mouse);
    bench.focus(controller);
    EXPECT_EQ(control(1, {0xa3, 0, 0, 0, 3, 0, 4, 0}), (Packet{0, 1, 19, 0}));
    EXPECT_EQ(control(1, {0xa0, 6, 0, 0x29, 0, 0, 64, 0})[2], 8);
}

class Disk : public Functions {
  protected:
    explicit Disk(const Properties& more = {})
        : node(*static_cast<FakeBlock*>(bench.add("fake-block", "node").part("fake-block"))) {
        std::iota(node.data.begin(), node.data.end(), std::uint8_t{0});
        Properties properties{{"drive", "node"}, {"serial", "S1"}, {"bootindex", "3"}};
        properties.insert(properties.end(), more.begin(), more.end());
        disk = &begin("usb-storage", properties);
    }
    void send(const Packet& block, std::uint32_t length, bool to_host) {
        Packet wrapper{'U', 'S', 'B', 'C', 1, 2, 3, 4};
        for (unsigned i = 0; i < 4; ++i) wrapper.push_back(std::uint8_t(length >> 8 * i));
        wrapper.insert(wrapper.end(), {std::uint8_t(to_host ? 0x80 : 0), 0, std::uint8_t(block.size())});
        wrapper.insert(wrapper.end(), block.begin(), block.end());
        wrapper.resize(31);
        EXPECT_FALSE(failed(transfer(kOut, 1, 2, wrapper, 31)));
    }
    /// What a command gives.
    Packet ask(const Packet& block, std::uint32_t length) {
        send(block, length, true);
        Packet data;
        while (data.size() < length) {
            EXPECT_FALSE(failed(transfer(kIn, 1, 1, {}, 64)));
            data.insert(data.end(), received.begin(), received.end());
            if (received.size() < 64) break;
        }
        finish();
        return data;
    }
    void finish() {
        EXPECT_FALSE(failed(transfer(kIn, 1, 1, {}, 13)));
        ASSERT_EQ(received.size(), 13u);
        EXPECT_EQ(Packet(received.begin(), received.begin() + 8), (Packet{'U', 'S', 'B', 'S', 1, 2, 3, 4}));
        residue = received[8] | received[9] << 8;
        result = received[12];
    }
    FakeBlock& node;
    Object* disk = nullptr;
    std::uint32_t residue = 0;
    unsigned result = 0;
};

TEST_F(Disk, ItTellsWhatItIs) {
    const Packet inquiry = ask({0x12, 0, 0, 0, 36, 0}, 36);
    ASSERT_EQ(inquiry.size(), 36u);
    EXPECT_EQ(std::string(inquiry.begin() + 8, inquiry.begin() + 12), "QEMU");
    EXPECT_EQ(result, 0u);
    const Packet serial = ask({0x12, 1, 0x80, 0, 255, 0}, 255);
    EXPECT_EQ(serial, (Packet{0, 0x80, 0, 2, 'S', '1'}));
    EXPECT_EQ(residue, 249u);
    const auto last = std::uint32_t(node.data.size() / 512 - 1);
    EXPECT_EQ(ask({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 8),
              (Packet{0, 0, std::uint8_t(last >> 8), std::uint8_t(last), 0, 0, 2, 0}));
    EXPECT_EQ(query<Bootable>(*disk)->boot_index(), 3);
}

TEST_F(Disk, NoMoreIsToldThanThereIsRoomAllocatedFor) {
    EXPECT_EQ(ask({0x12, 1, 0x80, 0, 4, 0}, 255), (Packet{0, 0x80, 0, 2}));
    EXPECT_EQ(residue, 251u);
    EXPECT_EQ(ask({0x03, 0, 0, 0, 8, 0}, 18).size(), 8u);
    EXPECT_EQ(ask({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, 32).size(), 12u);
}

TEST_F(Disk, BlocksAreReadAndWritten) {
    const Packet read = ask({0x28, 0, 0, 0, 0, 2, 0, 0, 2, 0}, 1024);
    EXPECT_EQ(read, Packet(node.data.begin() + 1024, node.data.begin() + 2048));
    send({0x2a, 0, 0, 0, 0, 1, 0, 0, 1, 0}, 512, false);
    for (unsigned i = 0; i < 8; ++i)
        EXPECT_FALSE(failed(transfer(kOut, 1, 2, Packet(64, std::uint8_t(0xa0 + i)), 64)));
    finish();
    EXPECT_EQ(result, 0u);
    EXPECT_EQ(node.data[512], 0xa0);
    EXPECT_EQ(node.data[1023], 0xa7);
    EXPECT_EQ(node.data[1024], std::uint8_t(1024));
}

class UncachedDisk : public Disk {
  protected:
    UncachedDisk() : Disk({{"write-cache", "off"}}) {}
};

TEST_F(UncachedDisk, WhatIsWrittenIsOnItsMediumFirst) {
    EXPECT_EQ(ask({0x1a, 0, 0x08, 0, 64, 0}, 64)[4 + 2] & 4, 0) << "the page of caching: WCE";
    node.operations.clear();
    send({0x2a, 0, 0, 0, 0, 1, 0, 0, 1, 0}, 512, false);
    for (unsigned i = 0; i < 8; ++i) EXPECT_FALSE(failed(transfer(kOut, 1, 2, Packet(64, 0xa0), 64)));
    finish();
    EXPECT_EQ(result, 0u);
    EXPECT_EQ(node.operations, (std::vector<BlockOperation>{BlockOperation::Write, BlockOperation::Flush}));
}

TEST_F(Disk, WhatItCannotDoFailsWithAReason) {
    ask({0x28, 0, 0xff, 0, 0, 0, 0, 0, 1, 0}, 512);
    EXPECT_EQ(result, 1u);
    EXPECT_EQ(residue, 512u);
    const Packet sense = ask({0x03, 0, 0, 0, 18, 0}, 18);
    EXPECT_EQ(sense[2], 5) << "illegal request";
    EXPECT_EQ(sense[12], 0x21) << "out of range";
    EXPECT_EQ(ask({0x03, 0, 0, 0, 18, 0}, 18)[2], 0) << "told once";
    send({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 512, false);
    for (unsigned i = 0; i < 8; ++i) transfer(kOut, 1, 2, Packet(64), 64);
    finish();
    EXPECT_EQ(result, 2u) << "a read to which data is sent";
}

TEST_F(Disk, WhatIsNoCommandStallsUntilAReset) {
    EXPECT_TRUE(transfer(kOut, 1, 2, Packet(31, 0x11), 31) & kStalled);
    EXPECT_TRUE(transfer(kIn, 1, 1, {}, 13) & kStalled);
    control(1, {0x21, 0xff, 0, 0, 0, 0, 0, 0});
    ask({0x00, 0, 0, 0, 0, 0}, 0);
    EXPECT_EQ(result, 0u);
}

}  // namespace
}  // namespace backplane::testing
