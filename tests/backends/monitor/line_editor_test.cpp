#include "plugins/backends/monitor/line_editor.h"

#include <gtest/gtest.h>

namespace backplane::monitor {
namespace {

class Editor : public testing::Test {
  protected:
    std::string screen;
    std::vector<std::string> lines;
    std::vector<std::string> words;
    std::string completed;
    LineEditor editor{"> ", [this](std::string_view text) { screen += text; },
                      [this](const std::string& line) {
                          lines.push_back(line);
                          return true;
                      },
                      [this](const std::string& before) {
                          completed = before;
                          return words;
                      }};
    /// The line that keys make.
    std::string line_after(std::string_view keys) {
        editor.reset();
        editor.feed(keys);
        return editor.line();
    }
};

TEST_F(Editor, EchoesWhatIsTyped) {
    editor.show_prompt();
    editor.feed("info");
    EXPECT_EQ(screen, "> info");
}

TEST_F(Editor, HandsOverALineAndPromptsAgain) {
    editor.feed("info status\r");
    EXPECT_EQ(lines, (std::vector<std::string>{"info status"}));
    EXPECT_TRUE(screen.ends_with("\r\n> "));
}

TEST_F(Editor, TakesEitherEndOfLineOnce) {
    editor.feed("a\r\nb\nc\r");
    EXPECT_EQ(lines, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Editor, AnEmptyLineIsNoCommand) {
    editor.feed("\r  \r");
    EXPECT_TRUE(lines.empty());
}

TEST_F(Editor, EditsInsideOfTheLine) {
    EXPECT_EQ(line_after("ac\x1b[Db"), "abc");
    EXPECT_EQ(line_after("abc\x7f"), "ab");
    EXPECT_EQ(line_after("abc\x01\x1b[3~"), "bc");
    EXPECT_EQ(line_after("abc\x01x\x05y"), "xabcy");
    EXPECT_EQ(line_after("abc\x02\x0b"), "ab");
    EXPECT_EQ(line_after("abc\x02\x15"), "c");
    EXPECT_EQ(line_after("one two \x17"), "one ");
    EXPECT_EQ(line_after("one two\x1b"
                         "bX"),
              "one Xtwo");
    EXPECT_EQ(line_after("bc\x1b[Ha\x1b[Fd"), "abcd");
    EXPECT_EQ(line_after("abc\x03"), "");
}

TEST_F(Editor, ACharacterOfSeveralBytesIsOne) {
    EXPECT_EQ(line_after("a\xc3\xa9\x7f"), "a");
    screen.clear();
    line_after("\xc3\xa9\x1b[D");
    EXPECT_TRUE(screen.ends_with("\x1b[1D"));
}

TEST_F(Editor, WalksThroughHistoryAndBack) {
    editor.feed("one\rtwo\rtwo\rthr");
    editor.feed("\x1b[A");
    EXPECT_EQ(editor.line(), "two");
    editor.feed("\x10");
    EXPECT_EQ(editor.line(), "one");
    editor.feed("\x1b[A");
    EXPECT_EQ(editor.line(), "one");
    editor.feed("\x1b[B\x0e");
    EXPECT_EQ(editor.line(), "thr");
}

TEST_F(Editor, CompletesTheOnlyWord) {
    words = {"status"};
    editor.feed("info st\t");
    EXPECT_EQ(completed, "info st");
    EXPECT_EQ(editor.line(), "info status ");
}

TEST_F(Editor, CompletesWhatWordsShareAndThenListsThem) {
    words = {"system_reset", "system_powerdown"};
    editor.feed("sy\t");
    EXPECT_EQ(editor.line(), "system_");
    screen.clear();
    editor.feed("\t");
    EXPECT_NE(screen.find("system_reset  system_powerdown"), std::string::npos);
    EXPECT_EQ(editor.line(), "system_");
}

TEST_F(Editor, ALineHasALimit) {
    EXPECT_EQ(line_after(std::string(2 * LineEditor::kMaximumLine, 'x')).size(), LineEditor::kMaximumLine);
}

TEST_F(Editor, KeysThatItDoesNotKnowDoNothing) {
    EXPECT_EQ(line_after("a\x1b[99;99Zb\x1bOP\x1bq\x0f"
                         "c"),
              "abc");
}

}  // namespace
}  // namespace backplane::monitor
