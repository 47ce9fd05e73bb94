// What -gdb and the monitor's `gdbserver` take.
#include "plugins/backends/gdb/device_text.h"

#include <gtest/gtest.h>

namespace backplane::gdb {
namespace {

struct Refusal final : Errors {
    void fail(Str message) override { text = message.view(); }
    std::string text;
};

std::string read(std::string_view text) {
    DeviceText device;
    Refusal refusal;
    if (!read_device_text(text, device, refusal)) return "refused: " + refusal.text;
    std::string all = device.kind == DeviceText::Kind::None ? "none" : device.name;
    for (const auto& [name, value] : device.properties) all += " " + name + "=" + value;
    return all;
}

TEST(DeviceText, ATcpPortListensAndDoesNotWait) {
    EXPECT_EQ(read("tcp::1234"), "chardev-socket server=on wait=off nodelay=on port=1234");
    EXPECT_EQ(read("tcp:localhost:1,wait=on"),
              "chardev-socket wait=on server=on nodelay=on host=localhost port=1");
    EXPECT_EQ(read("tcp:[::1]:1,server=off,wait=off,nodelay"),
              "chardev-socket server=off wait=off nodelay=on host=::1 port=1");
}

TEST(DeviceText, OtherPlacesAreAsForAnyCharacterDevice) {
    EXPECT_EQ(read("unix:/run/a,,b,server=on,wait=off"), "chardev-socket server=on wait=off path=/run/a,b");
    EXPECT_EQ(read("chardev:g"), "g");
    EXPECT_EQ(read("stdio"), "chardev-stdio");
    EXPECT_EQ(read("pty"), "chardev-pty");
    EXPECT_EQ(read("none"), "none");
}

TEST(DeviceText, WhatIsNoPlaceIsRefused) {
    for (const char* text : {"tcp:1234", "tcp:", "1234", "udp::1234", "unix:"})
        EXPECT_EQ(read(text).substr(0, 8), "refused:") << text;
}

}  // namespace
}  // namespace backplane::gdb
