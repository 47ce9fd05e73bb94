// Fuzzes the memory map: the input is a script of regions made, moved, switched and removed; each state is compared
// with the oracle of the unit tests.
#include "tests/fuzz/fuzz.h"
#include "tests/kernel/memory/map_scenario.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    backplane::test::MapScenario(std::span(data, size)).run();
    if (::testing::Test::HasFailure()) __builtin_trap();
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 500;

FuzzInput fuzz_input(std::mt19937& random, unsigned round) {
    FuzzInput script = random_bytes(random, random() % 800);
    if (round % 2 == 0)
        for (std::uint8_t& byte : script) byte %= 48;
    return script;
}

}  // namespace backplane::test
