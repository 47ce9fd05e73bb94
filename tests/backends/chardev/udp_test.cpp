// Character devices of datagrams. Only this host's loopback is used.
#include "tests/backends/fixture.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace backplane::test {
namespace {

struct Udp : BackendBench, ::testing::Test {
    Udp() {
        far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(far, reinterpret_cast<sockaddr*>(&address), size) == 0)
            getsockname(far, reinterpret_cast<sockaddr*>(&address), &size);
    }
    ~Udp() override { ::close(far); }
    std::string port() const { return std::to_string(ntohs(address.sin_port)); }

    int far = -1;
    sockaddr_in address{};
};

TEST_F(Udp, EachWriteIsADatagramAndWhatComesIsInput) {
    CharBackend& back = make<CharBackend>("chardev-udp", "udp", {{"host", "127.0.0.1"}, {"port", port()}});
    RecordingFront front;
    front.room = 3;
    locked([&] { back.connect(&front); });
    for (const char* text : {"one", "two"}) locked([&] { return back.write(bytes_of(text)); });
    char buffer[16];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    EXPECT_EQ(recvfrom(far, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size), 3);
    EXPECT_EQ(recv(far, buffer, sizeof buffer, 0), 3);
    ASSERT_EQ(sendto(far, "answer", 6, 0, reinterpret_cast<const sockaddr*>(&from), size), 6);
    EXPECT_TRUE(run_until([&] { return front.text == "ans"; }));
    front.room = 10;
    locked([&] { back.accept_input(); });
    EXPECT_TRUE(run_until([&] { return front.text == "answer"; }));
    locked([&] { back.disconnect(front); });
}

TEST_F(Udp, APortThatNoneCanBeIsRefused) {
    EXPECT_NE(refusal("chardev-udp", {{"host", "127.0.0.1"}, {"port", "70000"}}).find("70000"),
              std::string::npos);
    EXPECT_NE(refusal("chardev-udp", {{"host", "127.0.0.1"}}), "");
}

}  // namespace
}  // namespace backplane::test
