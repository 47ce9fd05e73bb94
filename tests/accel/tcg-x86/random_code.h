// Random user-mode instructions and states, edges more often than what lies between.
#pragma once

#include "sequence.h"

#include <random>

namespace backplane::x86::testing {

/// What a user process may execute here without leaving its place, and gives the same twice.
bool comparable(const Instruction& instruction);
/// That, without what leaves flags open, always raises, or is looked at differently by processors.
bool comparable_in_sequence(const Instruction& instruction);

class RandomCode {
  public:
    explicit RandomCode(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    /// Any bytes of which some begin an instruction.
    void any(std::uint8_t (&code)[16]);
    /// What compilers use.
    void usual(std::uint8_t (&code)[16]);
    void state(UserState& state);

  private:
    /// x87, MMX, vectors with an operand that is not in ModRM.
    void computing(std::uint8_t (&code)[16]);
    std::uint64_t interesting();
    void fill(std::uint8_t* to, std::size_t size);

    std::mt19937_64 random_;
};

}  // namespace backplane::x86::testing
