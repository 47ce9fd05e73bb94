// Suggestions for words that are not known.
#include "kernel/object/instance.h"

#include <gtest/gtest.h>

namespace backplane::kernel {
namespace {

const std::vector<std::string> kNames{"virt", "none", "virtio-disk", "socket"};

TEST(Nearest, AThirdOfTheLettersMayBeWrong) {
    EXPECT_EQ(nearest("sokket", kNames), "socket");
    EXPECT_EQ(nearest("soket", kNames), "socket");
    EXPECT_EQ(nearest("virtio-dsc", kNames), "virtio-disk");
}

TEST(Nearest, NeighboursThatChangedPlacesAreOneMistake) {
    EXPECT_EQ(nearest("vrit", kNames), "virt");
    EXPECT_EQ(nearest("sokcet", kNames), "socket");
}

TEST(Nearest, ALetterMayBeWrongInAShortWord) { EXPECT_EQ(nearest("on", {"in", "out"}), "in"); }

TEST(Nearest, AnotherWordIsNoMisspelling) {
    EXPECT_EQ(nearest("acme-keyboard-device", {"acme-serial-device", "acme-block-device"}), "");
    EXPECT_EQ(nearest("acme-seril-device", {"acme-serial-device", "acme-block-device"}),
              "acme-serial-device");
    EXPECT_EQ(nearest("s", {"M", "d"}), "");
}

TEST(Nearest, WhatIsTooLongIsNoName) { EXPECT_EQ(nearest(std::string(100'000, 'x'), {"device"}), ""); }

TEST(Nearest, NothingIsNearWhenMostLettersDiffer) {
    EXPECT_EQ(nearest("foo", kNames), "");
    EXPECT_EQ(nearest("vnc", kNames), "");
    EXPECT_EQ(nearest("packed", kNames), "");
}

}  // namespace
}  // namespace backplane::kernel
