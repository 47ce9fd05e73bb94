// A driver of the host controller, as small as tests need it: one transfer after the other.
#pragma once

#include <backplane/input.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace backplane::testing {

using Packet = std::vector<std::uint8_t>;

class UsbHost : public ::testing::Test {
  protected:
    // Registers
    static constexpr std::uint64_t kCommand = 0, kStatus = 2, kEnable = 4, kFrame = 6, kBase = 8,
                                   kPort1 = 0x10, kPort2 = 0x12;
    // In RAM
    static constexpr std::uint32_t kFrames = 0x1000, kQueue = 0x3000, kTransfers = 0x4000, kData = 0x8000;
    // Transfers
    static constexpr std::uint8_t kIn = 0x69, kOut = 0xe1, kSetup = 0x2d;
    static constexpr std::uint32_t kActive = 1 << 23, kStalled = 1 << 22, kNak = 1 << 19, kTimeout = 1 << 18,
                                   kComplete = 1 << 24, kThreeErrors = 3 << 27, kShort = 1 << 29;
    static constexpr std::uint64_t kMillisecond = 1'000'000;

    UsbHost()
        : host(bench.add("gpex-pcihost", "pci")), controller(bench.add("piix3-usb-uhci", "usb", {}, "pci")) {
        Access access;
        pci().config_write(pci::kCommand, 2, pci::kCommandIo | pci::kCommandBusMaster, access);
        bench.focus(controller);
    }

    PciDevice& pci() { return *query<PciDevice>(controller); }
    Object& plug(const char* type, const char* port, Properties properties = {}) {
        properties.emplace_back("port", port);
        Object& device = bench.add(type, type, properties, "usb.0");
        bench.focus(controller);
        return device;
    }
    std::uint32_t in(std::uint64_t at, unsigned size = 2) {
        return std::uint32_t(bench.read(at, size, "registers"));
    }
    void out(std::uint64_t at, std::uint64_t value, unsigned size = 2) {
        bench.write(at, value, size, "registers");
    }

    static std::uint32_t ram(std::uint32_t at) { return std::uint32_t(DeviceBench::kRamBase.value) + at; }
    void put(std::uint32_t at, std::uint32_t value) { std::memcpy(bench.ram().data + at, &value, 4); }
    std::uint32_t get(std::uint32_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, bench.ram().data + at, 4);
        return value;
    }

    void put_queue(std::uint32_t at, std::uint32_t beside, std::uint32_t element) {
        put(at, beside);
        put(at + 4, element);
    }
    void put_transfer(std::uint32_t at, std::uint32_t link, std::uint32_t control, std::uint8_t pid,
                      std::uint8_t address, std::uint8_t endpoint, std::uint32_t length, std::uint32_t data) {
        put(at, link);
        put(at + 4, control);
        put(at + 8, pid | address << 8 | std::uint32_t{endpoint} << 15 | ((length - 1) & 0x7ff) << 21);
        put(at + 12, ram(data));
    }
    void run() {
        for (std::uint32_t i = 0; i < 1024; ++i) put(kFrames + 4 * i, ram(kQueue) | 2);
        out(kBase, ram(kFrames), 4);
        out(kCommand, 1);
    }
    void frames(unsigned count) { bench.advance_ns(count * kMillisecond); }

    /// One transaction, tried for some frames: its status. What came in is in `received`.
    std::uint32_t transfer(std::uint8_t pid, std::uint8_t address, std::uint8_t endpoint, const Packet& data,
                           std::uint32_t length) {
        std::copy(data.begin(), data.end(), bench.ram().data + kData);
        put_transfer(kTransfers, 1, kActive | kThreeErrors, pid, address, endpoint, length, kData);
        put_queue(kQueue, 1, ram(kTransfers));
        run();
        for (unsigned i = 0; i < 8 && get(kTransfers + 4) & kActive; ++i) frames(1);
        put_queue(kQueue, 1, 1);
        const std::uint32_t control = get(kTransfers + 4);
        const std::uint32_t actual = (control + 1) & 0x7ff;
        received.assign(bench.ram().data + kData, bench.ram().data + kData + (pid == kIn ? actual : 0));
        return control;
    }
    bool failed(std::uint32_t control) const { return (control & (kActive | kStalled)) != 0; }

    /// A control transfer. Its data; `stalled` tells whether it was refused.
    Packet control(std::uint8_t address, Packet setup, const Packet& data = {}) {
        const std::uint32_t length = setup[6] | setup[7] << 8;
        stalled = failed(transfer(kSetup, address, 0, setup, 8));
        Packet answer;
        if (setup[0] & 0x80) {
            while (!stalled && answer.size() < length) {
                stalled = failed(transfer(kIn, address, 0, {}, 8));
                answer.insert(answer.end(), received.begin(), received.end());
                if (received.size() < 8) break;
            }
            if (!stalled) stalled = failed(transfer(kOut, address, 0, {}, 0));
            return answer;
        }
        for (std::size_t at = 0; !stalled && at < data.size(); at += 8) {
            const Packet part(data.begin() + std::ptrdiff_t(at),
                              data.begin() + std::ptrdiff_t(std::min(at + 8, data.size())));
            stalled = failed(transfer(kOut, address, 0, part, std::uint32_t(part.size())));
        }
        if (!stalled) stalled = failed(transfer(kIn, address, 0, {}, 0));
        return answer;
    }
    void reset_port(std::uint64_t port) {
        out(port, 0x200);
        out(port, 0);
        out(port, 4);
    }
    /// Gives what answers at address 0 another one, and configures it.
    void set_up(std::uint8_t address) {
        control(0, {0x00, 5, address, 0, 0, 0, 0, 0});
        control(address, {0x00, 9, 1, 0, 0, 0, 0, 0});
        EXPECT_FALSE(stalled);
    }

    DeviceBench bench;
    Object& host;
    Object& controller;
    Packet received;
    bool stalled = false;
};

}  // namespace backplane::testing
