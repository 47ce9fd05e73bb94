#include <lib/ethernet_address.h>

#include <gtest/gtest.h>

namespace backplane {
namespace {

TEST(EthernetAddress, IsSixBytesInHexadecimal) {
    std::uint8_t address[6];
    ASSERT_TRUE(parse_ethernet_address("52:54:00:AB-cd:0f", address));
    EXPECT_EQ(format_ethernet_address(address), "52:54:00:ab:cd:0f");
    for (const char* text :
         {"", "52:54:00:ab:cd", "52:54:00:ab:cd:0g", "52.54.00.ab.cd.0f", "52:54:00:ab:cd:0f:"})
        EXPECT_FALSE(parse_ethernet_address(text, address)) << text;
}

}  // namespace
}  // namespace backplane
