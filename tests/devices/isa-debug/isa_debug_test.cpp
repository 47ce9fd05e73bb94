#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace backplane::testing {
namespace {

TEST(IsaDebugcon, WritesCharacters) {
    const std::string path = ::testing::TempDir() + "isa_debugcon_test.txt";
    {
        DeviceBench bench;
        bench.add("chardev-file", "log", {{"path", path}});
        bench.focus(bench.add("isa-debugcon", "debugcon", {{"chardev", "log"}}));
        EXPECT_EQ(bench.read(0, 1), 0xe9u);
        for (const char c : std::string("hello\n")) bench.write(0, std::uint8_t(c), 1);
        bench.run_ready();
    }
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "hello\n");
    std::remove(path.c_str());
}

TEST(IsaDebugcon, ReadsAsItIsTold) {
    DeviceBench bench;
    bench.add("chardev-null", "log");
    bench.focus(bench.add("isa-debugcon", "debugcon", {{"chardev", "log"}, {"readback", "0x55"}}));
    EXPECT_EQ(bench.read(0, 1), 0x55u);
}

TEST(IsaDebugcon, NeedsAChardevOfItsOwn) {
    DeviceBench bench;
    EXPECT_NE(bench.try_add("isa-debugcon", "none").find("chardev"), std::string::npos);
    bench.add("chardev-null", "log");
    bench.add("isa-debugcon", "first", {{"chardev", "log"}});
    EXPECT_NE(bench.try_add("isa-debugcon", "second", {{"chardev", "log"}}).find("chardev"),
              std::string::npos);
}

TEST(IsaDebugExit, EndsTheProgram) {
    DeviceBench bench("isa-debug-exit");
    EXPECT_EQ(bench.read(0, 1), 0u);
    EXPECT_TRUE(bench.requests().empty());
    bench.write(0, 3, 1);
    EXPECT_FALSE(bench.requests().empty());
}

}  // namespace
}  // namespace backplane::testing
