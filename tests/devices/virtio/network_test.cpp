// The network device: frames both ways, its filter and its control queue.
#include "driver.h"
#include "fakes.h"
#include "tests/saving.h"

#include <gtest/gtest.h>

#include <numeric>

#include <sys/socket.h>
#include <unistd.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kCsum = 1, kGuestCsum = 2, kMac = 1u << 5, kMergeable = 1u << 15, kStatus = 1u << 16,
                        kControl = 1u << 17, kRxModes = 1u << 18, kVlans = 1u << 19, kPairs = 1u << 22,
                        kSetMac = 1u << 23;
constexpr unsigned kRx = 0, kTx = 1, kCtrl = 2;
using Frame = std::vector<std::uint8_t>;

Frame frame_to(std::initializer_list<std::uint8_t> address, std::size_t size = 60) {
    Frame frame(size);
    std::iota(frame.begin(), frame.end(), std::uint8_t{0});
    std::copy(address.begin(), address.end(), frame.begin());
    return frame;
}
Frame own_frame(std::size_t size = 60) { return frame_to({0x52, 0x54, 0x00, 0x12, 0x34, 0x56}, size); }

class NetworkOn : public ::testing::TestWithParam<Kind> {
  protected:
    explicit NetworkOn(const char* mq = "off")
        : net(testing::fake<FakeNet>(bench.add("fake-net", "wire"))),
          driver(bench, GetParam(), "net", {{"netdev", "wire"}, {"mq", mq}}) {}

    void start(std::uint64_t features = kMac | kStatus) {
        driver.start(features, 3);
        header = driver.modern() || (features & kMergeable) ? 12 : 10;
    }
    std::uint64_t give_buffer(std::uint32_t size = 1526) {
        const std::uint64_t buffer = driver.allocate(size);
        driver.ring(kRx).add({{buffer, size, true}});
        return buffer;
    }
    bool receive(const Frame& frame) { return net.front->receive_frame(frame); }
    /// The acknowledgement of a command.
    int command(std::vector<std::uint8_t> bytes) {
        const std::uint64_t ack = driver.place(std::uint8_t{0xee});
        driver.ring(kCtrl).add(
            {{driver.place(bytes.data(), bytes.size()), std::uint32_t(bytes.size())}, {ack, 1, true}});
        driver.ring(kCtrl).notify();
        return driver.ring(kCtrl).take_used().size() == 1 ? *driver.at(ack) : -1;
    }
    DeviceBench bench;
    FakeNet& net;
    Driver driver;
    std::uint32_t header = 0;
};

TEST_P(NetworkOn, ShowsItsAddressAndLink) {
    start();
    EXPECT_EQ(driver.registers().config(0, 4), 0x12005452u);
    EXPECT_EQ(driver.registers().config(4, 2), 0x5634u);
    EXPECT_EQ(driver.registers().config(6, 2), 1u);
    net.front->link_changed(false);
    EXPECT_EQ(driver.registers().config(6, 2), 0u);
    EXPECT_EQ(driver.registers().interrupts(), 2u);
}

/// The state of its queues was taken down: a request that is used after that would be so in the saved memory alone.
TEST(NetworkOnAWire, UsesNoRequestWhileTheMachineIsSaved) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    DeviceBench bench;
    bench.add("netdev-dgram", "wire", {{"local.type", "fd"}, {"local.str", std::to_string(ends[0])}});
    Driver driver(bench, Kind::MmioModern, "net", {{"netdev", "wire"}});
    driver.start(kMac, 2);
    for (int i = 0; i < 4; ++i) driver.ring(kRx).add({{driver.allocate(1526), 1526, true}});
    driver.ring(kRx).notify();
    const auto send = [&] {
        const Frame frame = own_frame();
        EXPECT_EQ(write(ends[1], frame.data(), frame.size()), ssize_t(frame.size()));
        bench.run_ready();
    };
    send();
    EXPECT_EQ(driver.ring(kRx).used_index(), 1u);
    {
        const Saving saving(device_context(driver.device()));
        send();
        EXPECT_EQ(driver.ring(kRx).used_index(), 1u);
    }
    bench.run_ready();
    EXPECT_EQ(driver.ring(kRx).used_index(), 2u);
    close(ends[1]);
}

TEST_P(NetworkOn, SendsWhatTheDriverGives) {
    start();
    const Frame frame = own_frame(100);
    driver.ring(kTx).add({{driver.allocate(header), header}, {driver.place(frame.data(), 100), 100}});
    driver.ring(kTx).notify();
    ASSERT_EQ(net.sent.size(), 1u);
    EXPECT_EQ(net.sent[0], frame);
    EXPECT_EQ(driver.ring(kTx).take_used().size(), 1u);
}

TEST_P(NetworkOn, PutsFramesIntoBuffers) {
    start();
    const std::uint64_t buffer = give_buffer();
    const Frame frame = own_frame();
    EXPECT_TRUE(receive(frame));
    EXPECT_EQ(driver.ring(kRx).take_used().at(0).length, header + 60);
    EXPECT_TRUE(std::equal(frame.begin(), frame.end(), driver.at(buffer + header)));
    EXPECT_EQ(driver.registers().interrupts(), 1u);
}

TEST_P(NetworkOn, HoldsTheBackWhileThereIsNoBuffer) {
    start();
    EXPECT_FALSE(receive(own_frame()));
    give_buffer();
    driver.ring(kRx).notify();
    EXPECT_EQ(net.accepts, 1u);
    EXPECT_TRUE(receive(own_frame()));
}

TEST_P(NetworkOn, LetsFramesPassWhileItIsNotSetUp) {
    EXPECT_TRUE(receive(own_frame()));
    start();
    driver.registers().set_status(0);
    EXPECT_TRUE(receive(own_frame()));
}

TEST_P(NetworkOn, MergesBuffers) {
    start(kMac | kMergeable);
    const std::uint64_t first = give_buffer(100), second = give_buffer(100);
    EXPECT_FALSE(receive(own_frame(400))) << "they do not suffice";
    EXPECT_EQ(driver.ring(kRx).used_index(), 0u);
    const Frame frame = own_frame(150);
    EXPECT_TRUE(receive(frame));
    const auto used = driver.ring(kRx).take_used();
    ASSERT_EQ(used.size(), 2u);
    EXPECT_EQ(used[0].length, 100u);
    EXPECT_EQ(used[1].length, 62u);
    EXPECT_EQ(*driver.at(first + 10), 2u) << "num_buffers";
    EXPECT_TRUE(std::equal(frame.begin() + 88, frame.end(), driver.at(second)));
}

TEST_P(NetworkOn, CompletesAndChecksChecksums) {
    start(kMac | kCsum | kGuestCsum);
    // An IPv4 UDP datagram of 4 bytes, its checksum left to the device: the field holds the pseudo-header's sum.
    Frame frame = own_frame(46);
    const std::uint8_t packet[] = {0x08, 0x00, 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2,
                                   15,   10,   0,    2, 2, 0,  9, 0, 9, 0, 12, 0,  0, 1, 2,  3, 4};
    std::copy(std::begin(packet), std::end(packet), frame.begin() + 12);
    const unsigned pseudo = 0x0a00 + 0x020f + 0x0a00 + 0x0202 + 17 + 12;
    frame[40] = std::uint8_t(pseudo >> 8);
    frame[41] = std::uint8_t(pseudo);
    const std::uint8_t offload[12] = {1, 0, 0, 0, 0, 0, 34, 0, 6, 0};
    driver.ring(kTx).add({{driver.place(offload, 12), header}, {driver.place(frame.data(), 46), 46}});
    driver.ring(kTx).notify();
    ASSERT_EQ(net.sent.size(), 1u);
    const unsigned sum = pseudo + 9 + 9 + 12 + 0x0102 + 0x0304;
    EXPECT_EQ(net.sent[0][40] << 8 | net.sent[0][41], int(0xffff - ((sum + (sum >> 16)) & 0xffff)));

    const std::uint64_t good = give_buffer(), bad = give_buffer();
    EXPECT_TRUE(receive(net.sent[0]));
    net.sent[0][45] ^= 1;
    EXPECT_TRUE(receive(net.sent[0]));
    EXPECT_EQ(*driver.at(good), 2u) << "DATA_VALID";
    EXPECT_EQ(*driver.at(bad), 0u);
}

TEST_P(NetworkOn, DropsWhatIsNoFrame) {
    start(kMac | kCsum);
    driver.ring(kTx).add({{driver.allocate(header + 5), header + 5}});
    const std::uint8_t outside[12] = {1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    driver.ring(kTx).add({{driver.place(outside, 12), header}, {driver.allocate(60), 60}});
    const std::uint8_t segmented[12] = {0, 1};
    driver.ring(kTx).add({{driver.place(segmented, 12), header}, {driver.allocate(60), 60}});
    driver.ring(kTx).notify();
    EXPECT_TRUE(net.sent.empty());
    EXPECT_EQ(driver.ring(kTx).take_used().size(), 3u);
    driver.ring(kTx).add({{driver.allocate(4), 4}});
    driver.ring(kTx).notify();
    EXPECT_TRUE(driver.needs_reset()) << "no whole header";
}

TEST_P(NetworkOn, TheControlQueueFilters) {
    start(kMac | kControl | kRxModes | kVlans | kSetMac);
    for (int i = 0; i < 4; ++i) give_buffer();
    const Frame other = frame_to({2, 0, 0, 0, 0, 1}), group = frame_to({1, 0, 0x5e, 0, 0, 1});
    EXPECT_TRUE(receive(other));
    EXPECT_EQ(driver.ring(kRx).take_used().size(), 1u) << "promiscuous after a reset";
    EXPECT_EQ(command({0, 0, 0}), 0);
    receive(other);
    receive(group);
    EXPECT_EQ(driver.ring(kRx).take_used().size(), 0u);
    EXPECT_EQ(command({1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1}), 0);
    receive(other);
    receive(group);
    EXPECT_EQ(driver.ring(kRx).take_used().size(), 2u);
    EXPECT_EQ(command({1, 1, 2, 0, 0, 0, 0, 9}), 0);
    EXPECT_EQ(driver.registers().config(4, 2), 0x0900u);
    receive(frame_to({2, 0, 0, 0, 0, 9}));
    EXPECT_EQ(driver.ring(kRx).take_used().size(), 1u);
    Frame tagged = frame_to({2, 0, 0, 0, 0, 9});
    const std::uint8_t tag[] = {0x81, 0, 0, 5};
    std::copy(std::begin(tag), std::end(tag), tagged.begin() + 12);
    give_buffer();
    receive(tagged);
    EXPECT_EQ(driver.ring(kRx).take_used().size(), 0u);
    EXPECT_EQ(command({2, 0, 5, 0}), 0);
    receive(tagged);
    EXPECT_EQ(driver.ring(kRx).take_used().size(), 1u);
}

TEST_P(NetworkOn, CommandsThatAreWrongAreRefused) {
    start(kMac | kControl | kRxModes | kVlans | kSetMac);
    EXPECT_EQ(command({0, 9, 1}), 1);
    EXPECT_EQ(command({0, 0}), 1);
    EXPECT_EQ(command({1, 0, 0xff, 0xff, 0xff, 0xff}), 1) << "more addresses than there are";
    EXPECT_EQ(command({1, 1, 1, 2}), 1);
    EXPECT_EQ(command({2, 0, 0xff, 0xff}), 1);
    EXPECT_EQ(command({3, 0}), 1) << "nothing was announced";
    EXPECT_EQ(command({200, 0}), 1);
    EXPECT_FALSE(driver.needs_reset());
}

class PairsOn : public NetworkOn {
  protected:
    PairsOn() : NetworkOn("on") {}
};

TEST_P(PairsOn, TheDriverMayChooseTheOneThereIs) {
    start(kMac | kControl | kPairs);
    EXPECT_EQ(driver.registers().config(8, 2), 1u);
    EXPECT_EQ(command({4, 0, 1, 0}), 0);
    EXPECT_EQ(command({4, 0, 2, 0}), 1);
    EXPECT_EQ(command({4, 0, 0, 0}), 1);
    EXPECT_EQ(command({4, 1, 1, 0}), 1);
    EXPECT_FALSE(driver.needs_reset());
}

INSTANTIATE_TEST_SUITE_P(Virtio, PairsOn,
                         ::testing::Values(Kind::MmioLegacy, Kind::MmioModern, Kind::PciLegacy,
                                           Kind::PciModern));
INSTANTIATE_TEST_SUITE_P(Virtio, NetworkOn,
                         ::testing::Values(Kind::MmioLegacy, Kind::MmioModern, Kind::PciLegacy,
                                           Kind::PciModern));

TEST(Network, AddressesCountUp) {
    DeviceBench bench;
    bench.add("virtio-mmio", "slot0");
    bench.add("virtio-mmio", "slot1");
    Object& first = bench.add("virtio-net-device", "a", {}, "slot0");
    Object& second = bench.add("virtio-net-device", "b", {}, "slot1");
    EXPECT_EQ(bench.property(first, "mac"), "52:54:00:12:34:56");
    EXPECT_EQ(bench.property(second, "mac"), "52:54:00:12:34:57");
}

TEST(Network, RefusesABadAddressAndABusyNetdev) {
    DeviceBench bench;
    bench.add("fake-net", "wire");
    bench.add("virtio-mmio", "slot0");
    bench.add("virtio-mmio", "slot1");
    EXPECT_NE(bench.try_add("virtio-net-device", "a", {{"mac", "52:54"}}, "slot0").find("'52:54'"),
              std::string::npos);
    EXPECT_EQ(bench.try_add("virtio-net-device", "a", {{"netdev", "wire"}}, "slot0"), "");
    EXPECT_NE(bench.try_add("virtio-net-device", "b", {{"netdev", "wire"}}, "slot1").find("netdev"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
