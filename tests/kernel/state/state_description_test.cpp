#include "kernel/state/state_description.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <deque>
#include <optional>

namespace backplane::kernel {
namespace {

/// A timer of no clock.
class LooseTimer final : public Timer {
  public:
    void arm(std::uint64_t deadline_ns) override { deadline_ = deadline_ns; }
    void cancel() override { deadline_.reset(); }
    bool armed() const override { return deadline_.has_value(); }
    std::uint64_t deadline() const override { return deadline_.value_or(~std::uint64_t{0}); }
    void release() override {}

  private:
    std::optional<std::uint64_t> deadline_;
};

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

/// Why `to` does not take what `from` saves; empty when it does.
std::string refusal(const StateDescription& from, StateDescription& to) {
    const auto saved = from.save();
    ErrorText errors;
    to.load(Bytes(saved.data(), saved.size()), errors);
    return errors.text();
}

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
    EXPECT_EQ(refusal(from.state, to.state), "");
    EXPECT_EQ(to.lines[2], 0xdeadbeefu);
    EXPECT_FALSE(to.enabled);
    EXPECT_EQ(to.state.save(), from.state.save());
}

TEST(StateDescription, LoadRefusesAFieldThatOnlyOneSideHasAndChangesNothing) {
    Chip from;
    StateDescription other;
    std::uint8_t divisor = 1;
    std::uint32_t extra = 9;
    describe(other, "divisor", divisor);
    describe(other, "extra", extra);
    EXPECT_EQ(refusal(from.state, other),
              "'enabled': saved by a host that has it; here there is no such field");
    EXPECT_EQ(refusal(other, from.state),
              "'extra': saved by a host that has it; here there is no such field");
    EXPECT_EQ(divisor, 1);
    EXPECT_EQ(from.divisor, 3);
    StateDescription less;
    describe(less, "divisor", divisor);
    EXPECT_EQ(refusal(less, other), "'extra': missing in the saved state");
}

TEST(StateDescription, PlaceAndWidthOfAFieldDoNotMatter) {
    StateDescription old_table, new_table;
    std::uint8_t a = 200;
    std::int8_t b = -3;
    std::uint64_t wide_a = 0;
    std::int32_t wide_b = 0;
    describe(old_table, "a", a);
    describe(old_table, "b", b);
    describe(new_table, "b", wide_b);
    describe(new_table, "a", wide_a);
    EXPECT_EQ(refusal(old_table, new_table), "");
    EXPECT_EQ(wide_a, 200u);
    EXPECT_EQ(wide_b, -3);
    EXPECT_EQ(refusal(new_table, old_table), "");
    wide_b = 128;
    EXPECT_EQ(refusal(new_table, old_table), "'b': the saved value 128 does not fit");
    wide_b = 0;
    wide_a = 256;
    EXPECT_EQ(refusal(new_table, old_table), "'a': the saved value 256 does not fit");
}

TEST(StateDescription, AValueAboveItsMaximumIsRefused) {
    StateDescription from, to;
    std::uint8_t head = 16, bounded = 0;
    describe(from, "head", head);
    describe(to, "head", bounded, {.maximum = 15});
    EXPECT_EQ(refusal(from, to), "'head': the saved value 16 does not fit");
    head = 15;
    EXPECT_EQ(refusal(from, to), "");
    StateDescription truth;
    bool value = false;
    describe(truth, "head", value);
    EXPECT_EQ(refusal(from, truth), "'head': the saved value 15 does not fit");
}

TEST(StateDescription, AnOlderVersionLacksWhatCameSince) {
    StateDescription old_table, new_table;
    std::uint32_t a = 1, b = 2, c = 3;
    describe(old_table, "a", a);
    old_table.set_version(1, 0);
    describe(new_table, "a", b);
    describe(new_table, "c", c, {.reset_value = 77, .since = 2});
    new_table.set_version(2, 1);
    EXPECT_EQ(refusal(old_table, new_table), "");
    EXPECT_EQ(b, 1u);
    EXPECT_EQ(c, 77u);
    EXPECT_EQ(refusal(new_table, old_table), "saved as version 2, and this host loads 0 to 1");
    new_table.set_version(2, 2);
    EXPECT_EQ(refusal(old_table, new_table), "saved as version 1, and this host loads 2 to 2");
    old_table.set_version(2, 0);
    EXPECT_EQ(refusal(old_table, new_table), "'c': missing in the saved state");
}

TEST(StateDescription, WhatIsForgottenIsSkipped) {
    StateDescription from, to;
    std::uint32_t a = 1, b = 2, gate = 3;
    std::vector<std::uint8_t> bytes(5);
    describe(from, "old", a);
    describe_bytes<16>(from, "old_bytes", bytes);
    describe(from.group({.name = "old_group", .first = &gate, .count = 1}), "x", gate);
    describe(from, "b", b);
    to.forget("old");
    to.forget("old_bytes");
    to.forget("old_group");
    std::uint32_t here = 0;
    describe(to, "b", here);
    EXPECT_EQ(refusal(from, to), "");
    EXPECT_EQ(here, 2u);
}

struct Gates {
    struct Gate {
        std::uint16_t mask = 0;
        bool open = false;
        std::vector<std::uint8_t> queue;
    };
    explicit Gates(std::uint32_t count, bool all = true) : gates(count), used(count) {
        StateTable& gate = state.group({.name = "gate",
                                        .first = gates.data(),
                                        .count = count,
                                        .stride = sizeof(Gate),
                                        .used = all ? nullptr : &used});
        describe(gate, "mask", gates[0].mask, 0xffff);
        describe(gate, "open", gates[0].open);
        describe_bytes<8>(gate, "queue", gates[0].queue);
    }
    std::vector<Gate> gates;
    std::uint32_t used;
    StateDescription state;
};

TEST(StateDescription, AGroupStandsInEachElementOfAnArray) {
    Gates from(3), to(3);
    from.gates[0].mask = 1;
    from.gates[2].mask = 3;
    from.gates[1].open = true;
    from.gates[2].queue = {9, 8, 7};
    EXPECT_EQ(refusal(from.state, to.state), "");
    EXPECT_EQ(to.gates[0].mask, 1);
    EXPECT_TRUE(to.gates[1].open);
    EXPECT_EQ(to.gates[2].mask, 3);
    EXPECT_EQ(to.gates[2].queue, (std::vector<std::uint8_t>{9, 8, 7}));
    to.state.reset();
    EXPECT_EQ(to.gates[2].mask, 0xffff);
    EXPECT_TRUE(to.gates[2].queue.empty());
    Gates fewer(2);
    EXPECT_EQ(
        refusal(from.state, fewer.state),
        "'gate': 3 in the saved state, 2 here; start the machine with the options that it was saved with");
}

TEST(StateDescription, OnlyTheElementsInUseAreSaved) {
    Gates from(4, false), to(4, false);
    from.used = 2;
    from.gates[1].mask = 5;
    from.gates[3].mask = 6;
    to.gates[3].mask = 4;
    EXPECT_EQ(refusal(from.state, to.state), "");
    EXPECT_EQ(to.used, 2u);
    EXPECT_EQ(to.gates[1].mask, 5);
    EXPECT_EQ(to.gates[3].mask, 0xffff);
    to.state.reset();
    EXPECT_EQ(to.used, 0u);
    Gates smaller(1, false);
    EXPECT_NE(refusal(from.state, smaller.state), "");
    EXPECT_EQ(smaller.used, 1u);
}

TEST(StateDescription, AnOptionalGroupMayBeAbsentOnEitherSide) {
    struct Optional {
        bool wanted = false;
        std::uint32_t value = 1;
        StateDescription state;
        Optional() {
            StateTable& group = state.group(
                {.name = "fifo",
                 .present = [](const void* context) { return static_cast<const Optional*>(context)->wanted; },
                 .context = this});
            describe(group, "value", value, 50);
        }
    } from, to;
    from.value = 2;
    EXPECT_EQ(refusal(from.state, to.state), "");
    EXPECT_EQ(to.value, 50u);
    from.wanted = true;
    EXPECT_EQ(refusal(from.state, to.state), "");
    EXPECT_EQ(to.value, 2u);
}

TEST(StateDescription, AGroupHasAVersionOfItsOwn) {
    StateDescription from, to;
    std::uint32_t a = 1, b = 0, later = 0;
    StateTable& old_part = from.group({.name = "uart"});
    describe(old_part, "a", a);
    old_part.set_version(3, 0);
    StateTable& part = to.group({.name = "uart"});
    describe(part, "a", b);
    describe(part, "later", later, {.reset_value = 4, .since = 4});
    part.set_version(4, 3);
    EXPECT_EQ(refusal(from, to), "");
    EXPECT_EQ(later, 4u);
    EXPECT_EQ(refusal(to, from), "'uart': saved as version 4, and this host loads 0 to 3");
}

TEST(StateDescription, ATimerIsItsDeadline) {
    LooseTimer one, other;
    Timer* one_at = &one;
    Timer* other_at = &other;
    Timer* none = nullptr;
    StateDescription from, to, without;
    from.add({.name = "alarm", .kind = StateKind::Timer, .data = &one_at});
    to.add({.name = "alarm", .kind = StateKind::Timer, .data = &other_at});
    without.add({.name = "alarm", .kind = StateKind::Timer, .data = &none});
    one.arm(1234);
    EXPECT_EQ(refusal(from, to), "");
    EXPECT_EQ(other.deadline(), 1234u);
    EXPECT_EQ(refusal(from, without), "'alarm': its timer was never created, which is a fault of the part");
    one.cancel();
    EXPECT_EQ(refusal(from, to), "");
    EXPECT_FALSE(other.armed());
    EXPECT_EQ(refusal(from, without), "");
    other.arm(1);
    to.reset();
    EXPECT_FALSE(other.armed());
}

TEST(StateDescription, BytesThatVaryKeepTheirBounds) {
    StateDescription from, to, words;
    std::deque<std::uint8_t> queue{1, 2, 3};
    std::string text;
    std::vector<std::uint16_t> pairs;
    describe_bytes<8>(from, "queue", queue);
    describe_bytes<2>(to, "queue", text);
    describe_bytes<8>(words, "queue", pairs);
    EXPECT_EQ(refusal(from, to), "'queue': 3 bytes, which it cannot have");
    EXPECT_EQ(refusal(from, words), "'queue': 3 bytes, which it cannot have");
    queue.pop_back();
    EXPECT_EQ(refusal(from, to), "");
    EXPECT_EQ(text, "\1\2");
    EXPECT_EQ(refusal(from, words), "");
    EXPECT_EQ(pairs, std::vector<std::uint16_t>{0x0201});
}

TEST(StateDescription, LoadRefusesEveryTruncationAndWhatFollowsTheEnd) {
    Chip from;
    auto saved = from.state.save();
    Gates gates(2);
    auto grouped = gates.state.save();
    for (std::size_t length = 0; length < saved.size(); ++length) {
        Chip to;
        ErrorText errors;
        EXPECT_FALSE(to.state.load(Bytes(saved.data(), length), errors)) << length;
        EXPECT_NE(errors.text(), "");
    }
    for (std::size_t length = 0; length < grouped.size(); ++length) {
        ErrorText errors;
        EXPECT_FALSE(gates.state.load(Bytes(grouped.data(), length), errors)) << length;
    }
    saved.push_back(0);
    ErrorText errors;
    EXPECT_FALSE(from.state.load(Bytes(saved.data(), saved.size()), errors));
    EXPECT_EQ(errors.text(), "bytes behind its end");
}

TEST(StateDescription, AFieldThatIsSavedTwiceIsRefused) {
    StateDescription table;
    std::uint8_t a = 1;
    describe(table, "a", a);
    auto saved = table.save();
    saved[2] = 2;  // items
    const std::vector<std::uint8_t> item(saved.begin() + 4, saved.end());
    saved.insert(saved.end(), item.begin(), item.end());
    ErrorText errors;
    EXPECT_FALSE(table.load(Bytes(saved.data(), saved.size()), errors));
    EXPECT_EQ(errors.text(), "'a': saved twice");
}

TEST(StateDescription, AnAuthorsMistakeIsRemembered) {
    StateDescription table;
    std::uint8_t a = 1;
    describe(table, "a", a);
    EXPECT_EQ(table.fault(), "");
    describe(table, "a", a);
    EXPECT_EQ(table.fault(), "two of the name 'a'");
    StateDescription outer;
    StateTable& part = outer.group({.name = "part"});
    describe(part, "x", a);
    describe(part, "x", a);
    EXPECT_EQ(outer.fault(), "two of the name 'x'");
}

TEST(StateDescription, AFieldOfAnUnknownKindIsRefused) {
    StateDescription table;
    std::uint8_t a = 0;
    table.add({.name = "a", .kind = StateKind(200), .data = &a});
    EXPECT_EQ(table.fault(), "'a' of a kind that this host does not know");
}

TEST(StateDescription, AnOlderPluginsFieldIsReadByItsOwnSize) {
    StateDescription table;
    std::uint8_t a = 200;
    StateField field{.name = "a", .kind = StateKind::U8, .data = &a, .maximum = 1};
    field.struct_size = offsetof(StateField, maximum);
    table.add(field);
    EXPECT_EQ(refusal(table, table), "");
}

TEST(StateDescription, DumpNamesEveryField) {
    Chip chip;
    TextBuffer out;
    chip.state.dump(out);
    EXPECT_EQ(out.text(),
              "divisor = 0x3\nenabled = 0x1\nlines = 0x1 0x2 0x3 0x4\nalarm = 0x5\nnvram = 0x6\n");
    Gates gates(2);
    gates.gates[1].queue = {1};
    TextBuffer grouped;
    gates.state.dump(grouped);
    EXPECT_EQ(grouped.text(), "gate[0].mask = 0x0\ngate[0].open = 0x0\ngate[0].queue = (0 bytes)\n"
                              "gate[1].mask = 0x0\ngate[1].open = 0x0\ngate[1].queue = (1 bytes)\n");
}

}  // namespace
}  // namespace backplane::kernel
