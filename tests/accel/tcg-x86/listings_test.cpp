// What the oracle once found, and what the manual's edges are: code and a state, and what the host's processor made of them.
// Each file of listings/ is run as units, and an instruction at a time.
#include "run_comparison.h"
#include "sequence.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace backplane::x86::testing {
namespace {

std::vector<std::filesystem::path> listings() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(BACKPLANE_LISTINGS))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

class X86Listing : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(X86Listing, GivesWhatItGave) {
    if (!host_has_avx()) GTEST_SKIP() << "the host's processor has no AVX, which listings use";
    std::ifstream file(GetParam());
    Sequence sequence;
    Outcome expected;
    std::string why;
    ASSERT_TRUE(read_listing(file, sequence, expected, why)) << GetParam() << ": " << why;
    static TranslatedCpu cpu, alone(true);
    EXPECT_EQ(difference(expected, run(cpu, sequence)), "") << GetParam();
    EXPECT_EQ(difference(expected, run(alone, sequence)), "") << GetParam() << ", an instruction at a time";
}

INSTANTIATE_TEST_SUITE_P(Files, X86Listing, ::testing::ValuesIn(listings()),
                         [](const auto& info) { return info.param.stem().string(); });

/// A listing is all of a sequence.
TEST(X86ListingText, ComesBack) {
    Sequence sequence;
    sequence.before.gpr[3] = 0x123;
    sequence.before.memory[0x8001] = 7;
    sequence.before.vectors[2][31] = 9;
    sequence.pieces = {{{0x74, 0}, 1}, {{0x48, 0x01, 0xd8}}};
    Outcome expected;
    expected.after = sequence.before;
    expected.after.gpr[0] = 0x123;
    expected.offset = 2;
    expected.signal = 11;
    std::stringstream text;
    write_listing(text, sequence, expected);
    Sequence again;
    Outcome found;
    std::string why;
    ASSERT_TRUE(read_listing(text, again, found, why)) << why;
    EXPECT_EQ(again.assemble(), sequence.assemble());
    EXPECT_EQ(again.before.memory, sequence.before.memory);
    EXPECT_EQ(found.after.gpr[0], 0x123u);
    EXPECT_EQ(found.offset, 2u);
    EXPECT_EQ(found.signal, 11);
    EXPECT_EQ(found.after.vectors[2][31], 9);
}

}  // namespace
}  // namespace backplane::x86::testing
