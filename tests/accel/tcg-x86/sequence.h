// A short piece of user code with the state that it starts from, run by the host's processor and by the translator: what the
// oracle makes at random, and what a listing keeps.
#pragma once

#include "host.h"
#include "translated.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace backplane::x86::testing {

struct UserState {
    std::uint64_t gpr[16] = {};
    std::uint64_t flags = rflags::kOne | rflags::kInterrupt;
    std::uint8_t area[512] = {0x7f, 0x03};  ///< as FXSAVE64 writes it (SDM 1, 10.5.1)
    std::uint8_t vectors[16][32] = {};
    std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(kMemorySize);

    UserState();
    /// The part of `memory` that most operands are in: kUsed bytes around its middle.
    static constexpr std::size_t kUsed = 0x2000, kUsedFrom = kMemorySize / 2 - kUsed / 2;
};

void load(Host& host, const UserState& before);
/// Registers alone.
void load(X86State& guest, const UserState& before);
/// Is this signal what a user gets of this exception?
bool same(int signal, Vector vector);
/// Between two FXSAVE images, MXCSR included, pointers to the last instruction aside; empty: none.
std::string x87_difference(const std::uint8_t* host, const std::uint8_t* other);

struct Piece {
    std::vector<std::uint8_t> bytes;
    unsigned skips = 0;  ///< a short jump: over how many of the next pieces
};

struct Sequence {
    UserState before;
    std::vector<Piece> pieces;
    std::vector<std::uint8_t> assemble() const;
};

struct Outcome {
    UserState after;
    std::uint64_t offset = 0;  ///< of what follows the last instruction, or of what raised
    int signal = 0;            ///< the host's; 0: it came to its end
    bool raised = false;       ///< the translator's, `vector`
    Vector vector{};
};

Outcome run(Host& host, const Sequence& sequence);
/// Twice, so that the second time code is there and joined.
Outcome run(TranslatedCpu& translated, const Sequence& sequence);
/// What differs; empty: nothing.
std::string difference(const Outcome& host, const Outcome& translated);

/// The same difference with less: fewer instructions, less of a state.
Sequence reduced(Sequence sequence, Host& host, TranslatedCpu& translated);

/// As text, a line for each thing that is not 0 (docs/translator-x86.md, "Listings").
void write_listing(std::ostream& out, const Sequence& sequence, const Outcome& expected);
/// False: no such text, and why.
bool read_listing(std::istream& in, Sequence& sequence, Outcome& expected, std::string& why);

}  // namespace backplane::x86::testing
