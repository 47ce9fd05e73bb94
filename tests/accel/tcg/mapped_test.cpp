// The memory below 2 GiB that vCPUs share: as many fit as a board may have.
#include "plugins/accel/tcg/mapped.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace backplane::tcg {
namespace {

bool is_low(const void* p) { return p && reinterpret_cast<std::uintptr_t>(p) < (std::uintptr_t{1} << 31); }

TEST(HotMemory, FiveHundredAndTwelveVcpusHaveRoomForWhatTheyUse) {
    constexpr unsigned kVcpus = 512, kModes = 4, kContexts = 12;
    std::vector<std::unique_ptr<HotMemory>> all;
    for (unsigned i = 0; i < kVcpus; ++i) {
        auto memory = std::make_unique<HotMemory>(kModes);
        ASSERT_TRUE(is_low(memory->get())) << i;
        for (unsigned mode = 0; mode < kModes; ++mode) ASSERT_TRUE(is_low(memory->get()->tlb[mode] + 1)) << i;
        for (unsigned context = 0; context < kContexts; ++context) {
            ASSERT_TRUE(memory->provide_jumps(context)) << i;
            ASSERT_TRUE(is_low(memory->get()->jumps[context] + kJumpSize)) << i;
        }
        all.push_back(std::move(memory));
    }
}

TEST(HotMemory, TablesAreZeroAndApart) {
    HotMemory memory(2);
    HotArea& area = *memory.get();
    ASSERT_TRUE(memory.provide_jumps(1));
    EXPECT_EQ(area.jumps[2], nullptr);
    EXPECT_EQ(area.tlb[2], nullptr);
    EXPECT_EQ(area.tlb[1]->store.entries[kTlbSize - 1].host, 0u);
    area.tlb[0]->store.entries[kTlbSize - 1].host = 1;
    area.tlb[1]->load.entries[0].host = 2;
    area.jumps[0][kJumpSize - 1].pc = 3;
    area.jumps[1][0].pc = 4;
    EXPECT_EQ(area.tlb[0]->store.entries[kTlbSize - 1].host, 1u);
    EXPECT_EQ(area.jumps[0][kJumpSize - 1].pc, 3u);
    EXPECT_EQ(area.guest_fp_mode, 0u);
    JumpEntry* first = area.jumps[1];
    ASSERT_TRUE(memory.provide_jumps(1));
    EXPECT_EQ(area.jumps[1], first) << "it is kept";
}

}  // namespace
}  // namespace backplane::tcg
