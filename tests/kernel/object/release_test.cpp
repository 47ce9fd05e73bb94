// Releases are numbers with dots between, on a line.
#include "kernel/object/release.h"

#include <gtest/gtest.h>

namespace backplane::kernel {
namespace {

bool older(const char* a, const char* b) { return Release::parse(a)->older_than(*Release::parse(b)); }

TEST(Release, NumbersAreComparedAsNumbers) {
    EXPECT_TRUE(older("9.0", "10.0"));
    EXPECT_TRUE(older("9.2", "9.10"));
    EXPECT_FALSE(older("10.0", "9.0"));
    EXPECT_TRUE(older("9", "9.0.1"));
}

TEST(Release, WhatIsNotThereIsZero) {
    EXPECT_FALSE(older("9", "9.0"));
    EXPECT_FALSE(older("9.0", "9"));
}

TEST(Release, ALineIsItsOwn) {
    EXPECT_TRUE(Release::parse("acme:1.0")->same_line(*Release::parse("acme:2")));
    EXPECT_FALSE(Release::parse("acme:1.0")->same_line(*Release::parse("1.0")));
}

TEST(Release, AnythingElseIsNone) {
    for (const char* text : {"", ".", "9.", ".9", "9.x", "v9", "9..1", ":9", "acme:", "9-1", "99999999999"})
        EXPECT_FALSE(Release::parse(text)) << text;
}

}  // namespace
}  // namespace backplane::kernel
