// A board that is being saved: its devices are what was taken down until that is over.
#include "boards/saved/saved_board.h"
#include "tests/saving.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kUart = 0x10000000, kFifoControl = kUart + 2;

TEST(Standstill, AUartNeitherHearsNorSpeaks) {
    SavedBoard board(SavedBoard::options());
    FakeChar& terminal = board.terminal();
    board.bench.store(kFifoControl, 1, 1);
    terminal.room = 1;
    for (const char letter : {'o', 'u', 't'}) board.bench.store(kUart, std::uint64_t(letter), 1);
    EXPECT_EQ(terminal.front->can_receive(), 16u);
    {
        const Saving saving(kernel::host_of(*board.parts().devices.all().front()));
        terminal.room = 16;
        terminal.front->can_send();
        EXPECT_EQ(terminal.written, "o") << "what the state says is still to be sent would be sent twice";
        EXPECT_EQ(terminal.front->can_receive(), 0u);
        terminal.accepts = 0;
    }
    EXPECT_EQ(terminal.written, "out");
    EXPECT_EQ(terminal.front->can_receive(), 16u);
    EXPECT_GE(terminal.accepts, 1u);
}

}  // namespace
}  // namespace backplane::testing
