#include "plugins/backends/monitor/strict_json.h"

#include <gtest/gtest.h>

namespace backplane::monitor {
namespace {

TEST(StrictJson, ReadsWhatStandsThere) {
    const StrictJson json = parse_strictly(R"({"a": [1, {"b": 2}, {"b": 3}], "c": {"a": null}})");
    EXPECT_EQ(json.problem, "");
    EXPECT_EQ(json.value["a"][2]["b"], 3);
}

TEST(StrictJson, AMemberStandsOnce) {
    EXPECT_EQ(parse_strictly(R"({"a": 1, "a": 2})").problem, "JSON parse error, duplicate key 'a'");
    EXPECT_NE(parse_strictly(R"({"x": {"a": 1, "b": 0, "a": 2}})").problem, "");
    EXPECT_NE(parse_strictly(R"([{"a": 1, "\u0061": 2}])").problem, "") << "the same, spelled otherwise";
}

TEST(StrictJson, ANumberThatIsNoneIsNamed) {
    EXPECT_EQ(parse_strictly(R"({"execute": "x", "arguments": {"size": 1e400}})").problem,
              "Parameter 'size' is a number that is too large");
}

TEST(StrictJson, AnythingElseIsASyntaxError) {
    for (const char* bad : {"{", "{\"a\" 1}", "{\"a\": 1,}", "nonsense", "{\"a\": 01}", "\"\xff\""})
        EXPECT_EQ(parse_strictly(bad).problem, "JSON parse error, invalid syntax") << bad;
}

}  // namespace
}  // namespace backplane::monitor
