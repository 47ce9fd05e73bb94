#include "plugins/accel/qtest/encoding.h"

#include <gtest/gtest.h>

namespace backplane::qtest {
namespace {

Buffer bytes(std::string_view text) { return {text.begin(), text.end()}; }

TEST(Encoding, HexIsPairsOfDigits) {
    EXPECT_EQ(to_hex({0x00, 0x0f, 0xa5}), "000fa5");
    EXPECT_EQ(from_hex("000FA5"), (Buffer{0x00, 0x0f, 0xa5}));
    EXPECT_EQ(from_hex("abc"), std::nullopt);
    EXPECT_EQ(from_hex("0g"), std::nullopt);
}

TEST(Encoding, Base64OfRfc4648Section10) {
    for (const auto& [plain, coded] :
         std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(to_base64(bytes(plain)), coded);
        EXPECT_EQ(from_base64(coded), bytes(plain)) << coded;
    }
}

TEST(Encoding, Base64ThatIsNotIsRefused) {
    for (const char* bad : {"Zg=", "Zg", "Z===", "=Zg=", "Zg==Zg==", "Zm9\n", "Z=g="})
        EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(Encoding, NumbersAreReadAsInC) {
    EXPECT_EQ(to_number("10"), 10u);
    EXPECT_EQ(to_number("0x10"), 16u);
    EXPECT_EQ(to_number("010"), 8u);
    EXPECT_EQ(to_number("0"), 0u);
    EXPECT_EQ(to_number("0xffffffffffffffff"), ~std::uint64_t{0});
    for (const char* bad : {"", "0x", "1x", "-1", "08", "0x10000000000000000"})
        EXPECT_EQ(to_number(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace backplane::qtest
