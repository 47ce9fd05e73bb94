// Character devices on descriptors: files, pipes, pseudo-terminals, the process's own terminal.
#include "tests/backends/fixture.h"

#include <backplane/draft/char_ring.h>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

namespace backplane::test {
namespace {

struct Stream : BackendBench, ::testing::Test {};

std::size_t write(BackendBench& bench, CharBackend& back, std::string_view text) {
    return bench.locked([&] { return back.write(bytes_of(text)); });
}

TEST_F(Stream, NullTakesAllAndSaysNothing) {
    CharBackend& null = make<CharBackend>("chardev-null", "null");
    EXPECT_EQ(write(*this, null, "anything"), 8u);
}

TEST_F(Stream, AFileGetsWhatIsWritten) {
    TemporaryFile file("old");
    CharBackend& back = make<CharBackend>("chardev-file", "log", {{"path", file.path()}});
    EXPECT_EQ(write(*this, back, "one"), 3u);
    EXPECT_EQ(file.contents(), "one");
}

TEST_F(Stream, AFileKeepsWhatItHasOnRequest) {
    TemporaryFile file("old ");
    CharBackend& back = make<CharBackend>("chardev-file", "log", {{"path", file.path()}, {"append", "on"}});
    write(*this, back, "new");
    EXPECT_EQ(file.contents(), "old new");
}

TEST_F(Stream, AFileThatCannotBeWrittenIsNamed) {
    const std::string text = refusal("chardev-file", {{"path", "/nowhere/at/all"}});
    EXPECT_NE(text.find("/nowhere/at/all"), std::string::npos);
    EXPECT_NE(text.find("No such file"), std::string::npos);
    EXPECT_NE(refusal("chardev-file"), "") << "it needs a path";
}

TEST_F(Stream, WhatGoesOutMayBeLogged) {
    for (const char* type : {"chardev-null", "chardev-ringbuf", "chardev-vc"}) {
        TemporaryFile log("old ");
        Object& object = add(type, type, {{"logfile", log.path()}, {"logappend", "on"}});
        write(*this, *query<CharBackend>(object), "new");
        EXPECT_EQ(log.contents(), "old new") << type;
        bench.remove(object);
    }
    TemporaryFile log("old");
    add("chardev-null", "below");
    CharBackend& mux =
        make<CharBackend>("chardev-mux", "mux", {{"chardev", "below"}, {"logfile", log.path()}});
    write(*this, mux, "new");
    EXPECT_EQ(log.contents(), "new");
    EXPECT_NE(refusal("chardev-null", {{"logfile", "/nowhere/log"}}).find("/nowhere/log"), std::string::npos);
}

TEST_F(Stream, AFileMayBeReadAsInput) {
    TemporaryFile output, input("typed");
    CharBackend& back =
        make<CharBackend>("chardev-file", "log", {{"path", output.path()}, {"input-path", input.path()}});
    RecordingFront front;
    locked([&] { back.connect(&front); });
    EXPECT_TRUE(run_until([&] { return front.text == "typed"; }));
    locked([&] { back.disconnect(front); });
}

struct Pipe : Stream {
    Pipe() {
        unlink(place.path().c_str());
        mkfifo(place.path().c_str(), 0600);
        other = open(place.path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    ~Pipe() override { ::close(other); }
    TemporaryFile place;
    int other = -1;
};

TEST_F(Pipe, WhatDoesNotFitIsLeftAndTheFrontHearsWhenThereIsRoom) {
    CharBackend& back = make<CharBackend>("chardev-pipe", "pipe", {{"path", place.path()}});
    RecordingFront front;
    front.room = 0;
    locked([&] { back.connect(&front); });
    const std::string much(1 << 20, 'x');
    const std::size_t taken = write(*this, back, much);
    EXPECT_GT(taken, 0u);
    EXPECT_LT(taken, much.size());
    EXPECT_EQ(write(*this, back, "y"), 0u);
    bench.run_ready();
    EXPECT_EQ(front.send_calls, 0);
    std::string drained(much.size(), 0);
    ASSERT_GT(::read(other, drained.data(), drained.size()), 0);
    EXPECT_TRUE(run_until([&] { return front.send_calls > 0; }));
    locked([&] { back.disconnect(front); });
}

TEST_F(Pipe, InputWaitsForRoom) {
    CharBackend& back = make<CharBackend>("chardev-pipe", "pipe", {{"path", place.path()}});
    RecordingFront front;
    front.room = 3;
    locked([&] { back.connect(&front); });
    ASSERT_EQ(::write(other, "abcdef", 6), 6);
    bench.run_ready();
    EXPECT_EQ(front.text, "abc");
    front.room = 10;
    locked([&] { back.accept_input(); });
    bench.run_ready();
    EXPECT_EQ(front.text, "abcdef");
    locked([&] { back.disconnect(front); });
}

TEST_F(Pipe, AFileThatIsAPipeWaitsForNobody) {
    ::close(std::exchange(other, -1));
    Object& object = add("chardev-file", "log", {{"path", place.path()}, {"input-path", place.path()}});
    EXPECT_EQ(write(*this, *query<CharBackend>(object), "kept"), 4u);
    other = open(place.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char buffer[8];
    EXPECT_EQ(::read(other, buffer, sizeof buffer), 4);
}

TEST_F(Pipe, HasOneFrontAtATime) {
    CharBackend& back = make<CharBackend>("chardev-pipe", "pipe", {{"path", place.path()}});
    RecordingFront first, second;
    locked([&] {
        EXPECT_TRUE(back.connect(&first));
        EXPECT_FALSE(back.connect(&second));
        back.disconnect(second);
        EXPECT_FALSE(back.connect(&second)) << "the first still has it";
        back.disconnect(first);
        EXPECT_TRUE(back.connect(&second));
        back.disconnect(second);
    });
}

TEST_F(Stream, APseudoTerminalHearsWhoOpensIt) {
    Object& object = add("chardev-pty", "pty");
    CharBackend& back = *query<CharBackend>(object);
    RecordingFront front;
    locked([&] { back.connect(&front); });
    EXPECT_TRUE(front.events.empty());
    EXPECT_EQ(write(*this, back, "nobody listens"), 14u);
    const std::string path = bench.property(object, "path");
    const int terminal = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(terminal, 0) << path;
    ASSERT_TRUE(run_until([&] { return !front.events.empty(); }));
    EXPECT_EQ(front.events[0], CharEvent::Opened);
    ASSERT_EQ(::write(terminal, "key", 3), 3);
    EXPECT_TRUE(run_until([&] { return front.text == "key"; }));
    write(*this, back, "a\nb");
    char buffer[16];
    EXPECT_EQ(::read(terminal, buffer, sizeof buffer), 3) << "raw: a line feed stays one byte";
    ::close(terminal);
    ASSERT_TRUE(run_until([&] { return front.events.size() == 2; }));
    EXPECT_EQ(front.events[1], CharEvent::Closed);
    locked([&] { back.disconnect(front); });
}

TEST_F(Stream, APseudoTerminalLosesNothingOnceItIsOpen) {
    Object& object = add("chardev-pty", "pty");
    CharBackend& back = *query<CharBackend>(object);
    RecordingFront front;
    locked([&] { back.connect(&front); });
    for (int round = 0; round < 2; ++round) {
        write(*this, back, "nobody listens");
        const int terminal = open(bench.property(object, "path").c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
        write(*this, back, "heard");  // the loop has not run
        char buffer[32];
        EXPECT_EQ(::read(terminal, buffer, sizeof buffer), 5);
        ASSERT_TRUE(run_until([&] { return front.events.size() % 2 == 1; }));
        ::close(terminal);
        ASSERT_TRUE(run_until([&] { return front.events.size() % 2 == 0; }));
    }
    locked([&] { back.disconnect(front); });
}

TEST_F(Stream, APseudoTerminalThatIsLeftUnreadIsNoticed) {
    Object& object = add("chardev-pty", "pty");
    CharBackend& back = *query<CharBackend>(object);
    RecordingFront front;
    front.room = 0;
    locked([&] { back.connect(&front); });
    const int terminal = open(bench.property(object, "path").c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_TRUE(run_until([&] { return front.events.size() == 1; }));
    ASSERT_EQ(::write(terminal, "unread", 6), 6);
    bench.run_ready();
    ::close(terminal);
    EXPECT_TRUE(run_until([&] { return front.events.size() == 2; }));
    locked([&] { back.disconnect(front); });
}

TEST_F(Stream, AHubJoinsSeveral) {
    TemporaryFile log;
    Object& ring = add("chardev-ringbuf", "ring");
    add("chardev-file", "file", {{"path", log.path()}});
    Object& hub = add("chardev-hub", "hub", {{"chardevs.0", "ring"}, {"chardevs.1", "file"}});
    write(*this, *query<CharBackend>(hub), "to both");
    EXPECT_EQ(log.contents(), "to both");
    std::uint8_t buffer[16];
    EXPECT_EQ(query<CharRing>(ring)->ring_read(buffer), 7u);
    EXPECT_NE(refusal("chardev-hub", {{"chardevs.0", "ring"}}).find("chardevs.0"), std::string::npos);
    EXPECT_NE(refusal("chardev-hub").find("chardevs.0="), std::string::npos);
}

TEST_F(Stream, ARingKeepsTheLastBytes) {
    Object& object = add("chardev-ringbuf", "ring", {{"size", "8"}});
    write(*this, *query<CharBackend>(object), "0123456789");
    std::uint8_t buffer[16];
    CharRing& ring = *query<CharRing>(object);
    EXPECT_EQ(ring.ring_read(buffer), 8u);
    EXPECT_EQ(std::string(buffer, buffer + 8), "23456789");
    EXPECT_EQ(ring.ring_read(buffer), 0u);
    EXPECT_NE(refusal("chardev-ringbuf", {{"size", "100"}}).find("power of two"), std::string::npos);
}

/// Descriptors 0 and 1 are a pseudo-terminal of ours while the test runs.
struct Stdio : Stream {
    Stdio() {
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        grantpt(master);
        unlockpt(master);
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        fflush(stdout);
        for (const int fd : {0, 1}) {
            saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
            dup2(slave, fd);
        }
    }
    ~Stdio() override {
        fflush(stdout);
        for (const int fd : {0, 1}) {
            dup2(saved[fd], fd);
            ::close(saved[fd]);
        }
        ::close(slave);
        ::close(master);
    }
    tcflag_t local_modes() const {
        termios modes{};
        tcgetattr(slave, &modes);
        return modes.c_lflag;
    }
    int master = -1;
    int slave = -1;
    int saved[2] = {-1, -1};
};

TEST_F(Stdio, TheTerminalIsRawAndCooksAgain) {
    const tcflag_t before = local_modes();
    ASSERT_NE(before & ICANON, 0u);
    Object& object = add("chardev-stdio", "stdio", {{"signal", "off"}});
    EXPECT_EQ(local_modes() & (ICANON | ECHO | ISIG), 0u);
    bench.remove(object);
    EXPECT_EQ(local_modes(), before);
}

TEST_F(Stdio, SignalsReachTheProcessUnlessTheyAreOff) {
    add("chardev-stdio", "stdio");
    EXPECT_NE(local_modes() & ISIG, 0u);
}

TEST_F(Stdio, BytesGoBothWays) {
    CharBackend& back = make<CharBackend>("chardev-stdio", "stdio");
    RecordingFront front;
    locked([&] { back.connect(&front); });
    ASSERT_EQ(::write(master, "k", 1), 1);
    EXPECT_TRUE(run_until([&] { return front.text == "k"; }));
    write(*this, back, "out");
    char buffer[8];
    EXPECT_EQ(::read(master, buffer, sizeof buffer), 3);
    locked([&] { back.disconnect(front); });
}

TEST_F(Stdio, OurDescriptorsStayBlocking) {
    add("chardev-stdio", "stdio");
    EXPECT_EQ(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(1, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(Stdio, IsThereOnce) {
    add("chardev-stdio", "stdio");
    EXPECT_NE(refusal("chardev-stdio").find("mux=on"), std::string::npos);
}

TEST_F(Stdio, TheTerminalCooksAgainWhateverEndsTheProcess) {
    const tcflag_t before = local_modes();
    for (const int signal : {SIGTERM, SIGABRT, SIGSEGV, 0}) {
        const pid_t child = fork();
        if (child == 0) {
            const rlimit no_core{0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            for (const int fatal : {SIGTERM, SIGABRT, SIGSEGV}) std::signal(fatal, SIG_DFL);
            BackendBench own;
            own.add("chardev-stdio", "stdio", {{"signal", "off"}});
            if (local_modes() & ICANON) _exit(99);
            if (signal) raise(signal);
            std::exit(0);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        if (signal) EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << signal << " " << status;
        else EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
        EXPECT_EQ(local_modes(), before) << "after signal " << signal;
    }
}

TEST_F(Stdio, AClosedInputIsFine) {
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, 0);
    ::close(nothing);
    CharBackend& back = make<CharBackend>("chardev-stdio", "stdio");
    RecordingFront front;
    locked([&] { back.connect(&front); });
    bench.run_ready();
    EXPECT_EQ(write(*this, back, "out"), 3u);
    EXPECT_EQ(front.events, std::vector{CharEvent::Opened});
    locked([&] { back.disconnect(front); });
}

}  // namespace
}  // namespace backplane::test
