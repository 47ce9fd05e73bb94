#include "plugins/backends/monitor/json_framer.h"

#include <gtest/gtest.h>

namespace backplane::monitor {
namespace {

std::vector<std::string> texts(const std::vector<JsonPiece>& pieces) {
    std::vector<std::string> out;
    for (const JsonPiece& piece : pieces) out.push_back(piece.error.empty() ? piece.text : "!" + piece.error);
    return out;
}

TEST(JsonFramer, AValueEndsWithItsOuterBracket) {
    JsonFramer framer;
    EXPECT_TRUE(framer.feed("{\"a\": [1, {\"b").empty());
    EXPECT_EQ(texts(framer.feed("\": 2}]}")), (std::vector<std::string>{"{\"a\": [1, {\"b\": 2}]}"}));
}

TEST(JsonFramer, SeveralValuesMayComeAtOnce) {
    JsonFramer framer;
    EXPECT_EQ(texts(framer.feed("{}{} \r\n[]")), (std::vector<std::string>{"{}", "{}", "[]"}));
}

TEST(JsonFramer, BracketsAndQuotesInsideOfStringsAreText) {
    JsonFramer framer;
    const std::string value = R"({"a": "}]\"{\\"})";
    EXPECT_EQ(texts(framer.feed(value)), (std::vector<std::string>{value}));
}

TEST(JsonFramer, SingleQuotesBecomeDoubleOnes) {
    JsonFramer framer;
    EXPECT_EQ(texts(framer.feed(R"({'a': 'say "}" or \'[\''})")),
              (std::vector<std::string>{R"({"a": "say \"}\" or '['"})"}));
    EXPECT_EQ(texts(framer.feed(R"({"it's": "\'\n\\"})")),
              (std::vector<std::string>{R"({"it's": "'\n\\"})"}));
}

TEST(JsonFramer, WhatBeginsNoValueSpoilsItsLineOnly) {
    JsonFramer framer;
    EXPECT_EQ(texts(framer.feed("hello {}\n{}")),
              (std::vector<std::string>{"!JSON parse error, expecting value", "{}"}));
}

TEST(JsonFramer, BracketsMustMatch) {
    JsonFramer framer;
    EXPECT_EQ(texts(framer.feed("{]\n{}")),
              (std::vector<std::string>{"!JSON parse error, brackets do not match", "{}"}));
}

TEST(JsonFramer, NestingHasALimit) {
    JsonFramer framer;
    EXPECT_EQ(texts(framer.feed(std::string(JsonFramer::kMaximumDepth + 1, '[') + "\n[]")),
              (std::vector<std::string>{"!JSON nesting depth limit exceeded", "[]"}));
    EXPECT_EQ(framer.feed(std::string(JsonFramer::kMaximumDepth, '[')).size(), 0u);
}

TEST(JsonFramer, SizeHasALimit) {
    JsonFramer framer;
    framer.feed("{\"a\": \"");
    EXPECT_EQ(texts(framer.feed(std::string(JsonFramer::kMaximumSize, 'x'))),
              (std::vector<std::string>{"!JSON token size limit exceeded"}));
}

TEST(JsonFramer, TheByteThatNoTextHasStartsAfresh) {
    JsonFramer framer;
    framer.feed("{\"half");
    EXPECT_EQ(texts(framer.feed("\xff{}")), (std::vector<std::string>{"{}"}));
}

}  // namespace
}  // namespace backplane::monitor
