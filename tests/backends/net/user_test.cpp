// The user network: what a guest that speaks Ethernet meets there. Only this host's loopback is used.
#include "tests/backends/fixture.h"

#include <backplane/draft/user_network.h>
#include <backplane/management.h>
#include <backplane/net.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace backplane::test {
namespace {

using Frame = std::vector<std::uint8_t>;
constexpr std::uint8_t kGuestMac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

std::uint32_t be32(const Frame& frame, std::size_t at) {
    return std::uint32_t(frame[at]) << 24 | std::uint32_t(frame[at + 1]) << 16 |
           std::uint32_t(frame[at + 2]) << 8 | frame[at + 3];
}
std::uint16_t be16(const Frame& frame, std::size_t at) {
    return std::uint16_t(frame[at] << 8 | frame[at + 1]);
}
void put16(Frame& frame, unsigned value) {
    frame.push_back(std::uint8_t(value >> 8));
    frame.push_back(std::uint8_t(value));
}
void put32(Frame& frame, std::uint32_t value) {
    put16(frame, value >> 16);
    put16(frame, value & 0xffff);
}
constexpr std::uint32_t address(unsigned a, unsigned b, unsigned c, unsigned d) {
    return a << 24 | b << 16 | c << 8 | d;
}
constexpr std::uint32_t kGuest = address(10, 0, 2, 15);

Frame ethernet(const std::uint8_t (&to)[6], unsigned type) {
    Frame frame(to, to + 6);
    frame.insert(frame.end(), kGuestMac, kGuestMac + 6);
    put16(frame, type);
    return frame;
}

/// RFC 826.
Frame arp(unsigned operation, std::uint32_t sender, std::uint32_t target) {
    Frame frame = ethernet({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x0806);
    for (const unsigned field : {1u, 0x0800u, 0x0604u, operation}) put16(frame, field);
    frame.insert(frame.end(), kGuestMac, kGuestMac + 6);
    put32(frame, sender);
    frame.insert(frame.end(), 6, 0);
    put32(frame, target);
    return frame;
}

std::uint16_t checksum(const Frame& frame, std::size_t first, std::size_t end) {
    std::uint32_t sum = 0;
    for (std::size_t at = first; at < end; at += 2)
        sum += std::uint32_t(frame[at] << 8 | (at + 1 < end ? frame[at + 1] : 0));
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return std::uint16_t(~sum);
}

/// RFC 791 and 768, without options and without the optional checksum of UDP.
Frame udp(std::uint32_t from, std::uint16_t from_port, std::uint32_t to, std::uint16_t to_port,
          const Frame& data) {
    Frame frame = ethernet({0x52, 0x55, 10, 0, 2, 2}, 0x0800);
    put16(frame, 0x4500);
    put16(frame, unsigned(28 + data.size()));
    put32(frame, 0x00010000);
    put16(frame, 0x4011);
    put16(frame, 0);
    put32(frame, from);
    put32(frame, to);
    const std::uint16_t sum = checksum(frame, 14, 34);
    frame[24] = std::uint8_t(sum >> 8);
    frame[25] = std::uint8_t(sum);
    put16(frame, from_port);
    put16(frame, to_port);
    put16(frame, unsigned(8 + data.size()));
    put16(frame, 0);
    frame.insert(frame.end(), data.begin(), data.end());
    return frame;
}

constexpr unsigned kReset = 4, kAcknowledges = 16;

/// RFC 9293, without options and data.
Frame tcp(std::uint16_t from_port, std::uint32_t to, std::uint16_t to_port, std::uint32_t sequence,
          std::uint32_t acknowledged, unsigned flags) {
    Frame segment;
    put16(segment, from_port);
    put16(segment, to_port);
    put32(segment, sequence);
    put32(segment, acknowledged);
    put16(segment, 0x5000 | flags);
    put16(segment, 0x2000);
    put32(segment, 0);
    Frame covered;
    put32(covered, kGuest);
    put32(covered, to);
    put32(covered, 6u << 16 | unsigned(segment.size()));
    covered.insert(covered.end(), segment.begin(), segment.end());
    const std::uint16_t sum = checksum(covered, 0, covered.size());
    segment[16] = std::uint8_t(sum >> 8);
    segment[17] = std::uint8_t(sum);
    // The header's length is a datagram's without its own header of 8 bytes.
    Frame frame = udp(kGuest, 0, to, 0, Frame(segment.size() - 8));
    frame[23] = 6;
    frame[24] = frame[25] = 0;
    const std::uint16_t header = checksum(frame, 14, 34);
    frame[24] = std::uint8_t(header >> 8);
    frame[25] = std::uint8_t(header);
    std::ranges::copy(segment, frame.begin() + 34);
    return frame;
}

struct Nic final : NetFront {
    bool receive_frame(Bytes frame) override {
        if (!ready) return false;
        frames.emplace_back(frame.begin(), frame.end());
        return true;
    }
    void link_changed(bool) override {}
    std::vector<Frame> frames;
    bool ready = true;
};

/// Router advertisements (RFC 4861, 4.2) come at random times.
std::uint64_t advertisement_time(std::uint64_t seed) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    BackendBench test;
    test.bench.seed(seed);
    Nic nic;
    auto& back = test.make<NetBackend>("netdev-user", "net");
    test.locked([&] { back.connect(&nic); });
    const auto advertised = [](const Frame& frame) {
        return frame.size() > 54 && be16(frame, 12) == 0x86dd && frame[20] == 58 && frame[54] == 134;
    };
    for (unsigned seconds = 0; seconds < 700 && std::ranges::none_of(nic.frames, advertised); ++seconds)
        test.bench.advance_ns(kSecond);
    test.locked([&] { back.connect(nullptr); });
    return test.bench.now_ns() / kSecond;
}

TEST(UserNetSeed, WhatIsRandomInTheNetworkFollowsFromTheMachinesSeed) {
    const std::uint64_t time = advertisement_time(1);
    EXPECT_GE(time, 200u);
    EXPECT_LE(time, 601u);
    EXPECT_EQ(advertisement_time(1), time);
    EXPECT_NE(advertisement_time(2), time);
}

struct UserNet : BackendBench, ::testing::Test {
    NetBackend& network(const testing::Properties& properties = {}) {
        back = &make<NetBackend>("netdev-user", "net", properties);
        locked([&] { back->connect(&nic); });
        return *back;
    }
    ~UserNet() override {
        if (back) locked([&] { back->connect(nullptr); });
    }
    void send(const Frame& frame) {
        locked([&] { back->send_frame({frame.data(), frame.size()}); });
    }
    /// The first frame that `matches`, which may still have to come.
    template <class Match>
    const Frame* wait_for(const Match& matches) {
        const auto find = [&] { return std::find_if(nic.frames.begin(), nic.frames.end(), matches); };
        return run_until([&] { return find() != nic.frames.end(); }) ? &*find() : nullptr;
    }
    static bool is_udp(const Frame& frame) {
        return frame.size() > 42 && be16(frame, 12) == 0x0800 && frame[23] == 17;
    }
    static bool is_arp(const Frame& frame) { return frame.size() >= 42 && be16(frame, 12) == 0x0806; }

    NetBackend* back = nullptr;
    Nic nic;
};

/// A UDP socket of the host on a port that is free.
struct HostSocket {
    explicit HostSocket(int type = SOCK_DGRAM) {
        fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof local;
        if (bind(fd, reinterpret_cast<sockaddr*>(&local), size) == 0)
            getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
        port = ntohs(local.sin_port);
    }
    HostSocket(const HostSocket&) = delete;
    HostSocket& operator=(const HostSocket&) = delete;
    ~HostSocket() { ::close(fd); }
    int fd;
    std::uint16_t port = 0;
};

/// As of a machine that was saved elsewhere.
TEST_F(UserNet, ASegmentOfAConnectionThatNobodyKnowsIsAnsweredWithAReset) {
    network();
    const std::uint32_t host = address(10, 0, 2, 2);
    send(arp(1, kGuest, host));
    send(tcp(40000, host, 80, 1000, 2000, kAcknowledges));
    const Frame* answer = wait_for([](const Frame& frame) { return frame.size() >= 54 && frame[23] == 6; });
    ASSERT_TRUE(answer);
    EXPECT_EQ(be16(*answer, 36), 40000);
    EXPECT_EQ(be32(*answer, 38), 2000u);
    EXPECT_TRUE((*answer)[47] & kReset);
}

TEST_F(UserNet, TheGatewayAnswersArp) {
    network();
    send(arp(1, kGuest, address(10, 0, 2, 2)));
    EXPECT_TRUE(nic.frames.empty()) << "the answer does not come while the guest is still sending";
    const Frame* reply = wait_for(is_arp);
    ASSERT_TRUE(reply);
    EXPECT_EQ(be16(*reply, 20), 2);
    EXPECT_EQ(be32(*reply, 28), address(10, 0, 2, 2));
}

TEST_F(UserNet, DhcpGivesTheFirstAddress) {
    network({{"dhcpstart", "10.0.2.77"}});
    Frame discover(236, 0);
    discover[0] = discover[1] = 1;
    discover[2] = 6;
    discover[7] = 0x42;
    std::copy(kGuestMac, kGuestMac + 6, discover.begin() + 28);
    for (const std::uint8_t byte : {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255}) discover.push_back(byte);
    send(udp(0, 68, 0xffffffff, 67, discover));
    const Frame* offer = wait_for([](const Frame& frame) { return is_udp(frame) && be16(frame, 36) == 68; });
    ASSERT_TRUE(offer);
    EXPECT_EQ(be32(*offer, 42 + 16), address(10, 0, 2, 77));
}

TEST_F(UserNet, TheGuestReachesThisHostThroughTheGateway) {
    HostSocket host;
    network();
    send(arp(1, kGuest, address(10, 0, 2, 2)));
    send(udp(kGuest, 5000, address(10, 0, 2, 2), host.port, {'p', 'i', 'n', 'g'}));
    char buffer[16];
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    ASSERT_EQ(recvfrom(host.fd, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size), 4);
    ASSERT_EQ(sendto(host.fd, "pong", 4, 0, reinterpret_cast<sockaddr*>(&peer), size), 4);
    const Frame* answer = wait_for(is_udp);
    ASSERT_TRUE(answer);
    EXPECT_EQ(be16(*answer, 36), 5000);
    EXPECT_EQ(std::string(answer->begin() + 42, answer->begin() + 46), "pong");
}

TEST_F(UserNet, ARestrictedGuestDoesNot) {
    HostSocket host;
    network({{"restrict", "on"}});
    send(arp(1, kGuest, address(10, 0, 2, 2)));
    send(udp(kGuest, 5000, address(10, 0, 2, 2), host.port, {'p', 'i', 'n', 'g'}));
    bench.run_ready();
    char buffer[16];
    EXPECT_EQ(recv(host.fd, buffer, sizeof buffer, MSG_DONTWAIT), -1);
}

TEST_F(UserNet, AForwardLeadsFromTheHostToTheGuest) {
    std::uint16_t port = 0, other = 0;
    {
        HostSocket free(SOCK_STREAM), free_too(SOCK_STREAM);
        port = free.port;
        other = free_too.port;
    }
    network({{"hostfwd", "tcp:127.0.0.1:" + std::to_string(port) + "-:22"},
             {"hostfwd", "tcp:127.0.0.1:" + std::to_string(other) + "-10.0.2.15:80"}});
    send(arp(2, kGuest, address(10, 0, 2, 2)));
    struct Pair {
        std::uint16_t host, guest;
    };
    for (const Pair pair : {Pair{port, 22}, Pair{other, 80}}) {
        HostSocket client(SOCK_STREAM);
        sockaddr_in target{};
        target.sin_family = AF_INET;
        target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        target.sin_port = htons(pair.host);
        ASSERT_EQ(connect(client.fd, reinterpret_cast<sockaddr*>(&target), sizeof target), 0);
        const Frame* syn = wait_for([&](const Frame& frame) {
            return frame.size() >= 54 && be16(frame, 12) == 0x0800 && frame[23] == 6 &&
                   be16(frame, 36) == pair.guest;
        });
        ASSERT_TRUE(syn) << pair.guest;
        EXPECT_EQ((*syn)[47] & 0x12, 0x02) << "SYN";
        EXPECT_EQ(be32(*syn, 30), kGuest);
    }
}

TEST_F(UserNet, AFrameWaitsUntilTheGuestHasRoom) {
    network();
    nic.ready = false;
    send(arp(1, kGuest, address(10, 0, 2, 2)));
    bench.run_ready();
    EXPECT_TRUE(nic.frames.empty());
    nic.ready = true;
    locked([&] { back->accept_frames(); });
    EXPECT_TRUE(wait_for(is_arp));
}

TEST_F(UserNet, FramesOfImpossibleSizesAreDropped) {
    network();
    send({});
    send(Frame(13, 0xff));
    send(Frame(14, 0xff));
    send(Frame(70'000, 0));
    Frame cut = udp(kGuest, 1, address(10, 0, 2, 2), 2, {1, 2, 3});
    while (cut.size() > 14) {
        cut.pop_back();
        send(cut);
    }
    bench.run_ready();
}

TEST_F(UserNet, WhatCannotBeIsRefusedByName) {
    const std::pair<testing::Properties, const char*> wrong[] = {
        {{{"net", "10.0.2"}}, "net=10.0.2"},
        {{{"net", "10.0.2.0/33"}}, "net="},
        {{{"net", "10.0.2.0/255.0.255.0"}}, "net="},
        {{{"host", "10.0.3.2"}}, "outside"},
        {{{"dns", "10.0.2.2"}}, "same address"},
        {{{"ipv6-prefix", "nothing"}}, "ipv6-prefix"},
        {{{"hostfwd", "2222-22"}}, "hostfwd"},
        {{{"hostfwd", "sctp::2222-:22"}}, "hostfwd"},
        {{{"hostfwd", "tcp::2222-:0"}}, "hostfwd"},
        {{{"hostfwd", "tcp::99999-:22"}}, "hostfwd"},
        {{{"ipv4", "off"}, {"ipv6", "off"}}, "nothing is left"},
        {{{"guestfwd", "tcp:10.0.2.100:80-tcp:elsewhere:80"}}, "guestfwd"},
        {{{"guestfwd", "tcp:10.0.2.100:80-chardev:nobody"}}, "there is no chardev 'nobody'"},
        {{{"guestfwd", "udp:10.0.2.100:80-cmd:cat"}}, "guestfwd"},
        {{{"guestfwd", "tcp:10.0.2.100:70000-cmd:cat"}}, "guestfwd"},
        {{{"smb", "/tmp"}}, "smb="},
    };
    for (const auto& [properties, text] : wrong) {
        const std::string reason = refusal("netdev-user", properties);
        EXPECT_NE(reason.find(text), std::string::npos) << text << ": " << reason;
    }
}

TEST_F(UserNet, APortInUseIsRefused) {
    HostSocket taken(SOCK_STREAM);
    ASSERT_EQ(listen(taken.fd, 1), 0);
    const std::string forward = "tcp:127.0.0.1:" + std::to_string(taken.port) + "-:22";
    EXPECT_NE(refusal("netdev-user", {{"hostfwd", forward}}).find("forwarding rule"), std::string::npos);
}

TEST_F(UserNet, ItsNetworkMayLieElsewhere) {
    network({{"net", "192.168.7.0/255.255.255.0"}});
    send(arp(1, address(192, 168, 7, 15), address(192, 168, 7, 2)));
    EXPECT_TRUE(wait_for(is_arp));
}

TEST_F(UserNet, ForwardsComeAndGoWhileItRuns) {
    UserNetwork& user = make<UserNetwork>("netdev-user", "net");
    std::uint16_t port = 0;
    {
        HostSocket free(SOCK_STREAM);
        port = free.port;
    }
    const std::string side = "tcp:127.0.0.1:" + std::to_string(port), rule = side + "-:22";
    locked([&] {
        ErrorText reason;
        EXPECT_TRUE(user.add_forward(rule, reason)) << reason.text();
        TextBuffer table;
        user.write_connections(table);
        EXPECT_NE(table.text().find("TCP[HOST_FORWARD]"), std::string::npos) << table.text();
        EXPECT_NE(table.text().find(std::to_string(port)), std::string::npos);
        EXPECT_EQ(table.text().find('\r'), std::string::npos);
        EXPECT_FALSE(user.add_forward(rule, reason)) << "it is there";
        EXPECT_NE(reason.text().find("Could not set up"), std::string::npos);
        EXPECT_FALSE(user.add_forward("tcp::70000-:22", reason));
        EXPECT_EQ(user.remove_forward(side), UserNetwork::Removal::Removed);
        EXPECT_EQ(user.remove_forward(side), UserNetwork::Removal::NotFound);
        EXPECT_EQ(user.remove_forward("nonsense"), UserNetwork::Removal::BadFormat);
    });
}

/// What a monitor hears.
struct Answer final : CommandReply {
    void succeed(Str json) override { text = json.view(); }
    void succeed_text(Str more) override { text = more.view(); }
    void fail(Str description) override { error = description.view(); }
    void fail_as(Str, Str description) override { error = description.view(); }
    int take_descriptor(Str, Errors&) override { return -1; }
    std::string text, error;
};

TEST_F(UserNet, AMonitorWithoutAUserNetworkHearsSo) {
    auto& commands = make<CommandHandler>("user-network-commands", "commands");
    const auto ask = [&](const char* command, const std::string& arguments) {
        Answer answer;
        locked([&] { commands.execute(command, arguments, answer); });
        return answer;
    };
    EXPECT_EQ(ask("info usernet", "{}").error, "");
    EXPECT_EQ(ask("hostfwd_add", R"({"netdev-or-rule": "tcp::1-:2"})").error, "there is no user network");
    EXPECT_EQ(ask("hostfwd_remove", R"({"netdev-or-rule": "n9", "rule": "tcp::1"})").error,
              "unrecognized netdev id 'n9'");
}

/// The process may have few descriptors while the test runs.
struct Crowd : UserNet {
    static constexpr unsigned kLimit = 512, kReserve = kLimit / 4;
    Crowd() {
        getrlimit(RLIMIT_NOFILE, &before);
        const rlimit few{kLimit, before.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
    }
    ~Crowd() override { setrlimit(RLIMIT_NOFILE, &before); }
    /// The lowest that is free.
    static int next_descriptor() {
        const int fd = dup(0);
        if (fd >= 0) ::close(fd);
        return fd;
    }
    /// A monitor's connection, say, is still to be had.
    static void expect_room(unsigned others) {
        const int next = next_descriptor();
        ASSERT_GE(next, 0);
        EXPECT_LT(next, int(kLimit - kReserve + 8 + others));
    }
    rlimit before{};
};

TEST_F(Crowd, AGuestDoesNotTakeTheLastDescriptors) {
    HostSocket host;
    network();
    send(arp(1, kGuest, address(10, 0, 2, 2)));
    for (unsigned port = 2000; port < 3000; ++port)
        send(udp(kGuest, std::uint16_t(port), address(10, 0, 2, 2), host.port, {'x'}));
    bench.run_ready();
    EXPECT_GT(next_descriptor(), int(kLimit / 2)) << "and has many";
    expect_room(0);
    // A flow that it has goes on.
    char buffer[16];
    while (recv(host.fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {}
    send(udp(kGuest, 2000, address(10, 0, 2, 2), host.port, {'y'}));
    EXPECT_EQ(recv(host.fd, buffer, sizeof buffer, 0), 1);
    EXPECT_EQ(buffer[0], 'y');
}

TEST_F(Crowd, ForwardedConnectionsDoNotTakeTheLastDescriptors) {
    std::uint16_t port = 0;
    {
        HostSocket free(SOCK_STREAM);
        port = free.port;
    }
    network({{"hostfwd", "tcp:127.0.0.1:" + std::to_string(port) + "-:22"}});
    send(arp(2, kGuest, address(10, 0, 2, 2)));
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.sin_port = htons(port);
    std::vector<int> clients;
    constexpr unsigned kOthers = 100;
    for (unsigned count = 0; count < 100 + kOthers; ++count) {
        clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        static_cast<void>(connect(clients.back(), reinterpret_cast<sockaddr*>(&target), sizeof target));
        bench.run_ready();  // an accept loop that spins would not return
    }
    expect_room(kOthers);
    for (const int client : clients) ::close(client);
}

TEST_F(UserNet, AnAddressMayLeadToACharacterDevice) {
    add("chardev-ringbuf", "ring");
    network({{"guestfwd", "tcp:10.0.2.100:80-chardev:ring"}});
    EXPECT_NE(refusal("chardev-mux", {{"chardev", "ring"}}), "") << "it is in use";
}

TEST_F(UserNet, NamesThatDhcpCannotTellAreRefusedBeforeTheLibrarySeesThem) {
    ::testing::internal::CaptureStderr();
    for (const char* name : {"dnssearch", "domainname", "hostname", "bootfile", "tftp-server-name"}) {
        const std::string reason = refusal("netdev-user", {{name, std::string(400, 'x')}});
        EXPECT_NE(reason.find(std::string(name) + "="), std::string::npos) << reason;
        EXPECT_LT(reason.size(), 200u);
    }
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace backplane::test
