// Character devices on sockets: servers, clients, Telnet.
#include "tests/backends/fixture.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace backplane::test {
namespace {

struct Socket : BackendBench, ::testing::Test {
    Socket() { unlink(place.path().c_str()); }
    ~Socket() override {
        if (back) locked([&] { back->disconnect(front); });
        for (const int fd : open_fds) ::close(fd);
    }
    CharBackend& start(testing::Properties properties) {
        back = &make<CharBackend>("chardev-socket", "socket", properties);
        locked([&] { back->connect(&front); });
        return *back;
    }
    sockaddr_un address() const {
        sockaddr_un target{};
        target.sun_family = AF_UNIX;
        std::strncpy(target.sun_path, place.path().c_str(), sizeof target.sun_path - 1);
        return target;
    }
    int keep(int fd) {
        open_fds.push_back(fd);
        return fd;
    }
    int client() {
        const int fd = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_un target = address();
        EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target), 0);
        return fd;
    }
    int listener() {
        const int fd = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_un target = address();
        EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target), 0);
        EXPECT_EQ(listen(fd, 1), 0);
        return fd;
    }
    void close_now(int fd) {
        std::erase(open_fds, fd);
        ::close(fd);
    }
    std::size_t write(std::string_view text) {
        return locked([&] { return back->write(bytes_of(text)); });
    }
    static std::string receive(int fd, std::size_t size) {
        std::string text(size, 0);
        const ssize_t count = recv(fd, text.data(), size, MSG_WAITALL);
        text.resize(count > 0 ? std::size_t(count) : 0);
        return text;
    }
    bool saw(std::vector<CharEvent> events) {
        return run_until([&] { return front.events == events; });
    }

    TemporaryFile place;
    CharBackend* back = nullptr;
    RecordingFront front;
    std::vector<int> open_fds;
};

constexpr CharEvent kOpened = CharEvent::Opened, kClosed = CharEvent::Closed;

TEST_F(Socket, AServerTakesAPeerAndBytesGoBothWays) {
    start({{"path", place.path()}, {"server", "on"}, {"wait", "off"}});
    EXPECT_EQ(write("nobody hears"), 12u);
    const int peer = client();
    ASSERT_TRUE(saw({kOpened}));
    ASSERT_EQ(send(peer, "in", 2, 0), 2);
    EXPECT_TRUE(run_until([&] { return front.text == "in"; }));
    EXPECT_EQ(write("out"), 3u);
    EXPECT_EQ(receive(peer, 3), "out");
}

TEST_F(Socket, AServerThatLostItsPeerTakesTheNext) {
    start({{"path", place.path()}, {"server", "on"}, {"wait", "off"}});
    close_now(client());
    ASSERT_TRUE(saw({kOpened, kClosed}));
    const int next = client();
    ASSERT_TRUE(saw({kOpened, kClosed, kOpened}));
    write("again");
    EXPECT_EQ(receive(next, 5), "again");
}

TEST_F(Socket, AServerMayWaitForItsFirstPeer) {
    std::thread peer([&] {
        const sockaddr_un target = address();
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        while (connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0)
            std::this_thread::yield();
        EXPECT_EQ(receive(fd, 5), "hello");
        ::close(fd);
    });
    start({{"path", place.path()}, {"server", "on"}});
    EXPECT_EQ(front.events, std::vector{kOpened});
    write("hello");
    peer.join();
}

TEST_F(Socket, AServersPathGoesWithIt) {
    Object& object = add("chardev-socket", "s", {{"path", place.path()}, {"server", "on"}, {"wait", "off"}});
    EXPECT_EQ(access(place.path().c_str(), F_OK), 0);
    bench.remove(object);
    EXPECT_NE(access(place.path().c_str(), F_OK), 0);
}

TEST_F(Socket, WhatADeadServerLeftIsReplacedAndALiveOneIsNot) {
    close_now(listener());
    start({{"path", place.path()}, {"server", "on"}, {"wait", "off"}});
    EXPECT_NE(
        refusal("chardev-socket", {{"path", place.path()}, {"server", "on"}, {"wait", "off"}}).find("in use"),
        std::string::npos);
}

TEST_F(Socket, AClientConnects) {
    const int server = listener();
    start({{"path", place.path()}});
    const int peer = keep(accept(server, nullptr, nullptr));
    EXPECT_EQ(front.events, std::vector{kOpened});
    write("hi");
    EXPECT_EQ(receive(peer, 2), "hi");
}

TEST_F(Socket, AClientThatReachesNobodySaysWhom) {
    const std::string reason = refusal("chardev-socket", {{"path", place.path()}});
    EXPECT_NE(reason.find("Failed to connect to 'unix:" + place.path()), std::string::npos) << reason;
}

TEST_F(Socket, AClientTriesAgainOnRequest) {
    start({{"path", place.path()}, {"reconnect", "1"}});
    EXPECT_TRUE(front.events.empty());
    const int server = listener();
    ASSERT_TRUE(saw({kOpened}));
    close_now(keep(accept(server, nullptr, nullptr)));
    ASSERT_TRUE(saw({kOpened, kClosed}));
    ASSERT_TRUE(saw({kOpened, kClosed, kOpened}));
}

TEST_F(Socket, TcpWorksAsWell) {
    const int server = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof local;
    ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&local), size), 0);
    ASSERT_EQ(listen(server, 1), 0);
    getsockname(server, reinterpret_cast<sockaddr*>(&local), &size);
    start({{"host", "127.0.0.1"}, {"port", std::to_string(ntohs(local.sin_port))}, {"nodelay", "on"}});
    const int peer = keep(accept(server, nullptr, nullptr));
    write("tcp");
    EXPECT_EQ(receive(peer, 3), "tcp");
}

TEST_F(Socket, ASocketMayBePassedIn) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    keep(pair[1]);
    start({{"fd", std::to_string(pair[0])}});
    write("fd");
    EXPECT_EQ(receive(pair[1], 2), "fd");
    EXPECT_NE(refusal("chardev-socket", {{"fd", "9999"}}).find("fd=9999"), std::string::npos);
}

TEST_F(Socket, AHangUpIsNoticedWhileNobodyReads) {
    front.room = 0;
    start({{"path", place.path()}, {"server", "on"}, {"wait", "off"}});
    const int first = client();
    ASSERT_TRUE(saw({kOpened}));
    ASSERT_EQ(send(first, "unread", 6, 0), 6);
    bench.run_ready();
    close_now(first);
    ASSERT_TRUE(saw({kOpened, kClosed}));
    const int next = client();
    ASSERT_TRUE(saw({kOpened, kClosed, kOpened}));
    write("served");
    EXPECT_EQ(receive(next, 6), "served");
    EXPECT_EQ(front.text, "");
    ASSERT_EQ(send(next, "+next", 5, 0), 5);
    front.room = 100;
    locked([&] { back->accept_input(); });
    EXPECT_TRUE(run_until([&] { return front.text == "unread+next"; })) << front.text;
}

TEST_F(Socket, AHangUpIsNoticedOnTcpAsWell) {
    const int server = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof local;
    ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&local), size), 0);
    ASSERT_EQ(listen(server, 1), 0);
    getsockname(server, reinterpret_cast<sockaddr*>(&local), &size);
    front.room = 0;
    start({{"host", "127.0.0.1"}, {"port", std::to_string(ntohs(local.sin_port))}});
    const int peer = keep(accept(server, nullptr, nullptr));
    ASSERT_EQ(send(peer, "unread", 6, 0), 6);
    bench.run_ready();
    close_now(peer);
    EXPECT_TRUE(saw({kOpened, kClosed}));
}

TEST_F(Socket, AnAcceptThatFindsNoDescriptorRestsAndTriesAgain) {
    start({{"path", place.path()}, {"server", "on"}, {"wait", "off"}});
    const int peer = client();
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{3, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    bench.run_ready();  // would not return
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(front.events.empty());
    ASSERT_TRUE(saw({kOpened}));
    write("late");
    EXPECT_EQ(receive(peer, 4), "late");
}

TEST_F(Socket, APortThatNoneCanBeIsRefused) {
    for (const char* port : {"65536", "70000", "99999999999999999999"}) {
        const std::string client = refusal("chardev-socket", {{"host", "127.0.0.1"}, {"port", port}});
        EXPECT_NE(client.find("is not from 0 to 65535"), std::string::npos) << client;
        const std::string server = refusal(
            "chardev-socket", {{"host", "127.0.0.1"}, {"port", port}, {"server", "on"}, {"wait", "off"}});
        EXPECT_NE(server.find("is not from 0 to 65535"), std::string::npos) << server;
    }
    EXPECT_NE(
        refusal("chardev-socket", {{"host", "127.0.0.1"}, {"port", "1"}, {"to", "70000"}, {"server", "on"}}),
        "");
}

TEST_F(Socket, AServerTakesTheFirstFreePortOfARange) {
    const int taken = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof local;
    ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&local), size), 0);
    ASSERT_EQ(listen(taken, 1), 0);
    getsockname(taken, reinterpret_cast<sockaddr*>(&local), &size);
    const unsigned port = ntohs(local.sin_port);
    const std::string last = std::to_string(std::min(port + 50, 65535u));
    Object& object = add("chardev-socket", "range",
                         {{"host", "127.0.0.1"},
                          {"port", std::to_string(port)},
                          {"to", last},
                          {"server", "on"},
                          {"wait", "off"}});
    const std::string shown = bench.property(object, "filename");
    EXPECT_TRUE(shown.starts_with("disconnected:tcp:127.0.0.1:")) << shown;
    EXPECT_EQ(shown.find(std::to_string(port) + ","), std::string::npos) << shown;
}

TEST_F(Socket, AnAbstractNameLeavesNoFile) {
    const std::string name = "backplane-test-" + std::to_string(getpid());
    add("chardev-socket", "server", {{"path", name}, {"abstract", "on"}, {"server", "on"}, {"wait", "off"}});
    EXPECT_NE(access(name.c_str(), F_OK), 0);
    CharBackend& other = make<CharBackend>("chardev-socket", "client", {{"path", name}, {"abstract", "on"}});
    EXPECT_EQ(locked([&] { return other.write(bytes_of("x")); }), 1u);
}

TEST_F(Socket, TelnetCommandsAreTakenOut) {
    start({{"path", place.path()}, {"server", "on"}, {"wait", "off"}, {"telnet", "on"}});
    const int peer = client();
    ASSERT_TRUE(saw({kOpened}));
    EXPECT_EQ(receive(peer, 12).substr(0, 3), "\xff\xfb\x01") << "IAC WILL ECHO";
    const std::string sent("a\xff\xfd\x01"
                           "b\xff\xff"
                           "c\xff\xfa\x18\x00\xff\xf0"
                           "d\r\0e\xff\xf3",
                           20);
    ASSERT_EQ(send(peer, sent.data(), sent.size(), 0), ssize_t(sent.size()));
    EXPECT_TRUE(run_until([&] {
        return front.text == "ab\xff"
                             "cd\re";
    })) << front.text;
    EXPECT_TRUE(saw({kOpened, CharEvent::Break}));
    write("x\xffy");
    EXPECT_EQ(receive(peer, 4), "x\xff\xffy");
}

TEST_F(Socket, WhatMakesNoSenseIsRefused) {
    EXPECT_NE(refusal("chardev-socket"), "");
    EXPECT_NE(refusal("chardev-socket", {{"path", place.path()}, {"port", "1"}}), "");
    EXPECT_NE(refusal("chardev-socket", {{"path", std::string(200, 'x')}}).find("longer"), std::string::npos);
    EXPECT_NE(refusal("chardev-socket", {{"path", place.path()}, {"server", "on"}, {"reconnect", "1"}}), "");
    EXPECT_NE(refusal("chardev-socket", {{"path", place.path()}, {"wait", "on"}}).find("wait=on"),
              std::string::npos);
    for (const auto& [name, value] : testing::Properties{{"websocket", "on"}, {"tls-creds", "tls0"}})
        EXPECT_NE(refusal("chardev-socket", {{"path", place.path()}, {name, value}})
                      .find("'chardev-socket." + name + "'"),
                  std::string::npos);
}

}  // namespace
}  // namespace backplane::test
