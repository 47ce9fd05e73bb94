// Long requests of an image: in pieces, which end when the program is to end.
#include "plugins/backends/block/host_file.h"
#include "tests/backends/fixture.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace backplane::block {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// Ends after it was asked so often.
class ShortLife final : public Lifetime {
  public:
    explicit ShortLife(unsigned questions) : left_(questions) {}
    bool running() const override { return true; }
    Outcome wait_for(int, bool, bool) override { return Outcome::Ending; }
    bool ending() const override { return left_ == 0 || --left_ == 0; }

  private:
    mutable unsigned left_;
};

class Request final : public BlockRequest {
    void done(BlockStatus) override {}
};

struct LongRequest : ::testing::Test {
    /// A request over one buffer that stands in it many times, as a guest's descriptors may.
    BlockStatus perform(BlockOperation operation, std::uint64_t size, unsigned lives) {
        const ShortLife life(lives);
        HostFile file;
        EXPECT_EQ(file.open({.filename = image.path(), .lifetime = &life}), "");
        std::vector<IoVector> vectors(size / kMiB, IoVector{buffer.data(), kMiB});
        Request request;
        request.operation = operation;
        request.size = size;
        if (operation == BlockOperation::Read || operation == BlockOperation::Write)
            request.vectors = {vectors.data(), vectors.size()};
        return file.perform(request);
    }
    std::uint64_t written() const {
        struct stat status {};
        stat(image.path().c_str(), &status);
        return std::uint64_t(status.st_size);
    }
    test::TemporaryFile image;
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(kMiB, 'x');
};

TEST_F(LongRequest, IsDoneWhole) {
    EXPECT_EQ(perform(BlockOperation::Write, 32 * kMiB, 1000), BlockStatus::Ok);
    EXPECT_EQ(written(), 32 * kMiB);
    buffer[7] = 0;
    EXPECT_EQ(perform(BlockOperation::Read, 32 * kMiB, 1000), BlockStatus::Ok);
    EXPECT_EQ(buffer[7], 'x');
}

TEST_F(LongRequest, IsGivenUpWhenTheProgramEnds) {
    EXPECT_EQ(perform(BlockOperation::Write, 1024 * kMiB, 3), BlockStatus::IoError);
    EXPECT_GT(written(), 0u);
    EXPECT_LE(written(), 16 * kMiB);
}

TEST_F(LongRequest, AShortOneIsNot) {
    EXPECT_EQ(perform(BlockOperation::Write, kMiB, 0), BlockStatus::Ok);
    EXPECT_EQ(written(), kMiB);
}

}  // namespace
}  // namespace backplane::block
