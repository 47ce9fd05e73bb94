// The main function of a comparison with the host's processor, as a test and for as long as one lets it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace backplane::x86::testing {

/// The registers of which are compared.
inline bool host_has_avx() { return __builtin_cpu_supports("avx") != 0; }

/// `PROGRAM [SECONDS [SEED]]`: steps of `Comparison`, made from the seed, for so long in processor time, or until ten differ.
/// 77: the host cannot be compared with. 1 also where fewer than `least` were compared.
template <class Comparison>
int run_comparison(int argc, char** argv, unsigned long least) {
    if (!host_has_avx()) {
        std::puts("skipped: this host's processor has no AVX, whose registers are compared");
        return 77;
    }
    constexpr unsigned kMostWrong = 10;
    const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
    Comparison comparison(argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 1);
    const std::clock_t end = std::clock() + std::clock_t(seconds * CLOCKS_PER_SEC);
    unsigned wrong = 0;
    while (std::clock() < end && wrong < kMostWrong)
        if (!comparison.step()) ++wrong;
    comparison.summarize(wrong);
    return wrong != 0 || comparison.compared() < least;
}

}  // namespace backplane::x86::testing
