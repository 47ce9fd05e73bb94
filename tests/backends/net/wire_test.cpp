// Frames between two network backends, through sockets of this host, and into a file.
#include "plugins/backends/net/frame_reader.h"
#include "tests/backends/fixture.h"
#include "tests/saving.h"

#include <backplane/net.h>

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace backplane::test {
namespace {

using Frame = std::vector<std::uint8_t>;
using Frames = std::vector<Frame>;

struct Card final : NetFront {
    bool receive_frame(Bytes frame) override {
        if (!ready) return false;
        frames.emplace_back(frame.begin(), frame.end());
        return true;
    }
    void link_changed(bool up) override { link = up; }
    bool link = true;
    std::vector<Frame> frames;
    bool ready = true;
};

struct Wires : BackendBench, ::testing::Test {
    Wires() { unlink(place.path().c_str()); }
    ~Wires() override {
        for (NetBackend* back : {left, right})
            if (back) locked([&] { back->connect(nullptr); });
    }
    void connect(NetBackend*& side, std::string_view type, const char* id,
                 const testing::Properties& properties, Card& card) {
        side = &make<NetBackend>(type, id, properties);
        locked([&] { EXPECT_TRUE(side->connect(&card)); });
    }
    void send(NetBackend& from, const Frame& frame) {
        locked([&] { from.send_frame({frame.data(), frame.size()}); });
    }
    static Frame frame_of(std::uint8_t byte, std::size_t size) { return Frame(size, byte); }
    /// Sends until it arrives: the connection is made meanwhile.
    bool arrives(NetBackend& from, const Frame& frame, const Card& card) {
        return run_until([&] {
            if (card.frames.empty()) send(from, frame);
            return !card.frames.empty() && card.frames.front() == frame;
        });
    }
    static std::uint16_t free_port(int type) {
        const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof local;
        if (bind(fd, reinterpret_cast<sockaddr*>(&local), size) == 0)
            getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
        ::close(fd);
        return ntohs(local.sin_port);
    }

    TemporaryFile place;
    NetBackend *left = nullptr, *right = nullptr;
    Card left_card, right_card;
};

TEST_F(Wires, AStreamCarriesFramesBothWays) {
    connect(left, "netdev-stream", "l",
            {{"addr.type", "unix"}, {"addr.path", place.path()}, {"server", "on"}}, left_card);
    connect(right, "netdev-stream", "r", {{"addr.type", "unix"}, {"addr.path", place.path()}}, right_card);
    ASSERT_TRUE(arrives(*right, frame_of('a', 60), left_card));
    send(*left, frame_of('b', 1514));
    EXPECT_TRUE(run_until([&] { return right_card.frames == Frames{frame_of('b', 1514)}; }));
}

TEST_F(Wires, APlugThatIsPulledLetsNothingThrough) {
    connect(left, "netdev-stream", "l",
            {{"addr.type", "unix"}, {"addr.path", place.path()}, {"server", "on"}}, left_card);
    Object& other = add("netdev-stream", "r", {{"addr.type", "unix"}, {"addr.path", place.path()}});
    right = query<NetBackend>(other);
    auto& plug = *query<NetLink>(other);
    ASSERT_TRUE(arrives(*right, frame_of('a', 60), left_card));
    locked([&] { plug.set_link(false); });
    locked([&] { EXPECT_TRUE(right->connect(&right_card)); });
    EXPECT_FALSE(right_card.link) << "who comes to it is told";
    left_card.frames.clear();
    send(*right, frame_of('b', 60));
    locked([&] { plug.set_link(true); });
    EXPECT_TRUE(right_card.link);
    send(*right, frame_of('d', 60));
    EXPECT_TRUE(run_until([&] { return left_card.frames == Frames{frame_of('d', 60)}; }));
}

/// What a NIC wrote into its memory then would not be in the state that was taken down before.
TEST_F(Wires, AFrameWaitsUntilTheMachineIsSaved) {
    connect(left, "netdev-stream", "l",
            {{"addr.type", "unix"}, {"addr.path", place.path()}, {"server", "on"}}, left_card);
    Object& other = add("netdev-stream", "r", {{"addr.type", "unix"}, {"addr.path", place.path()}});
    right = query<NetBackend>(other);
    ASSERT_TRUE(arrives(*right, frame_of('a', 60), left_card));
    left_card.frames.clear();
    auto saving = locked([&] { return std::make_unique<testing::Saving>(backend_context(other)); });
    for (const std::uint8_t byte : {'b', 'c'}) send(*right, frame_of(byte, 60));
    bench.run_ready();
    EXPECT_EQ(left_card.frames, Frames());
    locked([&] { saving.reset(); });
    EXPECT_TRUE(run_until([&] { return left_card.frames == Frames{frame_of('b', 60), frame_of('c', 60)}; }));
}

TEST_F(Wires, AFrameWaitsUntilTheGuestHasRoom) {
    connect(left, "netdev-stream", "l",
            {{"addr.type", "unix"}, {"addr.path", place.path()}, {"server", "on"}}, left_card);
    connect(right, "netdev-stream", "r", {{"addr.type", "unix"}, {"addr.path", place.path()}}, right_card);
    ASSERT_TRUE(arrives(*right, frame_of('a', 60), left_card));
    left_card.frames.clear();
    left_card.ready = false;
    for (const std::uint8_t byte : {'b', 'c'}) send(*right, frame_of(byte, 60));
    bench.run_ready();
    EXPECT_TRUE(left_card.frames.empty());
    left_card.ready = true;
    locked([&] { left->accept_frames(); });
    EXPECT_TRUE(left_card.frames.empty()) << "not from within";
    EXPECT_TRUE(run_until([&] { return left_card.frames == Frames{frame_of('b', 60), frame_of('c', 60)}; }));
}

TEST_F(Wires, AServerThatLostItsPeerTakesTheNext) {
    connect(left, "netdev-stream", "l",
            {{"addr.type", "unix"}, {"addr.path", place.path()}, {"server", "on"}}, left_card);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, place.path().c_str(), sizeof address.sun_path - 1);
    // Who sends no frames is let go.
    const int stranger = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(stranger, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::send(stranger, "GET / HTTP/1.0", 14, 0), 14);
    char end = 0;
    EXPECT_TRUE(run_until([&] { return recv(stranger, &end, 1, MSG_DONTWAIT) == 0; }));
    ::close(stranger);
    connect(right, "netdev-stream", "r", {{"addr.type", "unix"}, {"addr.path", place.path()}}, right_card);
    EXPECT_TRUE(arrives(*right, frame_of('a', 60), left_card));
}

TEST_F(Wires, TheOlderSpellingIsThere) {
    const std::string port = std::to_string(free_port(SOCK_STREAM));
    connect(left, "netdev-socket", "l", {{"listen", "127.0.0.1:" + port}}, left_card);
    connect(right, "netdev-socket", "r", {{"connect", "127.0.0.1:" + port}}, right_card);
    EXPECT_TRUE(arrives(*right, frame_of('a', 60), left_card));
    EXPECT_NE(refusal("netdev-socket").find("exactly one"), std::string::npos);
    EXPECT_NE(refusal("netdev-socket", {{"connect", "nowhere"}}).find("connect=nowhere"), std::string::npos);
    EXPECT_NE(refusal("netdev-socket", {{"listen", "127.0.0.1:70000"}}).find("70000"), std::string::npos);
}

TEST_F(Wires, DatagramsCarryFrames) {
    const std::string here = std::to_string(free_port(SOCK_DGRAM)),
                      there = std::to_string(free_port(SOCK_DGRAM));
    const auto ends = [](const std::string& local, const std::string& remote) {
        return testing::Properties{{"local.type", "inet"},       {"local.host", "127.0.0.1"},
                                   {"local.port", local},        {"remote.type", "inet"},
                                   {"remote.host", "127.0.0.1"}, {"remote.port", remote}};
    };
    connect(left, "netdev-dgram", "l", ends(here, there), left_card);
    connect(right, "netdev-dgram", "r", ends(there, here), right_card);
    EXPECT_TRUE(arrives(*right, frame_of('a', 60), left_card));
    send(*left, frame_of('b', 1514));
    EXPECT_TRUE(run_until([&] { return right_card.frames == Frames{frame_of('b', 1514)}; }));
    EXPECT_NE(refusal("netdev-dgram").find("local="), std::string::npos);
}

TEST_F(Wires, ADumpIsAFileOfPackets) {
    TemporaryFile file;
    connect(left, "netdev-stream", "l",
            {{"addr.type", "unix"}, {"addr.path", place.path()}, {"server", "on"}}, left_card);
    connect(right, "netdev-stream", "r", {{"addr.type", "unix"}, {"addr.path", place.path()}}, right_card);
    ASSERT_TRUE(arrives(*right, frame_of('0', 60), left_card));
    bench.run_ready();
    left_card.frames.clear();
    Object& dump = add("filter-dump", "dump", {{"netdev", "l"}, {"file", file.path()}, {"maxlen", "64"}});
    send(*left, frame_of('a', 100));
    send(*right, frame_of('b', 60));
    ASSERT_TRUE(run_until([&] { return left_card.frames == Frames{frame_of('b', 60)}; }));
    bench.set_property(dump, "status", "off");
    send(*left, frame_of('c', 60));
    bench.remove(dump);
    send(*left, frame_of('d', 60));
    const std::string contents = file.contents();
    ASSERT_EQ(contents.size(), 24u + 16 + 64 + 16 + 60);
    const auto word = [&](std::size_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, contents.data() + at, sizeof value);
        return value;
    };
    EXPECT_EQ(word(0), 0xa1b2c3d4u);
    EXPECT_EQ(word(16), 64u) << "the longest";
    EXPECT_EQ(word(20), 1u) << "Ethernet";
    EXPECT_EQ(word(24 + 8), 64u) << "kept";
    EXPECT_EQ(word(24 + 12), 100u) << "of so many";
    EXPECT_EQ(contents.substr(24 + 16, 64), std::string(64, 'a'));
    EXPECT_EQ(contents.substr(24 + 16 + 64 + 16), std::string(60, 'b'));
    EXPECT_NE(refusal("filter-dump", {{"netdev", "l"}, {"file", "/nowhere/at/all"}}).find("/nowhere/at/all"),
              std::string::npos);
}

TEST_F(Wires, WhatATapHasNotIsRefusedWithTheReason) {
    const std::pair<testing::Properties, const char*> wrong[] = {
        {{{"vhost", "on"}}, "vhost"},
        {{{"helper", "/bin/x"}}, "fd="},
        {{{"queues", "2"}}, "one queue"},
        {{{"fd", "0"}}, "no open tap interface"},
        {{{"ifname", "a-name-that-is-too-long"}}, "longer than"},
    };
    for (const auto& [properties, text] : wrong) {
        const std::string reason = refusal("netdev-tap", properties);
        EXPECT_NE(reason.find(text), std::string::npos) << text << ": " << reason;
    }
}

TEST_F(Wires, ATapIsAnInterfaceOfTheHost) {
    const std::string name = "bptest" + std::to_string(getpid() % 100000);
    TemporaryFile ran;
    TemporaryFile script("#!/bin/sh\necho \"$1\" > " + ran.path() + "\n");
    chmod(script.path().c_str(), 0755);
    const std::string reason =
        refusal("netdev-tap", {{"ifname", name}, {"script", "no"}, {"downscript", "no"}});
    if (!reason.empty()) GTEST_SKIP() << reason;
    connect(left, "netdev-tap", "l",
            {{"ifname", name + "b"}, {"script", script.path()}, {"downscript", "no"}}, left_card);
    EXPECT_EQ(ran.contents(), name + "b\n");
    EXPECT_EQ(access(("/sys/class/net/" + name + "b").c_str(), F_OK), 0);
    send(*left, frame_of(0xff, 60));
}

TEST_F(Wires, BackendsThatAreNotThereSayWhatIs) {
    EXPECT_NE(refusal("netdev-bridge").find("-netdev tap"), std::string::npos);
    EXPECT_NE(refusal("chardev-spicevmc").find("no SPICE"), std::string::npos);
    EXPECT_NE(refusal("blockdev-formats").find("only raw"), std::string::npos);
}

TEST(FrameReader, CutsAStreamWhereverItComesApart) {
    std::vector<std::uint8_t> stream;
    for (const std::size_t size : {1u, 60u, 300u}) {
        const std::uint8_t header[] = {0, 0, std::uint8_t(size >> 8), std::uint8_t(size)};
        stream.insert(stream.end(), header, header + 4);
        stream.insert(stream.end(), size, std::uint8_t(size));
    }
    for (std::size_t step = 1; step < stream.size(); step += 7) {
        net::FrameReader reader;
        std::vector<std::size_t> sizes;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            const std::size_t count = std::min(step, stream.size() - at);
            std::memcpy(reader.room(1000), stream.data() + at, count);
            reader.added(count);
            for (Bytes frame = reader.frame(); !frame.empty(); frame = reader.frame()) {
                sizes.push_back(frame.size);
                EXPECT_EQ(frame[frame.size - 1], std::uint8_t(frame.size));
                reader.next();
            }
        }
        EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 60, 300})) << step;
        EXPECT_FALSE(reader.broken());
    }
}

}  // namespace
}  // namespace backplane::test
