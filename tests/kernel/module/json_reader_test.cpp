#include "kernel/module/json_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace backplane::kernel {
namespace {

std::string fault_of(std::string text) {
    try {
        JsonReader reader(text);
        reader.skip();
        reader.end();
        return {};
    } catch (const JsonFault& fault) {
        return fault.what();
    }
}

TEST(JsonReader, ReadsMembersInTheirOrder) {
    std::string text = R"( { "a" : "x" , "b":[1, 18446744073709551615],"c":true , "d":{"e":null} } )";
    JsonReader in(text);
    std::string a, order;
    std::vector<std::uint64_t> numbers;
    bool c = false;
    in.object([&](std::string_view key) {
        order += key;
        if (key == "a") a = in.string();
        else if (key == "b") in.array([&] { numbers.push_back(in.number()); });
        else if (key == "c") c = in.boolean();
        else in.skip();
    });
    in.end();
    EXPECT_EQ(order, "abcd");
    EXPECT_EQ(a, "x");
    EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, ~std::uint64_t{0}}));
    EXPECT_TRUE(c);
}

TEST(JsonReader, ReadsEscapes) {
    std::string text = R"("a\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00é\nb")";
    const std::string_view read = JsonReader(text).string();
    EXPECT_EQ(read, "a\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\nb");
    EXPECT_GT(read.data(), text.data());
    EXPECT_LT(read.data() + read.size(), text.data() + text.size()) << "it is a part of the text";
    EXPECT_EQ(read.data()[read.size()], '\0');
}

TEST(JsonReader, SaysWhereAndWhatItExpected) {
    EXPECT_EQ(fault_of(R"({"a" 1})"), "expected ':' at byte 5");
    EXPECT_EQ(fault_of("[1,]"), "expected an item after ',' at byte 3");
    EXPECT_EQ(fault_of("[1"), "expected ',' at byte 2");
    EXPECT_EQ(fault_of("\"abc"), "expected the end of a string at byte 4");
    EXPECT_EQ(fault_of("\"\\x\""), "expected an escape at byte 2");
    EXPECT_EQ(fault_of("\"\\ud800x\""), "expected the other half of a surrogate pair at byte 7");
    EXPECT_EQ(fault_of("\"\xc0\x80\""), "expected a character in UTF-8 at byte 1");
    EXPECT_EQ(fault_of("1 2"), "expected the end at byte 2");
    EXPECT_EQ(fault_of(""), "expected a value at byte 0");
    EXPECT_EQ(fault_of("[[[[[[[[[1]]]]]]]]]"), "it nests deeper than 8 levels");
}

TEST(JsonReader, TakesNoNumberThatItWouldChange) {
    for (std::string text : {"-1", "1.5", "1e3", "01", "18446744073709551616", "\"1\"", "x"})
        EXPECT_THROW(JsonReader(text).number(), JsonFault) << text;
}

}  // namespace
}  // namespace backplane::kernel
