#include "kernel/snapshot/page_codec.h"

#include <gtest/gtest.h>

#include <random>

namespace backplane::kernel::snapshot {
namespace {

std::vector<std::uint8_t> memory_with(std::initializer_list<unsigned> pages, std::uint64_t size = kPiece) {
    std::vector<std::uint8_t> memory(size);
    std::mt19937 random(7);
    for (const unsigned page : pages)
        for (unsigned i = 0; i < kPage; i += 3) memory[page * kPage + i] = std::uint8_t(random());
    return memory;
}

std::vector<std::uint8_t> packed(const std::vector<std::uint8_t>& memory, int level) {
    PageCodec codec;
    const Bytes payload = codec.pack(3, 9, memory, pages_with_data(memory), level);
    return {payload.begin(), payload.end()};
}

TEST(PageCodec, FindsThePagesThatAreNotZero) {
    auto memory = memory_with({});
    EXPECT_EQ(pages_with_data(memory).count(), 0u);
    memory[kPage - 1] = 1;
    memory[200 * kPage] = 1;
    const PageSet set = pages_with_data(memory);
    EXPECT_TRUE(set.has(0) && set.has(200));
    EXPECT_EQ(set.count(), 2u);
}

TEST(PageCodec, GivesBackWhatItPacked) {
    for (const int level : {0, 1, 3})
        for (const auto& memory : {memory_with({0}), memory_with({255}), memory_with({1, 2, 3, 70}),
                                   memory_with({0, 1}, 2 * kPage)}) {
            const auto payload = packed(memory, level);
            PageCodec::Head head;
            ASSERT_TRUE(PageCodec::head(payload, head));
            EXPECT_EQ(head.block, 3u);
            EXPECT_EQ(head.piece, 9u);
            std::vector<std::uint8_t> other(memory.size());
            PageCodec codec;
            EXPECT_EQ(codec.unpack(payload, other), pages_with_data(memory).count());
            EXPECT_EQ(other, memory);
        }
}

TEST(PageCodec, PacksTheSameBytesEveryTime) {
    const auto memory = memory_with({1, 2, 3, 70});
    EXPECT_EQ(packed(memory, 1), packed(memory, 1));
}

TEST(PageCodec, RefusesPagesOutsideOfThePiece) {
    const auto payload = packed(memory_with({5}), 1);
    std::vector<std::uint8_t> small(5 * kPage);
    PageCodec codec;
    EXPECT_FALSE(codec.unpack(payload, small));
    small.resize(6 * kPage);
    EXPECT_TRUE(codec.unpack(payload, small));
}

TEST(PageCodec, RefusesWhatIsNotAPiece) {
    for (const int level : {0, 1}) {
        const auto payload = packed(memory_with({1, 2}), level);
        std::vector<std::uint8_t> memory(kPiece);
        PageCodec codec;
        for (std::size_t size = 0; size < payload.size(); size += size < 64 ? 1 : 97)
            EXPECT_FALSE(codec.unpack({payload.data(), size}, memory)) << size;
        auto longer = payload;
        longer.push_back(0);
        EXPECT_FALSE(codec.unpack(longer, memory));
        auto other = payload;
        other[8] = 7;  // the method
        EXPECT_FALSE(codec.unpack(other, memory));
    }
}

}  // namespace
}  // namespace backplane::kernel::snapshot
