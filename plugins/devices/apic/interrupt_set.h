// 256 vectors, a bit each: IRR, ISR and TMR (SDM 3A 11.8.4).
#pragma once

#include <backplane/state.h>

#include <bit>

namespace backplane::apic {

struct InterruptSet {
    std::uint32_t words[8] = {};

    bool has(unsigned vector) const { return (words[vector / 32] >> vector % 32 & 1) != 0; }
    void set(unsigned vector, bool on) {
        const std::uint32_t bit = 1u << vector % 32;
        words[vector / 32] = on ? words[vector / 32] | bit : words[vector / 32] & ~bit;
    }
    /// The highest; -1: none.
    int highest() const {
        for (int word = 7; word >= 0; --word)
            if (words[word]) return word * 32 + 31 - std::countl_zero(words[word]);
        return -1;
    }
};

}  // namespace backplane::apic
