// The console device and its ports.
#include "driver.h"
#include "fakes.h"
#include "tests/saving.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kMultiport = 2, kEmergency = 4;
constexpr unsigned kControlRx = 2, kControlTx = 3;
enum Event : std::uint16_t {
    DeviceReady,
    DeviceAdd,
    DeviceRemove,
    PortReady,
    ConsolePort,
    Resize,
    PortOpen,
    PortName
};

struct Message {
    std::uint32_t id;
    std::uint16_t event, value;
    bool operator==(const Message&) const = default;
};
void PrintTo(const Message& m, std::ostream* out) { *out << m.id << ":" << m.event << "=" << m.value; }

class SerialOn : public ::testing::TestWithParam<Kind> {
  protected:
    SerialOn()
        : console(testing::fake<FakeChar>(bench.add("fake-char", "c0"))),
          channel(testing::fake<FakeChar>(bench.add("fake-char", "c1"))),
          driver(bench, GetParam(), "serial") {
        bench.add("virtconsole", "hvc", {{"chardev", "c0"}}, "serial.0");
        bench.add("virtserialport", "port", {{"chardev", "c1"}, {"name", "org.test"}}, "serial.0");
        bench.focus(driver.device());
    }
    void start(std::uint64_t features = kMultiport | kEmergency) {
        driver.start(features, 6);
        if (!(features & kMultiport)) return;
        for (int i = 0; i < 16; ++i) {
            const std::uint64_t buffer = driver.allocate(64);
            buffers.push_back(buffer);
            driver.ring(kControlRx).add({{buffer, 64, true}});
        }
    }
    void say(const Message& message) {
        driver.ring(kControlTx).add({{driver.place(message), 8}});
        driver.ring(kControlTx).notify();
    }
    std::vector<Message> heard() {
        std::vector<Message> messages;
        for (const auto& used : driver.ring(kControlRx).take_used()) {
            Message message;
            std::memcpy(&message, driver.at(buffers[next]), 8);
            text = std::string(reinterpret_cast<char*>(driver.at(buffers[next++])) + 8, used.length - 8);
            messages.push_back(message);
        }
        return messages;
    }
    void send(unsigned queue, const std::string& bytes) {
        driver.ring(queue).add({{driver.place(bytes.data(), bytes.size()), std::uint32_t(bytes.size())}});
        driver.ring(queue).notify();
    }
    DeviceBench bench;
    FakeChar& console;
    FakeChar& channel;
    Driver driver;
    std::vector<std::uint64_t> buffers;
    std::size_t next = 0;
    std::string text;
};

TEST_P(SerialOn, TellsOfItsPorts) {
    start();
    EXPECT_EQ(driver.registers().config(4, 4), 31u);
    say({0xffffffff, DeviceReady, 1});
    EXPECT_EQ(heard(), (std::vector<Message>{{0, DeviceAdd, 1}, {1, DeviceAdd, 1}}));
    say({0, PortReady, 1});
    EXPECT_EQ(heard(), (std::vector<Message>{{0, ConsolePort, 1}, {0, PortOpen, 1}}));
    say({1, PortReady, 1});
    EXPECT_EQ(heard(), (std::vector<Message>{{1, PortName, 1}}));
    EXPECT_EQ(text, "org.test");
    channel.front->char_event(CharEvent::Opened);
    channel.front->char_event(CharEvent::Closed);
    EXPECT_EQ(heard(), (std::vector<Message>{{1, PortOpen, 1}, {1, PortOpen, 0}}));
}

TEST_P(SerialOn, CarriesBytesToTheHost) {
    start();
    send(1, "hello");
    EXPECT_EQ(console.written, "hello");
    EXPECT_EQ(driver.ring(1).take_used().size(), 1u);
    send(5, "there");
    EXPECT_EQ(channel.written, "there");
}

TEST_P(SerialOn, TouchesNoRingWhileTheMachineIsSaved) {
    start();
    say({1, PortOpen, 1});
    heard();
    console.room = 3;
    send(1, "hello");
    driver.ring(4).add({{driver.allocate(16), 16, true}});
    ASSERT_NE(channel.front->can_receive(), 0u);
    {
        const Saving saving(device_context(driver.device()));
        console.room = 100;
        console.front->can_send();
        channel.front->char_event(CharEvent::Opened);
        EXPECT_EQ(channel.front->can_receive(), 0u);
        EXPECT_EQ(console.written, "hel");
        EXPECT_EQ(driver.ring(1).used_index(), 0u);
        EXPECT_EQ(heard(), std::vector<Message>());
        channel.accepts = 0;
    }
    EXPECT_EQ(channel.accepts, 1u);
    EXPECT_EQ(console.written, "hello");
    EXPECT_EQ(heard(), (std::vector<Message>{{1, PortOpen, 1}}));
}

TEST_P(SerialOn, WaitsForAHostThatIsSlow) {
    start();
    console.room = 3;
    send(1, "hello");
    EXPECT_EQ(driver.ring(1).take_used().size(), 0u);
    console.room = 100;
    console.front->can_send();
    EXPECT_EQ(console.written, "hello");
    EXPECT_EQ(driver.ring(1).take_used().size(), 1u);
}

TEST_P(SerialOn, ALongWriteDoesNotKeepTheMachine) {
    start();
    driver.ring(1).add({{DeviceBench::kRamBase.value, 8u << 20}});
    driver.ring(1).notify();
    EXPECT_EQ(console.written.size(), 1u << 20);
    bench.advance_ns(1);
    EXPECT_GT(console.written.size(), 1u << 20);
}

TEST_P(SerialOn, CarriesBytesToTheGuest) {
    start(0);
    EXPECT_EQ(console.front->can_receive(), 0u);
    const std::uint64_t first = driver.allocate(4), second = driver.allocate(4);
    driver.ring(0).add({{first, 4, true}});
    driver.ring(0).add({{second, 4, true}});
    driver.ring(0).notify();
    EXPECT_EQ(console.accepts, 1u);
    EXPECT_EQ(console.front->can_receive(), 8u);
    const std::uint8_t bytes[] = {'a', 'b', 'c', 'd', 'e'};
    console.front->receive(bytes);
    const auto used = driver.ring(0).take_used();
    ASSERT_EQ(used.size(), 2u);
    EXPECT_EQ(used[0].length + used[1].length, 5u);
    EXPECT_EQ(*driver.at(second), 'e');
}

TEST_P(SerialOn, AChannelReceivesOnceTheGuestOpensIt) {
    start();
    driver.ring(4).add({{driver.allocate(16), 16, true}});
    EXPECT_EQ(channel.front->can_receive(), 0u);
    say({1, PortOpen, 1});
    EXPECT_EQ(channel.front->can_receive(), 16u);
}

TEST_P(SerialOn, AnEmergencyWriteNeedsNoSetUp) {
    driver.registers().set_config(8, '!', 4);
    EXPECT_EQ(console.written, "!");
}

TEST_P(SerialOn, MessagesForNoPortAreIgnored) {
    start();
    say({30, PortReady, 1});
    say({0xffffffff, PortOpen, 1});
    say({1, 77, 1});
    driver.ring(kControlTx).add({{driver.allocate(2), 2}});
    driver.ring(kControlTx).notify();
    EXPECT_TRUE(heard().empty());
    EXPECT_FALSE(driver.needs_reset());
}

INSTANTIATE_TEST_SUITE_P(Virtio, SerialOn,
                         ::testing::Values(Kind::MmioLegacy, Kind::MmioModern, Kind::PciModern));

TEST(Serial, PortsHaveTheirPlaces) {
    DeviceBench bench;
    bench.add("virtio-mmio", "slot0");
    bench.add("virtio-serial-device", "serial", {{"max_ports", "2"}}, "slot0");
    EXPECT_NE(bench.try_add("virtserialport", "p", {{"nr", "0"}}, "serial.0").find("virtconsole"),
              std::string::npos);
    EXPECT_EQ(bench.try_add("virtserialport", "p", {}, "serial.0"), "");
    EXPECT_NE(bench.try_add("virtconsole", "q", {{"nr", "1"}}, "serial.0").find("in use"), std::string::npos);
    EXPECT_EQ(bench.try_add("virtconsole", "q", {}, "serial.0"), "");
    EXPECT_NE(bench.try_add("virtconsole", "r", {}, "serial.0").find("max_ports"), std::string::npos);
    EXPECT_NE(bench.try_add("virtconsole", "r", {}, "").find("no virtio-serial bus"), std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
