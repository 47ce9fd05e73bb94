// The image behind a flash: what is read from it, what comes into it, and what is refused.
#include <backplane/backend.h>
#include <backplane/draft/snapshot.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSize = 4 * 4096;

class FlashImage : public ::testing::Test {
  protected:
    FlashImage() { std::ofstream(path_, std::ios::binary) << std::string(kSize, 'x'); }
    ~FlashImage() override { std::remove(path_.c_str()); }

    void open(DeviceBench& bench, const char* read_only = "off") {
        bench.add("blockdev-file", "file", {{"filename", path_}, {"read-only", read_only}});
        bench.add("blockdev-raw", "image", {{"file", "file"}, {"read-only", read_only}});
        bench.focus(bench.add("cfi.pflash01", "flash", flash("4")));
    }
    static Properties flash(const char* blocks) {
        return {{"drive", "image"}, {"num-blocks", blocks}, {"sector-length", "4096"}, {"width", "1"}};
    }
    std::string contents() {
        std::ifstream stream(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    static void erase(DeviceBench& bench, std::uint64_t offset) {
        bench.write(offset, 0x20, 1);
        bench.write(offset, 0xd0, 1);
    }
    std::string path_ = ::testing::TempDir() + "flash-image";
};

TEST_F(FlashImage, TheArrayIsTheImage) {
    DeviceBench bench;
    open(bench);
    EXPECT_EQ(bench.read(0, 1), unsigned('x'));
    EXPECT_EQ(bench.read(kSize - 1, 1), unsigned('x'));
}

TEST_F(FlashImage, WhatIsErasedAndProgrammedIsInTheImageAtTheEnd) {
    {
        DeviceBench bench;
        open(bench);
        erase(bench, 4096);
        bench.write(4098, 0x40, 1);
        bench.write(4098, 'y', 1);
    }
    std::string expected(kSize, 'x');
    expected.replace(4096, 4096, 4096, '\xff');
    expected[4098] = 'y';
    EXPECT_EQ(contents(), expected);
}

TEST_F(FlashImage, IsNotReadWhereASavedMachinesContentsAreToCome) {
    DeviceBench bench;
    Object& file = bench.add("blockdev-file", "file", {{"filename", path_}});
    static_cast<Snapshots*>(backend_context(file).host_interface(Snapshots::kId))->expect();
    bench.add("blockdev-raw", "image", {{"file", "file"}});
    bench.focus(bench.add("cfi.pflash01", "flash", flash("4")));
    EXPECT_EQ(bench.read(0, 1), 0u);
}

TEST_F(FlashImage, AReadOnlyImageStaysAsItIs) {
    {
        DeviceBench bench;
        open(bench, "on");
        erase(bench, 0);
        EXPECT_EQ(bench.read(0, 1), 0xa2u) << "erase failed, block locked, ready";
        bench.write(0, 0x50, 1);
        bench.write(0, 0x40, 1);
        bench.write(0, 0, 1);
        EXPECT_EQ(bench.read(0, 1), 0x92u) << "programming failed, block locked, ready";
    }
    EXPECT_EQ(contents(), std::string(kSize, 'x'));
}

TEST_F(FlashImage, AnImageOfAnotherSizeIsRefused) {
    DeviceBench bench;
    open(bench);
    EXPECT_NE(bench.try_add("cfi.pflash01", "larger", flash("8")).find("drive"), std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
