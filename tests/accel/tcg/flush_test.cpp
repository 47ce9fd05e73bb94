// What flushes of the soft TLB take with them, and what they leave: jumps that are remembered go with the mappings that led
// there.
#include "harness.h"

#include <gtest/gtest.h>

namespace backplane::tcg::testing {
namespace {

/// Two virtual pages, each mapped to the one or the other of two physical ones; code in page 0 of RAM jumps to them.
class FlushTest : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kFirst = kRamBase + 0x40000, kSecond = kRamBase + 0x41000;
    static constexpr std::uint64_t kOld = kRamBase + 0x1000, kNew = kRamBase + 0x2000;

    FlushTest() {
        to = kOld;
        first_is_global = false;
        m.front_end.walk = [this](const FillRequest& request, FillAnswer& answer) {
            const std::uint64_t page = request.address & ~std::uint64_t{4095};
            const bool mapped = page == kFirst || page == kSecond;
            if (mapped) ++walks[page == kSecond];
            answer = {mapped ? to + (request.address & 4095) : request.address, true, true, true};
            answer.global = !mapped || (page == kFirst && first_is_global);
            answer.page_bits = mapped ? bits : std::uint8_t{12};
            return true;
        };
        // Pages of code: x5 says which of the physical ones it was; back to x6.
        for (const std::uint64_t page : {kOld, kNew}) {
            const std::uint32_t note = m.plain(
                [page](Builder& b) { b.add_shifted(X(5), X(5), b.constant(page == kNew ? 2 : 1), 2); });
            const std::uint32_t back = m.define([](Builder& b, UnitTranslation&) {
                b.goto_value(X(6));
                return Translated::End;
            });
            m.place(page, {note, back});
        }
    }
    std::uint32_t jump_to(std::uint64_t target) {
        return m.define([target](Builder& b, UnitTranslation& u) {
            b.mov(X(6), b.constant(u.pc + 4));
            b.mov(X(7), b.constant(target));
            b.goto_value(X(7));
            return Translated::End;
        });
    }
    std::uint32_t call(Helper0 function) {
        return m.define([function](Builder& b, UnitTranslation& u) {
            b.call({}, function, "flush", helper::kAll, {});
            b.store_state(offsetof(GuestState, pc), b.constant(u.pc + 4), mem::k64);
            b.leave(LeaveKind::Continue);
            return Translated::End;
        });
    }

    Machine m;
    static std::uint64_t to;  ///< what both are mapped to
    static bool first_is_global;
    std::uint8_t bits = 12;
    unsigned walks[2] = {};
};
std::uint64_t FlushTest::to = kOld;
bool FlushTest::first_is_global = false;

TEST_F(FlushTest, OfOneAddressSpaceLeavesGlobalPages) {
    first_is_global = true;
    const std::uint32_t first = jump_to(kFirst), second = jump_to(kSecond);
    const std::uint32_t flush = call([](void* state) -> std::uint64_t {
        to = kNew;
        vcpu_of(state).flush_tlb_local();
        return 0;
    });
    m.run({first, second, first, second, flush, first, second, first, second});
    EXPECT_EQ(m.guest().x[5], 0b01'01'01'01'01'10'01'10u);
    EXPECT_EQ(walks[0], 1u);
    EXPECT_EQ(walks[1], 2u);
}

/// An entry of the other kind that takes the place of one is flushed as what it is.
TEST_F(FlushTest, OfOneAddressSpaceTakesWhatIsGlobalNoLonger) {
    first_is_global = true;
    const std::uint32_t first = jump_to(kFirst);
    const std::uint32_t change = call([](void* state) -> std::uint64_t {
        first_is_global = false;
        vcpu_of(state).flush_tlb_page(kFirst);
        return 0;
    });
    const std::uint32_t flush = call([](void* state) -> std::uint64_t {
        to = kNew;
        vcpu_of(state).flush_tlb_local();
        return 0;
    });
    m.run({first, change, first, flush, first});
    EXPECT_EQ(m.guest().x[5], 0b01'01'10u);
}

TEST_F(FlushTest, OfAPartOfALargeMappingIsOneOfAllOfIt) {
    bits = 21;
    const std::uint32_t first = jump_to(kFirst), second = jump_to(kSecond);
    const std::uint32_t flush = call([](void* state) -> std::uint64_t {
        to = kNew;
        vcpu_of(state).flush_tlb_page(kFirst);
        return 0;
    });
    m.run({first, second, second, flush, second, first});
    EXPECT_EQ(m.guest().x[5], 0b01'01'01'10'10u);
}

}  // namespace
}  // namespace backplane::tcg::testing
