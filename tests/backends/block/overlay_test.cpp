// A temporary overlay: what is written is read back, and the image stays as it was.
#include "plugins/backends/block/written_map.h"
#include "tests/backends/fixture.h"

#include <backplane/block.h>

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace backplane::test {
namespace {

class Request final : public BlockRequest {
  public:
    void done(BlockStatus result) override {
        status = result;
        ++completions;
    }
    BlockStatus status = BlockStatus::Unsupported;
    int completions = 0;
};

struct Overlay : BackendBench, ::testing::Test {
    BlockBackend& over(const std::string& image, testing::Properties properties = {{"read-only", "on"}}) {
        properties.insert(properties.begin(), {"filename", image});
        add("blockdev-file", "image", properties);
        return make<BlockBackend>("blockdev-temporary-overlay", "overlay", {{"file", "image"}});
    }
    BlockStatus run(BlockBackend& node, BlockOperation operation, std::uint64_t offset, std::string& text) {
        Request request;
        // In two vectors, so that runs cut through them.
        const std::uint64_t half = text.size() / 3;
        const IoVector vectors[] = {{text.data(), half}, {text.data() + half, text.size() - half}};
        request.operation = operation;
        request.offset = offset;
        request.size = text.size();
        if (operation == BlockOperation::Read || operation == BlockOperation::Write)
            request.vectors = {vectors, 2};
        locked([&] {
            node.submit(request);
            node.drain();
        });
        EXPECT_EQ(request.completions, 1);
        return request.status;
    }
    BlockStatus write(BlockBackend& node, std::uint64_t offset, std::string text) {
        return run(node, BlockOperation::Write, offset, text);
    }
    std::string read(BlockBackend& node, std::uint64_t offset, std::size_t size) {
        std::string text(size, '?');
        EXPECT_EQ(run(node, BlockOperation::Read, offset, text), BlockStatus::Ok);
        return text;
    }
};

TEST_F(Overlay, TheImageStaysAsItIs) {
    TemporaryFile image(std::string(8192, '.'));
    BlockBackend& node = over(image.path());
    EXPECT_FALSE(node.read_only());
    EXPECT_EQ(node.size(), 8192u);
    EXPECT_EQ(write(node, 1024, std::string(512, 'x')), BlockStatus::Ok);
    EXPECT_EQ(read(node, 1000, 560), std::string(24, '.') + std::string(512, 'x') + std::string(24, '.'));
    EXPECT_EQ(image.contents(), std::string(8192, '.'));
}

TEST_F(Overlay, PartsOfSectorsKeepTheRest) {
    TemporaryFile image("0123456789" + std::string(1014, '.'));
    BlockBackend& node = over(image.path());
    EXPECT_EQ(write(node, 3, "abc"), BlockStatus::Ok);
    EXPECT_EQ(read(node, 0, 12), "012abc6789..");
    EXPECT_EQ(write(node, 510, "over"), BlockStatus::Ok);
    EXPECT_EQ(read(node, 508, 8), "..over..");
}

TEST_F(Overlay, ReadsWhatAPlainImageWould) {
    constexpr std::size_t kSize = 3 << 20;
    std::mt19937 random(1);
    std::string mirror(kSize, 0);
    for (char& byte : mirror) byte = char(random());
    TemporaryFile image(mirror);
    BlockBackend& node = over(image.path());
    for (int round = 0; round < 400; ++round) {
        const std::size_t offset = random() % kSize;
        const std::size_t size = 1 + random() % std::min<std::size_t>(kSize - offset, 40'000);
        if (random() % 2) {
            const std::string text(size, char(random()));
            ASSERT_EQ(write(node, offset, text), BlockStatus::Ok);
            std::memcpy(mirror.data() + offset, text.data(), size);
        } else {
            ASSERT_EQ(read(node, offset, size), mirror.substr(offset, size)) << offset << " " << size;
        }
    }
}

TEST_F(Overlay, ZeroesAndBoundsAreAsOfAnImage) {
    TemporaryFile image(std::string(4096, '.'));
    BlockBackend& node = over(image.path());
    std::string range(1024, '?'), none;
    EXPECT_EQ(run(node, BlockOperation::WriteZeroes, 512, range), BlockStatus::Ok);
    EXPECT_EQ(read(node, 511, 1026), "." + std::string(1024, 0) + ".");
    EXPECT_EQ(run(node, BlockOperation::Read, 4096, range), BlockStatus::OutOfRange);
    EXPECT_EQ(run(node, BlockOperation::Flush, 0, none), BlockStatus::Ok);
    EXPECT_EQ(run(node, BlockOperation::Read, 4096, none), BlockStatus::Ok);
}

TEST_F(Overlay, TheNodeBelowIsTaken) {
    TemporaryFile image(std::string(512, '.'));
    over(image.path());
    EXPECT_NE(refusal("blockdev-temporary-overlay", {{"file", "image"}}).find("in use"), std::string::npos);
}

TEST(WrittenMap, KnowsRunsAcrossPages) {
    block::WrittenMap map;
    EXPECT_EQ(map.run(5, 100'000), 100'000u);
    map.mark(2000, 100);
    EXPECT_EQ(map.run(0, 100'000), 2000u);
    EXPECT_EQ(map.run(2000, 100'000), 100u);
    EXPECT_EQ(map.run(2050, 10), 10u);
    EXPECT_EQ(map.run(2100, 50'000), 50'000u);
    map.mark(0, 4096);
    EXPECT_EQ(map.run(0, 50'000), 4096u);
}

}  // namespace
}  // namespace backplane::test
