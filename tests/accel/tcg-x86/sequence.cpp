#include "sequence.h"

#include <algorithm>
#include <csignal>

namespace backplane::x86::testing {

namespace {

constexpr std::uint64_t kComparedFlags = kArithmeticFlags | rflags::kDirection;

std::string different(const char* what, unsigned number, std::uint64_t host, std::uint64_t translated) {
    char text[120];
    std::snprintf(text, sizeof text, "%s %u: host %llx, translator %llx", what, number,
                  static_cast<unsigned long long>(host), static_cast<unsigned long long>(translated));
    return text;
}

}  // namespace

bool same(int signal, Vector vector) {
    switch (vector) {
    case Vector::DivideError:
    case Vector::MathFault:
    case Vector::SimdFault: return signal == SIGFPE;
    // A host that is itself a guest may look at the operand first.
    case Vector::InvalidOpcode: return signal == SIGILL || signal == SIGSEGV || signal == SIGBUS;
    case Vector::StackFault:
    case Vector::GeneralProtection:
    case Vector::PageFault: return signal == SIGSEGV || signal == SIGBUS;
    default: return false;
    }
}

std::string x87_difference(const std::uint8_t* host, const std::uint8_t* other) {
    if (std::memcmp(host, other, 5)) return "x87 control, status or tags";
    if (std::memcmp(host + kMxcsrOffset, other + kMxcsrOffset, 4)) return "MXCSR";
    for (unsigned n = 0; n < 8; ++n)
        if (std::memcmp(host + 32 + 16 * n, other + 32 + 16 * n, 10))
            return "x87 register " + std::to_string(n);
    return {};
}

void load(Host& host, const UserState& before) {
    HostState& state = host.state();
    std::copy(std::begin(before.gpr), std::end(before.gpr), state.gpr);
    state.flags = before.flags;
    std::memcpy(state.area, before.area, sizeof state.area);
    std::memcpy(state.vectors, before.vectors, sizeof state.vectors);
    std::memcpy(host.memory(), before.memory.data(), kMemorySize);
}

void load(X86State& guest, const UserState& before) {
    std::copy(std::begin(before.gpr), std::end(before.gpr), guest.gpr);
    guest.rflags = before.flags;
    std::memcpy(guest.xsave, before.area, sizeof before.area);
    constexpr std::uint64_t kAll = 7;
    std::memcpy(guest.xsave + kXsaveHeader, &kAll, sizeof kAll);
    for (unsigned n = 0; n < 16; ++n) {
        std::memcpy(guest.xsave + kVectorOffset + 16 * n, before.vectors[n], 16);
        std::memcpy(guest.xsave + kUpperOffset + 16 * n, before.vectors[n] + 16, 16);
    }
}

UserState::UserState() {
    constexpr std::uint32_t kMasked = 0x1f80;
    std::memcpy(area + kMxcsrOffset, &kMasked, sizeof kMasked);
}

std::vector<std::uint8_t> Sequence::assemble() const {
    std::vector<std::uint8_t> code;
    for (std::size_t n = 0; n < pieces.size(); ++n) {
        code.insert(code.end(), pieces[n].bytes.begin(), pieces[n].bytes.end());
        if (!pieces[n].skips) continue;
        std::size_t over = 0;
        for (std::size_t next = n + 1; next < pieces.size() && next <= n + pieces[n].skips; ++next)
            over += pieces[next].bytes.size();
        code.back() = std::uint8_t(over);
    }
    return code;
}

Outcome run(Host& host, const Sequence& sequence) {
    const std::vector<std::uint8_t> code = sequence.assemble();
    load(host, sequence.before);
    const HostState& state = host.state();
    Outcome outcome;
    outcome.signal = host.run(code.data(), unsigned(code.size())).value_or(0);
    outcome.offset = host.offset();
    std::copy(std::begin(state.gpr), std::end(state.gpr), outcome.after.gpr);
    outcome.after.flags = state.flags;
    std::memcpy(outcome.after.area, state.area, sizeof state.area);
    std::memcpy(outcome.after.vectors, state.vectors, sizeof state.vectors);
    std::memcpy(outcome.after.memory.data(), host.memory(), kMemorySize);
    return outcome;
}

Outcome run(TranslatedCpu& translated, const Sequence& sequence) {
    const std::vector<std::uint8_t> code = sequence.assemble();
    translated.set_code(kCode, code.data(), unsigned(code.size()));
    X86State& state = translated.guest;
    std::optional<Vector> vector;
    for (unsigned time = 0; time < 2; ++time) {
        load(state, sequence.before);
        state.pc = kCode;
        std::memcpy(translated.memory(), sequence.before.memory.data(), kMemorySize);
        vector = translated.run();
    }
    Outcome outcome;
    outcome.raised = vector.has_value();
    outcome.vector = vector.value_or(Vector{});
    outcome.offset = state.pc - kCode;
    std::copy(std::begin(state.gpr), std::end(state.gpr), outcome.after.gpr);
    outcome.after.flags = state.rflags;
    std::memcpy(outcome.after.area, state.xsave, sizeof outcome.after.area);
    for (unsigned n = 0; n < 16; ++n) {
        std::memcpy(outcome.after.vectors[n], state.xsave + kVectorOffset + 16 * n, 16);
        std::memcpy(outcome.after.vectors[n] + 16, state.xsave + kUpperOffset + 16 * n, 16);
    }
    std::memcpy(outcome.after.memory.data(), translated.memory(), kMemorySize);
    return outcome;
}

std::string difference(const Outcome& host, const Outcome& translated) {
    if ((host.signal != 0) != translated.raised || (host.signal && !same(host.signal, translated.vector)))
        return "the host got signal " + std::to_string(host.signal) + ", the translator " +
               (translated.raised ? "exception " + std::to_string(unsigned(translated.vector)) : "nothing");
    if (host.offset != translated.offset) return different("offset", 0, host.offset, translated.offset);
    for (unsigned n = 0; n < 16; ++n)
        if (host.after.gpr[n] != translated.after.gpr[n])
            return different("register", n, host.after.gpr[n], translated.after.gpr[n]);
    const std::uint64_t found = (host.after.flags ^ translated.after.flags) & kComparedFlags;
    if (found)
        return different("flags", 0, host.after.flags & kComparedFlags,
                         translated.after.flags & kComparedFlags);
    for (unsigned n = 0; n < 16; ++n)
        if (std::memcmp(host.after.vectors[n], translated.after.vectors[n], 32))
            return "vector register " + std::to_string(n);
    if (const std::string what = x87_difference(host.after.area, translated.after.area); !what.empty())
        return what;
    const auto [left, right] =
        std::mismatch(host.after.memory.begin(), host.after.memory.end(), translated.after.memory.begin());
    if (left != host.after.memory.end())
        return different("memory at", unsigned(left - host.after.memory.begin()), *left, *right);
    return {};
}

Sequence reduced(Sequence sequence, Host& host, TranslatedCpu& translated) {
    const auto differs = [&](const Sequence& candidate) {
        return !difference(run(host, candidate), run(translated, candidate)).empty();
    };
    const auto try_it = [&](auto change) {
        Sequence candidate = sequence;
        change(candidate);
        if (differs(candidate)) sequence = std::move(candidate);
    };
    for (std::size_t n = sequence.pieces.size(); n-- > 0;)
        try_it([n](Sequence& s) { s.pieces.erase(s.pieces.begin() + long(n)); });
    const UserState plain;
    for (unsigned n = 0; n < 16; ++n) {
        try_it([n](Sequence& s) { s.before.gpr[n] = 0; });
        try_it([n](Sequence& s) { std::memset(s.before.vectors[n], 0, 32); });
        try_it([n](Sequence& s) { std::memset(s.before.vectors[n] + 16, 0, 16); });
    }
    try_it([&plain](Sequence& s) { s.before.flags = plain.flags; });
    try_it([&plain](Sequence& s) { std::memcpy(s.before.area, plain.area, kMxcsrOffset); });
    try_it(
        [&plain](Sequence& s) { std::memcpy(s.before.area + kMxcsrOffset, plain.area + kMxcsrOffset, 4); });
    for (unsigned n = 0; n < 8; ++n)
        try_it([n](Sequence& s) { std::memset(s.before.area + 32 + 16 * n, 0, 16); });
    for (std::size_t size = UserState::kUsed; size >= 8; size /= 2)
        for (std::size_t at = 0; at < UserState::kUsed; at += size) {
            const auto from = sequence.before.memory.begin() + long(UserState::kUsedFrom + at);
            if (std::all_of(from, from + long(size), [](std::uint8_t byte) { return byte == 0; })) continue;
            try_it([at, size](Sequence& s) {
                std::memset(s.before.memory.data() + UserState::kUsedFrom + at, 0, size);
            });
        }
    return sequence;
}

}  // namespace backplane::x86::testing
