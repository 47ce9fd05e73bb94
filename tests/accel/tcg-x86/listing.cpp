// Sequences as text: `code` with instructions apart by `|` (`>N`: it jumps over the next N), then what the state holds that is
// not 0 or usual, then `after` and what the host's processor left otherwise, `signal` first where it raised one.
#include "sequence.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <sstream>

namespace backplane::x86::testing {

namespace {

constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string hex(const std::uint8_t* bytes, std::size_t size) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t n = 0; n < size; ++n) {
        text += kDigits[bytes[n] >> 4];
        text += kDigits[bytes[n] & 15];
    }
    return text;
}

bool from_hex(const std::string& text, std::uint8_t* bytes, std::size_t size) {
    if (text.size() != 2 * size) return false;
    for (std::size_t n = 0; n < size; ++n) {
        const std::string two = text.substr(2 * n, 2);
        if (two.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
        bytes[n] = std::uint8_t(std::stoul(two, nullptr, 16));
    }
    return true;
}

/// What `state` has otherwise than `usual`.
void write_state(std::ostream& out, const UserState& state, const UserState& usual) {
    out << std::hex;
    for (unsigned n = 0; n < 16; ++n)
        if (state.gpr[n] != usual.gpr[n]) out << kNames[n] << ' ' << state.gpr[n] << '\n';
    constexpr std::uint64_t kShown = kArithmeticFlags | rflags::kDirection;
    if ((state.flags ^ usual.flags) & kShown)
        out << "flags " << ((state.flags & kShown) | rflags::kOne | rflags::kInterrupt) << '\n';
    // Control, status and tags of the x87; MXCSR; its registers.
    if (std::memcmp(state.area, usual.area, 5)) out << "area 0 " << hex(state.area, 5) << '\n';
    if (std::memcmp(state.area + kMxcsrOffset, usual.area + kMxcsrOffset, 4))
        out << "area 18 " << hex(state.area + kMxcsrOffset, 4) << '\n';
    for (unsigned at = 32; at < kVectorOffset; at += 16)
        if (std::memcmp(state.area + at, usual.area + at, 10))
            out << "area " << at << ' ' << hex(state.area + at, 10) << '\n';
    for (unsigned n = 0; n < 16; ++n)
        if (std::memcmp(state.vectors[n], usual.vectors[n], 32))
            out << "vector " << n << ' ' << hex(state.vectors[n], 32) << '\n';
    constexpr std::size_t kRow = 16;
    for (std::size_t at = 0; at < kMemorySize; at += kRow)
        if (std::memcmp(state.memory.data() + at, usual.memory.data() + at, kRow))
            out << "memory " << at << ' ' << hex(state.memory.data() + at, kRow) << '\n';
}

bool read_code(std::istringstream& line, std::vector<Piece>& pieces) {
    pieces.emplace_back();
    for (std::string word; line >> word;) {
        std::uint8_t byte = 0;
        if (word == "|") pieces.emplace_back();
        else if (word[0] == '>') pieces.back().skips = unsigned(std::stoul(word.substr(1)));
        else if (from_hex(word, &byte, 1)) pieces.back().bytes.push_back(byte);
        else return false;
    }
    return true;
}

/// A line of what write_state() writes.
bool read_state(const std::string& name, std::istringstream& line, UserState& state) {
    const auto* const known = std::find(std::begin(kNames), std::end(kNames), name);
    if (known != std::end(kNames)) return bool(line >> std::hex >> state.gpr[known - std::begin(kNames)]);
    if (name == "flags") return bool(line >> std::hex >> state.flags);
    std::size_t at = 0;
    std::string bytes;
    if (!(line >> std::hex >> at >> bytes)) return false;
    const std::size_t size = bytes.size() / 2;
    if (name == "vector" && at < 16) return from_hex(bytes, state.vectors[at], 32);
    if (name == "area" && at + size <= sizeof state.area) return from_hex(bytes, state.area + at, size);
    if (name == "memory" && at + size <= kMemorySize) return from_hex(bytes, state.memory.data() + at, size);
    return false;
}

}  // namespace

void write_listing(std::ostream& out, const Sequence& sequence, const Outcome& expected) {
    out << "code";
    const char* between = "";
    for (const Piece& piece : sequence.pieces) {
        out << between;
        between = " |";
        for (const std::uint8_t byte : piece.bytes) out << ' ' << hex(&byte, 1);
        if (piece.skips) out << " >" << std::dec << piece.skips;
    }
    out << '\n';
    write_state(out, sequence.before, UserState());
    out << "after\n";
    if (expected.signal) out << "signal " << std::dec << expected.signal << ' ' << expected.offset << '\n';
    write_state(out, expected.after, sequence.before);
}

bool read_listing(std::istream& in, Sequence& sequence, Outcome& expected, std::string& why) {
    sequence = {};
    expected = {};
    bool after = false;
    for (std::string text; std::getline(in, text);) {
        std::istringstream line(text);
        std::string name;
        if (!(line >> name) || name[0] == '#') continue;
        bool good = true;
        if (name == "code") {
            good = read_code(line, sequence.pieces);
        } else if (name == "after") {
            after = true;
            expected.after = sequence.before;
            expected.offset = sequence.assemble().size();
        } else if (name == "signal") {
            good = after && bool(line >> expected.signal >> expected.offset);
        } else {
            good = read_state(name, line, after ? expected.after : sequence.before);
        }
        if (!good) {
            why = "not understood: " + text;
            return false;
        }
    }
    if (sequence.pieces.empty() || !after) why = "no code, or no `after`";
    return why.empty();
}

}  // namespace backplane::x86::testing
