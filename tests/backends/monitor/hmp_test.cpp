#include "plugins/backends/monitor/hmp.h"

#include "fixture.h"

namespace backplane::monitor {
namespace {

using Hmp = MonitorTest<HmpMonitor>;

TEST_F(Hmp, GreetsAndPrompts) {
    open();
    EXPECT_EQ(chardev.take(), "backplane monitor - type 'help' for more information\r\n(backplane) ");
}

TEST_F(Hmp, RunsALineAndEndsLinesAsTerminalsWantThem) {
    open();
    chardev.take();
    chardev.type("info status\r");
    EXPECT_EQ(chardev.take(), "info status\r\nran info status\r\n(backplane) ");
}

TEST_F(Hmp, ThePromptWaitsForALateAnswerAndSoDoesWhatIsTyped) {
    open();
    chardev.take();
    management.late = true;
    chardev.type("a\rb\r");
    EXPECT_EQ(chardev.take(), "a\r\n");
    EXPECT_EQ(chardev.front->can_receive(), 0u);
    management.answer();
    EXPECT_EQ(chardev.take(), "ran a\r\n(backplane) b\r\n");
    management.answer();
    EXPECT_EQ(chardev.take(), "ran b\r\n(backplane) ");
}

TEST_F(Hmp, ANewConnectionBeginsWithAnEmptyLine) {
    open();
    chardev.type("half");
    chardev.front->char_event(CharEvent::Opened);
    chardev.take();
    chardev.type("x\r");
    EXPECT_EQ(chardev.take(), "x\r\nran x\r\n(backplane) ");
}

TEST_F(Hmp, WaitsForATerminalThatIsSlow) {
    open();
    chardev.take();
    chardev.room = 5;
    chardev.type("abc\r");
    chardev.room = ~std::size_t{0};
    chardev.front->can_send();
    EXPECT_EQ(chardev.take(), "abc\r\nran abc\r\n(backplane) ");
}

}  // namespace
}  // namespace backplane::monitor
