// A guest that does anything at all to the devices of the RISC-V virt board: random accesses of every size, with a
// fixed seed. What they do is not looked at; that nothing crashes, hangs or trips a sanitizer is.
#include "tests/boards/board_bench.h"

#include <gtest/gtest.h>

#include <random>

namespace backplane::testing {
namespace {

struct Window {
    std::uint64_t base;
    std::uint64_t size;
};
constexpr Window kWindows[] = {
    {0x1000, 0x100},      {0x100000, 0x10},      {0x101000, 0x24},     {0x2000000, 0x40},
    {0x2004000, 0x40},    {0x200bff8, 8},        {0x2f00000, 0x20},    {0xc000000, 0x200},
    {0xc001000, 0x10},    {0xc002000, 0x400},    {0xc200000, 0x10},    {0xc201000, 0x10},
    {0x10000000, 8},      {0x10001000, 0x200},   {0x10008000, 0x200},  {0x10100000, 0x18},
    {0x20000000, 0x1000}, {0x22040000, 0x100},   {0x30000000, 0x1000}, {0x30008000, 0x1000},
    {0x40000000, 0x8000}, {0x400000000, 0x8000}, {0x3000000, 0x100},   {0x80000000, 0x10000},
    {0x5fffff0, 0x20},
};

class Guest {
  public:
    Guest(BoardBench& board, unsigned seed) : board_(board), random_(seed) {}

    void act(unsigned times) {
        for (unsigned i = 0; i < times; ++i) {
            const Window& window = kWindows[random_() % std::size(kWindows)];
            const std::uint64_t address = window.base + random_() % window.size;
            const unsigned size = 1u << random_() % 4;
            if (random_() % 3 == 0) board_.load(address & ~std::uint64_t(size - 1), size);
            else board_.store(address & ~std::uint64_t(size - 1), value(), size);
            if (random_() % 4096 == 0) board_.machine().reset();
        }
    }

  private:
    /// Mostly small numbers, addresses in memory, and ones: what registers react to.
    std::uint64_t value() {
        switch (random_() % 6) {
        case 0: return random_() % 256;
        case 1: return 0x80000000 + random_() % 0x10000;
        case 2: return ~std::uint64_t{0};
        case 3: return std::uint64_t{1} << random_() % 64;
        case 4: return 0x40000000 + (random_() % 8 << 12);
        default: return random_();
        }
    }
    BoardBench& board_;
    std::mt19937_64 random_;
};

class RiscvVirtFuzz : public ::testing::TestWithParam<unsigned> {};

TEST_P(RiscvVirtFuzz, NothingThatAGuestDoesToDevicesHurtsTheHost) {
    BoardOptions options{.machine = "riscv-virt-machine", .cpu = "rv64-riscv-cpu"};
    options.properties = {{"aclint", "on"}, {"firmware", "none"}};
    options.ram_size = 16 << 20;
    options.topology = {.cpus = 2, .max_cpus = 2, .sockets = 1, .clusters = 1, .cores = 2, .threads = 1};
    options.devices = {{"virtio-serial-pci", {{"addr", "1"}}}};
    BoardBench board(options);
    Guest(board, GetParam()).act(30'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RiscvVirtFuzz, ::testing::Range(1u, 5u));

}  // namespace
}  // namespace backplane::testing
