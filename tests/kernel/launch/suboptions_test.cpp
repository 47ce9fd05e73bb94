#include "kernel/vocabulary/suboptions.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace backplane::kernel {
namespace {

template <class Action>
std::string error_from(Action action) {
    try {
        action();
        return {};
    } catch (const UserError& error) {
        return error.what();
    }
}

TEST(SubOptions, KeepTheOrderAndRepetitionsOfProperties) {
    const PropertyList expected{{"type", "user"}, {"b", "1"}, {"a", "2"}, {"b", "3"}};
    EXPECT_EQ(SubOptions::parse("user,b=1,a=2,b=3", "type").rest(), expected);
}

TEST(SubOptions, ADoubledCommaIsACommaInAValue) {
    EXPECT_EQ(SubOptions::parse("file=a,,b,,c,id=d", "").take("file"), "a,b,c");
    EXPECT_EQ(SubOptions::parse("file=a,,", "").take("file"), "a,");
}

TEST(SubOptions, AValueMayHoldEqualsSigns) {
    EXPECT_EQ(SubOptions::parse("append=root=/dev/vda", "").take("append"), "root=/dev/vda");
}

TEST(SubOptions, AWordAloneIsAFlag) {
    SubOptions options = SubOptions::parse("/tmp/s,server,nowait", "path");
    EXPECT_EQ(options.take("path"), "/tmp/s");
    EXPECT_EQ(options.take_flag("server"), true);
    EXPECT_EQ(options.take_flag("wait"), false);
}

TEST(SubOptions, TheLastOfRepeatedValuesHolds) { EXPECT_EQ(SubOptions::parse("a=1,a=2", "").take("a"), "2"); }

TEST(SubOptions, HelpIsAskedForAnywhere) {
    EXPECT_TRUE(SubOptions::parse("help", "type").help());
    EXPECT_TRUE(SubOptions::parse("disk,?", "type").help());
    EXPECT_FALSE(SubOptions::parse("id=help", "type").help());
}

TEST(SubOptions, EmptyParametersAndNamesAreRefused) {
    EXPECT_NE(error_from([] { SubOptions::parse(",a=b", "type"); }), "");
    EXPECT_EQ(error_from([] { SubOptions::parse("=b", "type"); }), "parameter '=b' has no name before '='");
}

TEST(SubOptions, WhatIsLeftIsAnErrorThatSuggestsTheNearest) {
    SubOptions options = SubOptions::parse("4,sokets=2", "cpus");
    options.take("cpus");
    options.take("sockets");
    EXPECT_EQ(error_from([&] { options.expect_empty(); }),
              "unknown parameter 'sokets'; did you mean 'sockets'?");
}

TEST(SubOptions, SizesTakeSuffixesAndAUnit) {
    EXPECT_EQ(size_value("size", "512", 1u << 20), 512u << 20);
    EXPECT_EQ(size_value("size", "2G", 1u << 20), std::uint64_t{2} << 30);
    EXPECT_EQ(size_value("size", "64k"), 64u << 10);
    for (const char* bad : {"abc", "", "-1", "1X", "99999999999999999999", "16E"})
        EXPECT_NE(error_from([&] { size_value("size", bad); }), "") << bad;
}

TEST(SubOptions, NumbersStayInTheirRange) {
    EXPECT_EQ(number_value("n", "0x10", 16), 16u);
    for (const char* bad : {"17", "", "0x", "1 ", "-1", "1.5"})
        EXPECT_NE(error_from([&] { number_value("n", bad, 16); }), "") << bad;
}

TEST(SubOptions, AnIdIsAnIdentifier) {
    EXPECT_EQ(SubOptions::parse("id=net-0.a_b", "").take_id(), "net-0.a_b");
    for (const char* bad : {"id=0a", "id=", "id=a b", "id=a/b"})
        EXPECT_NE(error_from([&] { SubOptions::parse(bad, "").take_id(); }), "") << bad;
}

TEST(SubOptionsJson, NestedMembersBecomeDottedNames) {
    const PropertyList expected{
        {"driver", "raw"}, {"file.driver", "file"}, {"file.filename", "a,b"}, {"read-only", "on"}};
    PropertyList found =
        SubOptions::parse_either(
            R"({"driver":"raw","file":{"driver":"file","filename":"a,b"},"read-only":true})", "x")
            .rest();
    std::ranges::sort(found);
    EXPECT_EQ(found, expected);
}

TEST(SubOptionsJson, WhatIsNoObjectOfScalarsIsRefused) {
    for (const char* bad : {"{", "{\"a\":}", "{\"a\":1.5}", "{\"a\":null}", "{} x"})
        EXPECT_NE(error_from([&] { SubOptions::parse_json(bad); }), "") << bad;
}

TEST(SubOptionsJson, WhatCouldMeanTwoThingsOrNothingIsRefusedByName) {
    for (const auto& [bad, said] : {std::pair{"{\"a\":1,\"a\":2}", "'a' stands there twice"},
                                    {"{\"a\":[]}", "'a' is empty"},
                                    {"{\"b\":{\"a\":{}}}", "'b.a' is empty"},
                                    {"{\"a\":1e400}", "'a' is a number"},
                                    {"{\"a\":18446744073709551616}", "'a' must be"},
                                    {"[1]", "must be an object"}})
        EXPECT_NE(error_from([&] { SubOptions::parse_json(bad); }).find(said), std::string::npos)
            << bad << ": " << error_from([&] { SubOptions::parse_json(bad); });
}

TEST(SubOptionsJson, TextsMayStandInSingleQuotes) {
    EXPECT_EQ(SubOptions::parse_json("{'a': 'it\\'s \"b\"', \"c\": \"'\"}").rest(),
              (PropertyList{{"a", "it's \"b\""}, {"c", "'"}}));
}

TEST(SubOptionsJson, WhatAMemberWasWrittenAsIsKept) {
    const JsonKinds kinds = SubOptions::parse_json(R"({"a":1,"b":"1","c":true})").kinds();
    EXPECT_EQ(kinds, (JsonKinds{{"a", JsonKind::Number}, {"b", JsonKind::Text}, {"c", JsonKind::Flag}}));
}

TEST(SubOptionsJson, HostileNestingIsRefused) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
    EXPECT_NE(error_from([&] { SubOptions::parse_json(deep); }).find("deep"), std::string::npos);
}

}  // namespace
}  // namespace backplane::kernel
