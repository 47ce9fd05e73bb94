// Who could have put something into a folder of plugins. What needs another owner needs root to give it one.
#include "kernel/module/trust.h"

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace backplane::kernel {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kStranger = 12345;

class TrustTest : public ::testing::Test {
  protected:
    TrustTest() {
        char pattern[] = "/tmp/backplane-trust-XXXXXX";
        root = mkdtemp(pattern);
        folder = root / "above" / "plugins";
        fs::create_directories(folder);
        file = folder / "x.so";
        std::ofstream(file) << "x";
        for (const fs::path& path : {root, folder.parent_path(), folder}) chmod(path.c_str(), 0755);
        chmod(file.c_str(), 0644);
    }
    ~TrustTest() override { fs::remove_all(root); }
    static bool contains(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }

    Trust trust{{geteuid()}};
    fs::path root, folder, file;
};

TEST_F(TrustTest, WhatIsTheUsersOwnIsFine) {
    EXPECT_EQ(trust.refusal(folder), "");
    EXPECT_EQ(trust.refusal(file), "");
}

TEST_F(TrustTest, EveryFolderOnTheWayCounts) {
    chmod(folder.parent_path().c_str(), 0777);
    EXPECT_TRUE(contains(trust.refusal(folder), "above' may be written by anyone"));
    EXPECT_TRUE(contains(trust.refusal(file), "above' may be written by anyone"));
    chmod(folder.parent_path().c_str(), 01777);
    EXPECT_EQ(trust.refusal(file), "");
}

TEST_F(TrustTest, TheStickyBitDoesNotKeepOthersFromAdding) {
    chmod(folder.c_str(), 01777);
    EXPECT_TRUE(contains(trust.refusal(folder), "may be written by anyone"));
    EXPECT_TRUE(contains(trust.refusal(file), "may be written by anyone"));
}

TEST_F(TrustTest, ALinkIsAsGoodAsWhereItLeads) {
    fs::create_symlink(folder, root / "link");
    EXPECT_EQ(trust.refusal(root / "link" / "x.so"), "");
    chmod(folder.c_str(), 0777);
    EXPECT_TRUE(contains(trust.refusal(root / "link"), "plugins' may be written by anyone"));
    fs::create_symlink(root / "round", root / "round");
    EXPECT_TRUE(contains(trust.refusal(root / "round"), "too many links"));
    EXPECT_TRUE(contains(trust.refusal(root / "nothing"), "does not exist"));
}

TEST_F(TrustTest, AGroupOfOthersMayNotWrite) {
    if (geteuid() != 0) GTEST_SKIP() << "only root gives files to other groups";
    ASSERT_EQ(chown(folder.c_str(), gid_t(-1), kStranger), 0);
    chmod(folder.c_str(), 0775);
    EXPECT_TRUE(contains(trust.refusal(folder), "written by its group"));
    // Root's own group has no other member: it is private.
    ASSERT_EQ(chown(folder.c_str(), uid_t(-1), 0), 0);
    chmod(folder.c_str(), 0775);
    EXPECT_EQ(trust.refusal(folder), "");
}

TEST_F(TrustTest, WhatBelongsToSomebodyElseIsRefused) {
    if (geteuid() != 0) GTEST_SKIP() << "only root gives files to other users";
    for (const fs::path& path : {file, folder, folder.parent_path()}) {
        ASSERT_EQ(chown(path.c_str(), kStranger, gid_t(-1)), 0);
        EXPECT_TRUE(contains(trust.refusal(file), "'" + path.string() + "' belongs to user 12345")) << path;
        ASSERT_EQ(chown(path.c_str(), 0, gid_t(-1)), 0);
    }
    ASSERT_EQ(chown(file.c_str(), kStranger, gid_t(-1)), 0);
    EXPECT_EQ(Trust({kStranger}).refusal(file), "");
}

TEST_F(TrustTest, ALinkThatSomebodyElseMadeIsRefused) {
    if (geteuid() != 0) GTEST_SKIP() << "only root gives files to other users";
    fs::create_symlink(folder, root / "link");
    ASSERT_EQ(lchown((root / "link").c_str(), kStranger, gid_t(-1)), 0);
    EXPECT_TRUE(contains(trust.refusal(root / "link"), "belongs to user 12345"));
}

}  // namespace
}  // namespace backplane::kernel
