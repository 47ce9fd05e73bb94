#include "tests/fuzz/fuzz.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

using namespace backplane::test;

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);  // for targets that use its assertions
    for (int index = 1; index < argc; ++index) {
        std::ifstream file(argv[index], std::ios::binary);
        if (!file) {
            std::fprintf(stderr, "%s: cannot be read\n", argv[index]);
            return 1;
        }
        const FuzzInput bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    if (argc > 1) return 0;
    std::mt19937 random(1);
    for (unsigned round = 0; round < kFuzzRounds; ++round) {
        const FuzzInput input = fuzz_input(random, round);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    return 0;
}
