// Fuzzes the memory map: the input is a script of regions made, moved, switched and removed; each state is compared
// with the oracle of the unit tests. With libFuzzer (clang -fsanitize=fuzzer) this is the target; in the test suite
// main() replays the files it is given, or pseudo-random scripts.
#include "tests/kernel/memory/map_scenario.h"

#include <fstream>
#include <iterator>
#include <random>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    backplane::test::MapScenario(std::span(data, size)).run();
    if (::testing::Test::HasFailure()) __builtin_trap();
    return 0;
}

#ifndef BACKPLANE_LIBFUZZER
int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    for (int index = 1; index < argc; ++index) {
        std::ifstream file(argv[index], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    if (argc > 1) return 0;
    std::mt19937 random(1);
    for (int round = 0; round < 500; ++round) {
        std::vector<std::uint8_t> script(random() % 800);
        for (std::uint8_t& byte : script) byte = std::uint8_t(random() % (round % 2 ? 256 : 48));
        LLVMFuzzerTestOneInput(script.data(), script.size());
    }
    return 0;
}
#endif
