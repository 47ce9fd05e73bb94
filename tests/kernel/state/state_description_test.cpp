#include "kernel/state/state_description.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

namespace backplane::kernel {
namespace {

struct Chip {
    std::uint8_t divisor = 3;
    bool enabled = true;
    std::uint32_t lines[4] = {1, 2, 3, 4};
    std::uint64_t alarm = 5;
    std::uint16_t nvram = 6;
    StateDescription state;

    Chip() {
        describe(state, "divisor", divisor, 12);
        describe(state, "enabled", enabled, 0);
        describe(state, "lines", lines, 7);
        describe(state, "alarm", alarm);
        describe(state, "nvram", nvram, 0, false);
    }
};

TEST(StateDescription, ResetWritesResetValuesAndKeepsWhatABatteryKeeps) {
    Chip chip;
    chip.state.reset();
    EXPECT_EQ(chip.divisor, 12);
    EXPECT_FALSE(chip.enabled);
    EXPECT_EQ(chip.lines[0], 7u);
    EXPECT_EQ(chip.lines[3], 7u);
    EXPECT_EQ(chip.alarm, 0u);
    EXPECT_EQ(chip.nvram, 6);
}

TEST(StateDescription, LoadGivesBackWhatSaveTook) {
    Chip from;
    Chip to;
    from.lines[2] = 0xdeadbeef;
    from.enabled = false;
    const auto saved = from.state.save();
    ErrorText errors;
    ASSERT_TRUE(to.state.load(Bytes(saved.data(), saved.size()), errors)) << errors.text();
    EXPECT_EQ(to.lines[2], 0xdeadbeefu);
    EXPECT_FALSE(to.enabled);
    EXPECT_EQ(to.state.save(), saved);
}

TEST(StateDescription, LoadRefusesAnotherShapeAndChangesNothing) {
    Chip from;
    StateDescription other;
    std::uint8_t divisor = 1;
    std::uint32_t extra = 9;
    describe(other, "divisor", divisor);
    describe(other, "extra", extra);
    const auto saved = from.state.save();
    ErrorText errors;
    EXPECT_FALSE(other.load(Bytes(saved.data(), saved.size()), errors));
    EXPECT_EQ(divisor, 1);
    EXPECT_NE(errors.text().find("extra"), std::string::npos);
}

TEST(StateDescription, LoadRefusesEveryTruncation) {
    Chip from;
    const auto saved = from.state.save();
    for (std::size_t length = 0; length < saved.size(); ++length) {
        Chip to;
        ErrorText errors;
        EXPECT_FALSE(to.state.load(Bytes(saved.data(), length), errors)) << length;
    }
}

TEST(StateDescription, DumpNamesEveryField) {
    Chip chip;
    TextBuffer out;
    chip.state.dump(out);
    EXPECT_EQ(out.text(),
              "divisor = 0x3\nenabled = 0x1\nlines = 0x1 0x2 0x3 0x4\nalarm = 0x5\nnvram = 0x6\n");
}

}  // namespace
}  // namespace backplane::kernel
