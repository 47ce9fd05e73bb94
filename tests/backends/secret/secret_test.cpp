// Secrets of users.
#include "tests/backends/fixture.h"
#include <backplane/secret.h>

#include <gtest/gtest.h>

namespace backplane::test {
namespace {

struct Secrets : BackendBench, ::testing::Test {
    unsigned count = 0;
    std::string secret(const testing::Properties& properties) {
        const Bytes bytes = make<Secret>("secret", "s" + std::to_string(count++), properties).secret();
        return {bytes.begin(), bytes.end()};
    }
};

TEST_F(Secrets, AreWhatWasGiven) {
    EXPECT_EQ(secret({{"data", "abc"}}), "abc");
    TemporaryFile file("from a file\n");
    EXPECT_EQ(secret({{"file", file.path()}}), "from a file\n");
}

/// RFC 4648, 10.
TEST_F(Secrets, AreReadFromBase64) {
    for (const auto& [text, bytes] :
         {std::pair{"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9v\nYmFy", "foobar"}})
        EXPECT_EQ(secret({{"data", text}, {"format", "base64"}}), bytes) << text;
    for (const char* text : {"Z", "Zg=", "Zg===", "Z=g=", "Zm9v!", "Zg"})
        EXPECT_NE(refusal("secret", {{"data", text}, {"format", "base64"}}), "") << text;
}

TEST_F(Secrets, ComeFromOnePlace) {
    EXPECT_NE(refusal("secret", {}).find("either data= or file="), std::string::npos);
    EXPECT_NE(refusal("secret", {{"data", "a"}, {"file", "b"}}).find("either data= or file="),
              std::string::npos);
    EXPECT_NE(refusal("secret", {{"file", "/nowhere"}}).find("/nowhere"), std::string::npos);
    EXPECT_NE(refusal("secret", {{"data", "a"}, {"keyid", "k"}}).find("encrypted"), std::string::npos);
}

}  // namespace
}  // namespace backplane::test
