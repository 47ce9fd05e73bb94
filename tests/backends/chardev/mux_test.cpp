// The multiplexer: who hears what is typed, and the keys that begin with Ctrl-a.
#include "tests/backends/fixture.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace backplane::test {
namespace {

/// The multiplexer stands on a named pipe, whose other end is the terminal.
struct Mux : BackendBench, ::testing::Test {
    Mux() {
        mkfifo(in().c_str(), 0600);
        mkfifo(out().c_str(), 0600);
        keyboard = open(in().c_str(), O_RDWR | O_CLOEXEC);
        screen = open(out().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        add("chardev-pipe", "base", {{"path", stem}});
        mux = &make<CharBackend>("chardev-mux", "mux", {{"chardev", "base"}});
    }
    ~Mux() override {
        locked([&] {
            mux->disconnect(console);
            mux->disconnect(monitor);
        });
        ::close(keyboard);
        ::close(screen);
        unlink(in().c_str());
        unlink(out().c_str());
    }
    void connect_both() {
        locked([&] {
            EXPECT_TRUE(mux->connect(&console));
            EXPECT_TRUE(mux->connect(&monitor));
        });
    }
    void type(const std::string& keys) {
        ASSERT_EQ(::write(keyboard, keys.data(), keys.size()), ssize_t(keys.size()));
        bench.run_ready();
    }
    std::string shown() {
        char buffer[4096];
        const ssize_t count = ::read(screen, buffer, sizeof buffer);
        return count > 0 ? std::string(buffer, std::size_t(count)) : "";
    }
    void write(const std::string& text) {
        EXPECT_EQ(locked([&] { return mux->write(bytes_of(text)); }), text.size());
    }

    TemporaryFile place;
    std::string stem = place.path();
    std::string in() const { return stem + ".in"; }
    std::string out() const { return stem + ".out"; }
    int keyboard = -1;
    int screen = -1;
    CharBackend* mux = nullptr;
    RecordingFront console, monitor;
};

TEST_F(Mux, WhatIsTypedGoesToTheFirstFront) {
    connect_both();
    type("hello");
    EXPECT_EQ(console.text, "hello");
    EXPECT_EQ(monitor.text, "");
}

TEST_F(Mux, CtrlACGoesToTheOtherAndBack) {
    connect_both();
    type("a\1cb\1cc");
    EXPECT_EQ(console.text, "ac");
    EXPECT_EQ(monitor.text, "b");
}

TEST_F(Mux, AFrontHearsOpenedWhenItFirstGetsTheKeyboard) {
    connect_both();
    EXPECT_EQ(console.events, std::vector{CharEvent::Opened});
    EXPECT_TRUE(monitor.events.empty());
    type("\1c\1c\1c");
    EXPECT_EQ(console.events.size(), 1u);
    EXPECT_EQ(monitor.events, std::vector{CharEvent::Opened});
}

TEST_F(Mux, WhatBothWriteIsShown) {
    connect_both();
    write("one ");
    write("two");
    EXPECT_EQ(shown(), "one two");
}

TEST_F(Mux, CtrlACtrlASendsIt) {
    connect_both();
    type("x\1\1y");
    EXPECT_EQ(console.text, "x\1y");
}

TEST_F(Mux, CtrlAIsRememberedBetweenTwoReads) {
    connect_both();
    type("\1");
    type("c");
    type("m");
    EXPECT_EQ(monitor.text, "m");
}

TEST_F(Mux, CtrlABSendsABreak) {
    connect_both();
    type("\1b");
    EXPECT_EQ(console.events.back(), CharEvent::Break);
}

TEST_F(Mux, CtrlAHListsTheKeys) {
    connect_both();
    type("\1h");
    const std::string text = shown();
    for (const char* line : {"Ctrl-a h", "Ctrl-a x", "Ctrl-a c", "Ctrl-a b", "Ctrl-a Ctrl-a"})
        EXPECT_NE(text.find(line), std::string::npos) << line;
}

TEST_F(Mux, CtrlAXAsksTheMachineToEnd) {
    connect_both();
    type("\1x");
    EXPECT_NE(shown().find("Quit"), std::string::npos);
    bench.run_ready();
    ASSERT_EQ(bench.requests().size(), 1u);
}

TEST_F(Mux, CtrlATPutsATimeBeforeEachLine) {
    connect_both();
    write("before\n");
    type("\1t");
    write("rest\nline\n");
    const std::string text = shown();
    EXPECT_EQ(text.find("before\nrest\n["), 0u) << text;
    EXPECT_NE(text.find("] line\n"), std::string::npos);
}

TEST_F(Mux, AnUnknownKeyDoesNothing) {
    connect_both();
    type("\1zok");
    EXPECT_EQ(console.text, "ok");
}

TEST_F(Mux, WhatAFrontHasNoRoomForWaitsAndCommandsAreStillHeard) {
    console.room = 2;
    connect_both();
    type("abcd\1cm");
    EXPECT_EQ(console.text, "ab");
    EXPECT_EQ(monitor.text, "m");
    console.room = 10;
    locked([&] { mux->accept_input(); });
    EXPECT_EQ(console.text, "abcd");
}

TEST_F(Mux, AFrontThatLeftIsNotCalled) {
    connect_both();
    locked([&] { mux->disconnect(console); });
    type("to the monitor");
    EXPECT_EQ(console.text, "");
    EXPECT_EQ(monitor.text, "to the monitor");
}

TEST_F(Mux, KeysWaitUntilSomebodyListens) {
    type("early");
    connect_both();
    bench.run_ready();
    EXPECT_EQ(console.text, "early");
}

TEST_F(Mux, TheDeviceBelowHasOneUserOnly) { EXPECT_NE(refusal("chardev-mux", {{"chardev", "base"}}), ""); }

TEST_F(Mux, AChainOfMultiplexersWorksAndACircleCannotBe) {
    CharBackend& upper = make<CharBackend>("chardev-mux", "upper", {{"chardev", "mux"}, {"escape", "2"}});
    locked([&] { EXPECT_TRUE(upper.connect(&console)); });
    type("through");
    EXPECT_EQ(console.text, "through");
    EXPECT_EQ(locked([&] { return upper.write(bytes_of("out")); }), 3u);
    EXPECT_EQ(shown(), "out");
    locked([&] { upper.disconnect(console); });
    EXPECT_NE(refusal("chardev-mux", {{"chardev", "refused"}}).find("only being made"), std::string::npos);
}

}  // namespace
}  // namespace backplane::test
