// A VNC server and who asks to be let in: passwords, until when they hold, and secrets.
#include "plugins/backends/vnc/des.h"
#include "tests/backends/fixture.h"

#include <backplane/management.h>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>

namespace backplane::test {
namespace {

struct Answer final : CommandReply {
    void succeed(Str json) override { text = json.view(); }
    void succeed_text(Str words) override { text = words.view(); }
    void fail(Str description) override { fail_as("GenericError", description); }
    void fail_as(Str, Str description) override {
        failed = true;
        text = description.view();
    }
    int take_descriptor(Str, Errors&) override { return -1; }
    bool failed = false;
    std::string text;
};

struct VncServer : BackendBench, ::testing::Test {
    void start(testing::Properties properties) {
        unlink(place.path().c_str());
        properties.emplace_back("address", "unix:" + place.path());
        commands = &make<CommandHandler>("vnc", "vnc", properties);
    }
    Answer tell(const char* command, const std::string& arguments) {
        Answer answer;
        locked([&] { commands->execute(command, arguments, answer); });
        return answer;
    }
    Answer expire(const std::string& time) {
        return tell("expire_password", R"({"protocol": "vnc", "time": ")" + time + "\"}");
    }
    int visit() {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        place.path().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }
    std::string hear(int fd, std::size_t count) {
        std::string heard;
        EXPECT_TRUE(run_until([&] {
            char bytes[256];
            const ssize_t got = recv(fd, bytes, std::min(sizeof bytes, count - heard.size()), 0);
            if (got > 0) heard.append(bytes, std::size_t(got));
            return heard.size() == count || got == 0;
        }));
        return heard;
    }
    void say(int fd, std::string_view words) {
        ASSERT_EQ(send(fd, words.data(), words.size(), 0), ssize_t(words.size()));
    }
    /// Does this password open the door?
    bool opens(std::string_view password) {
        const int fd = visit();
        hear(fd, 12);
        say(fd, "RFB 003.008\n");
        EXPECT_EQ(hear(fd, 2), "\1\2");
        say(fd, "\2");
        const std::string question = hear(fd, 16);
        vnc::Challenge challenge{};
        std::copy(question.begin(), question.end(), challenge.begin());
        const vnc::Challenge right = vnc::expected_answer(
            challenge, {reinterpret_cast<const std::uint8_t*>(password.data()), password.size()});
        say(fd, {reinterpret_cast<const char*>(right.data()), right.size()});
        const std::string result = hear(fd, 4);
        close(fd);
        EXPECT_EQ(result.size(), 4u);
        return result == std::string(4, '\0');
    }

    TemporaryFile place;
    CommandHandler* commands = nullptr;
};

TEST_F(VncServer, LetsInWhoKnowsThePassword) {
    start({{"password", "on"}});
    EXPECT_FALSE(opens("")) << "none was set";
    EXPECT_FALSE(tell("set_password", R"({"protocol": "vnc", "password": "sesame"})").failed);
    EXPECT_TRUE(opens("sesame"));
    EXPECT_FALSE(opens("Sesame"));
    EXPECT_FALSE(tell("change-vnc-password", R"({"password": "other"})").failed);
    EXPECT_FALSE(opens("sesame"));
    EXPECT_TRUE(opens("other"));
}

TEST_F(VncServer, KnowsUntilWhenThePasswordHolds) {
    start({{"password", "on"}});
    tell("set_password", R"({"protocol": "vnc", "password": "sesame"})");
    for (const auto& [time, holds] :
         {std::pair{"now", false}, {"never", true}, {"1", false}, {"+1000", true}}) {
        EXPECT_FALSE(expire(time).failed) << time;
        EXPECT_EQ(opens("sesame"), holds) << time;
    }
    for (const char* time : {"", "soon", "+", "-5", "1x", "99999999999999999999"})
        EXPECT_TRUE(expire(time).failed) << time;
}

TEST_F(VncServer, TakesThePasswordOfASecret) {
    add("secret", "s", {{"data", "sesame"}});
    start({{"password-secret", "s"}});
    EXPECT_TRUE(opens("sesame"));
    EXPECT_FALSE(opens(""));
}

TEST_F(VncServer, SetsNoPasswordWhereNobodyIsAsked) {
    start({});
    EXPECT_NE(tell("set_password", R"({"protocol": "vnc", "password": "x"})").text.find("password=on"),
              std::string::npos);
    EXPECT_TRUE(expire("now").failed);
    EXPECT_TRUE(tell("set_password", R"({"protocol": "spice", "password": "x"})").failed);
    EXPECT_NE(tell("change-vnc-password", R"({"password": "x", "display": "d"})").text.find("'d'"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::test
