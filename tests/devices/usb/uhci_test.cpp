// The host controller: its registers, root ports and schedule.
#include "tests/devices/usb/usb_host.h"

namespace backplane::testing {
namespace {

using Uhci = UsbHost;

TEST_F(Uhci, ItsConfiguration) {
    EXPECT_EQ(pci().config(0, 4), 0x70208086u);
    EXPECT_EQ(pci().config(8, 4), 0x0c030001u);
    EXPECT_EQ(pci().config(0x3d, 1), 4u);
    EXPECT_EQ(pci().config(0x60, 1), 0x10u);
    EXPECT_EQ(pci().config(0xc0, 2), 0x2000u);
}

TEST_F(Uhci, ItsRegistersAfterAReset) {
    EXPECT_EQ(in(kCommand), 0u);
    EXPECT_EQ(in(kStatus), 0x20u);
    EXPECT_EQ(in(0x0c, 1), 0x40u);
    EXPECT_EQ(in(kPort1), 0x80u);
    EXPECT_EQ(in(0x14) & 0x80, 0u) << "there are two ports";
}

TEST_F(Uhci, APortShowsWhatComesAndGoes) {
    Object& mouse = plug("usb-mouse", "2");
    EXPECT_EQ(in(kPort2), 0x83u);
    out(kPort2, 2);
    EXPECT_EQ(in(kPort2), 0x81u);
    out(kPort1, 4);
    EXPECT_EQ(in(kPort1), 0x80u) << "nothing there to enable";
    reset_port(kPort2);
    EXPECT_EQ(in(kPort2), 0x85u);
    bench.remove(mouse);
    bench.focus(controller);
    EXPECT_EQ(in(kPort2), 0x8au);
}

TEST_F(Uhci, FramesCountWhileItRuns) {
    put_queue(kQueue, 1, 1);
    run();
    EXPECT_EQ(in(kStatus), 0u);
    frames(5);
    EXPECT_EQ(in(kFrame), 5u);
    out(kFrame, 0x123);
    EXPECT_EQ(in(kFrame), 5u) << "it can be written while it stands";
    out(kCommand, 0);
    EXPECT_EQ(in(kStatus), 0x20u);
    frames(5);
    EXPECT_EQ(in(kFrame), 5u);
    out(kFrame, 0x7ff);
    run();
    frames(1);
    EXPECT_EQ(in(kFrame), 0u);
}

TEST_F(Uhci, ATransferToNobodyFailsAfterThreeErrors) {
    const std::uint32_t status = transfer(kIn, 5, 0, {}, 8);
    EXPECT_EQ(status & (kActive | kStalled | kTimeout), kStalled | kTimeout);
    EXPECT_EQ(status & kThreeErrors, 0u);
    EXPECT_EQ(in(kFrame), 3u);
    EXPECT_EQ(in(kStatus)&2, 2u);
}

TEST_F(Uhci, ATransferWithAnInterruptOnCompletionInterrupts) {
    plug("usb-mouse", "1");
    reset_port(kPort1);
    std::copy_n(Packet{0x80, 6, 0, 1, 0, 0, 8, 0}.begin(), 8, bench.ram().data + kData);
    put_transfer(kTransfers, 1, kActive | kComplete, kSetup, 0, 0, 8, kData);
    put_queue(kQueue, 1, ram(kTransfers));
    run();
    frames(1);
    EXPECT_EQ(get(kTransfers + 4) & 0x00ff07ff, 7u);
    EXPECT_EQ(get(kQueue + 4), 1u) << "the queue went on";
    EXPECT_EQ(in(kStatus), 1u);
    EXPECT_EQ(pci().config(pci::kStatus, 2) & 8, 0u);
    out(kEnable, 4);
    EXPECT_EQ(pci().config(pci::kStatus, 2) & 8, 8u);
    out(kStatus, 1);
    EXPECT_EQ(pci().config(pci::kStatus, 2) & 8, 0u);
}

TEST_F(Uhci, AShortPacketHoldsItsQueue) {
    plug("usb-mouse", "1");
    reset_port(kPort1);
    transfer(kSetup, 0, 0, {0x80, 6, 0, 1, 0, 0, 4, 0}, 8);
    put_transfer(kTransfers, ram(kTransfers + 16), kActive | kShort, kIn, 0, 0, 8, kData);
    put_transfer(kTransfers + 16, 1, kActive, kOut, 0, 0, 0, kData);
    put_queue(kQueue, 1, ram(kTransfers));
    out(kEnable, 8);
    frames(3);
    EXPECT_EQ(get(kTransfers + 4) & 0x00ff07ff, 3u);
    EXPECT_EQ(get(kQueue + 4), ram(kTransfers));
    EXPECT_EQ(get(kTransfers + 20) & kActive, kActive);
    EXPECT_EQ(pci().config(pci::kStatus, 2) & 8, 8u);
}

TEST_F(Uhci, DepthFirstTransfersFollowEachOtherInOneFrame) {
    plug("usb-mouse", "1");
    reset_port(kPort1);
    std::copy_n(Packet{0x80, 6, 0, 1, 0, 0, 18, 0}.begin(), 8, bench.ram().data + kData);
    put_transfer(kTransfers, ram(kTransfers + 16) | 4, kActive, kSetup, 0, 0, 8, kData);
    put_transfer(kTransfers + 16, ram(kTransfers + 32) | 4, kActive, kIn, 0, 0, 8, kData + 0x100);
    put_transfer(kTransfers + 32, 1, kActive, kIn, 0, 0, 8, kData + 0x108);
    put_queue(kQueue, 1, ram(kTransfers));
    run();
    frames(1);
    EXPECT_EQ(get(kQueue + 4), 1u);
    EXPECT_EQ(bench.ram().data[kData + 0x100], 18);
    EXPECT_EQ(get(kData + 0x108), 0x00010627u) << "vendor and product";
}

TEST_F(Uhci, SchedulesThatLoopEndWithTheirFrame) {
    plug("usb-mouse", "1");
    put_queue(kQueue, ram(kQueue) | 2, 1);
    run();
    frames(2);
    EXPECT_EQ(in(kFrame), 2u) << "a queue beside itself";
    put_queue(kQueue, 1, ram(kQueue) | 2);
    frames(2);
    EXPECT_EQ(in(kFrame), 4u) << "a queue in itself";
    put_transfer(kTransfers, ram(kTransfers) | 4, 0, kIn, 0, 0, 8, kData);
    for (std::uint32_t i = 0; i < 1024; ++i) put(kFrames + 4 * i, ram(kTransfers));
    frames(2);
    EXPECT_EQ(in(kFrame), 6u) << "a transfer behind itself";
    EXPECT_EQ(in(kStatus), 0u);
}

TEST_F(Uhci, WhatIsNoTransferHaltsIt) {
    put_transfer(kTransfers, 1, kActive, 0x55, 0, 0, 8, kData);
    put_queue(kQueue, 1, ram(kTransfers));
    run();
    frames(1);
    EXPECT_EQ(in(kStatus), 0x30u);
    EXPECT_EQ(in(kCommand)&1, 0u);
    EXPECT_EQ(pci().config(pci::kStatus, 2) & 8, 8u);
    out(kStatus, 0x3f);
    out(kBase, 0x1000, 4);
    out(kCommand, 1);
    frames(1);
    EXPECT_EQ(in(kStatus), 0x28u) << "a frame list where there is no memory";
}

TEST_F(Uhci, ItGoesOnFromASavedState) {
    put_queue(kQueue, 1, 1);
    run();
    frames(3);
    const auto state = bench.save_state();
    frames(2);
    bench.load_state(state);
    EXPECT_EQ(in(kFrame), 3u);
    frames(2);
    EXPECT_GE(in(kFrame), 4u);
}

TEST_F(Uhci, PlacesThatAreNotFreeAreRefused) {
    plug("usb-mouse", "1");
    EXPECT_NE(bench.try_add("usb-tablet", "b", {{"port", "1"}}, "usb.0").find("'usb-mouse' has it"),
              std::string::npos);
    EXPECT_NE(bench.try_add("usb-tablet", "b", {{"port", "3"}}, "usb.0").find("no USB port 3"),
              std::string::npos);
    plug("usb-kbd", "2");
    EXPECT_NE(bench.try_add("usb-tablet", "b", {}, "usb.0").find("add a usb-hub"), std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
