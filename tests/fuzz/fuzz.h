// What the fuzz targets share. With libFuzzer (clang -fsanitize=fuzzer) a target's own file is all that is built. In the
// test suite fuzz_main.cpp is built with it, and replays the files that it is given, or pseudo-random inputs, which the
// target makes so that they reach further than noise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

/// The target.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace backplane::test {

using FuzzInput = std::vector<std::uint8_t>;

/// Each target defines these two: how many inputs the test suite gives it, and number `round` of them.
extern const unsigned kFuzzRounds;
FuzzInput fuzz_input(std::mt19937& random, unsigned round);

inline FuzzInput random_bytes(std::mt19937& random, std::size_t size) {
    FuzzInput bytes(size);
    for (std::uint8_t& byte : bytes) byte = std::uint8_t(random());
    return bytes;
}
inline FuzzInput input_of(std::string_view text) { return {text.begin(), text.end()}; }
template <class Rows>
const auto& any_of(const Rows& rows, std::mt19937& random) {
    return std::data(rows)[random() % std::size(rows)];
}

}  // namespace backplane::test
