// Draft: needs the exact host build. The extensions that a RISC-V hart can have.
#pragma once

#include <backplane/draft/mark.h>

#include <cstdint>

namespace backplane::riscv {

/// Bits of HartState::extensions. The base is always I with 64-bit registers. Supervisor mode without User does
/// not exist.
enum class Extension : std::uint64_t {
    M = 1ull << 0,
    A = 1ull << 1,
    F = 1ull << 2,
    D = 1ull << 3,
    C = 1ull << 4,
    S = 1ull << 5,  ///< supervisor mode
    U = 1ull << 6,  ///< user mode
    Zicsr = 1ull << 7,
    Zifencei = 1ull << 8,
    Zicntr = 1ull << 9,  ///< cycle, time, instret
    Zihpm = 1ull << 10,  ///< hpmcounter3–31 (all read as zero)
    Zihintpause = 1ull << 11,
    Zba = 1ull << 12,
    Zbb = 1ull << 13,
    Zbc = 1ull << 14,
    Zbs = 1ull << 15,
    Sstc = 1ull << 16,
    Svinval = 1ull << 17,
    Svnapot = 1ull << 18,
    Svadu = 1ull << 19,  ///< hardware sets A and D; without it (Svade) a page fault asks software to
    Pmp = 1ull << 20,    ///< not an extension by name: pmpcfg and pmpaddr exist
    Sv39 = 1ull << 21,   ///< satp modes
    Sv48 = 1ull << 22,
    Sv57 = 1ull << 23,
};

constexpr std::uint64_t bit(Extension extension) { return static_cast<std::uint64_t>(extension); }

}  // namespace backplane::riscv
