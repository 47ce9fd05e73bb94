// Entropy from the host.
#include "tests/backends/fixture.h"

#include <backplane/rng.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace backplane::test {
namespace {

struct Rng : BackendBench, ::testing::Test {};

TEST_F(Rng, BuiltinFillsWithBytesThatDiffer) {
    RngBackend& rng = make<RngBackend>("rng-builtin", "rng");
    std::array<std::uint8_t, 64> a{}, b{};
    EXPECT_EQ(rng.fill(a), a.size());
    EXPECT_EQ(rng.fill(b), b.size());
    EXPECT_NE(a, b);
}

TEST_F(Rng, RandomReadsTheKernelsByDefault) {
    RngBackend& rng = make<RngBackend>("rng-random", "rng");
    std::array<std::uint8_t, 64> bytes{};
    EXPECT_EQ(rng.fill(bytes), bytes.size());
    EXPECT_TRUE(std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; }));
}

TEST_F(Rng, RandomGivesWhatItsFileHasAndThenNothing) {
    TemporaryFile file("abc");
    RngBackend& rng = make<RngBackend>("rng-random", "rng", {{"filename", file.path()}});
    std::array<std::uint8_t, 8> bytes{};
    EXPECT_EQ(rng.fill(bytes), 3u);
    EXPECT_EQ(bytes[0], 'a');
    EXPECT_EQ(rng.fill(bytes), 0u);
}

TEST_F(Rng, AFileThatIsNotThereIsNamed) {
    EXPECT_NE(refusal("rng-random", {{"filename", "/nowhere"}}).find("Could not open '/nowhere'"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::test
