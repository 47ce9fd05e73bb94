#include <lib/uuid.h>

#include <gtest/gtest.h>

namespace backplane {
namespace {

constexpr const char* kText = "00112233-4455-6677-8899-aabbccddeeff";

TEST(UuidText, IsReadAndWritten) {
    const auto uuid = parse_uuid(kText);
    ASSERT_TRUE(uuid);
    EXPECT_EQ((*uuid)[1], 0x11);
    EXPECT_EQ((*uuid)[15], 0xff);
    EXPECT_EQ(uuid_text(*uuid), kText);
    EXPECT_EQ(parse_uuid("00112233-4455-6677-8899-AABBCCDDEEFF"), uuid);
}

TEST(UuidText, AnotherFormIsNone) {
    for (const char* text :
         {"", "00112233", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefg",
          "00112233445566778899aabbccddeeff----", "00112233-4455-6677-8899-aabbccddeeff0"})
        EXPECT_FALSE(parse_uuid(text)) << text;
}

}  // namespace
}  // namespace backplane
