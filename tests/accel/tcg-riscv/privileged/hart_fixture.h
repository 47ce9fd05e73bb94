// A hart state without a machine: time stands where the test puts it.
#pragma once

#include "plugins/accel/tcg-riscv/privileged/privileged.h"

namespace backplane::riscv {

struct FakeServices final : HartServices {
    std::uint64_t ticks = 0;
    std::uint64_t ns = 0;
    unsigned timer_changes = 0;

    std::uint64_t time() const override { return ticks; }
    std::uint64_t now_ns() const override { return ns; }
    void supervisor_timer_changed() override { ++timer_changes; }
};

inline constexpr std::uint64_t kFullSet =
    bit(Extension::M) | bit(Extension::A) | bit(Extension::F) | bit(Extension::D) | bit(Extension::C) |
    bit(Extension::S) | bit(Extension::U) | bit(Extension::Zicsr) | bit(Extension::Zifencei) |
    bit(Extension::Zicntr) | bit(Extension::Zihpm) | bit(Extension::Sstc) | bit(Extension::Svinval) |
    bit(Extension::Svnapot) | bit(Extension::Svadu) | bit(Extension::Pmp) | bit(Extension::Sv39) |
    bit(Extension::Sv48) | bit(Extension::Sv57);

/// A hart with everything, in M mode, as after reset, but for PMP: no entries unless a test asks.
struct TestHart {
    explicit TestHart(std::uint64_t extensions = kFullSet) {
        state.services = &services;
        state.extensions = extensions;
        state.mstatus = mstatus::kUxl64 | mstatus::kSxl64;
        state.menvcfg = envcfg::kAdue;
    }
    CsrResult write(unsigned number, std::uint64_t value) {
        return access_csr(state, number, CsrOperation::Write, value);
    }
    CsrResult set(unsigned number, std::uint64_t bits) {
        return access_csr(state, number, CsrOperation::Set, bits);
    }
    CsrResult clear(unsigned number, std::uint64_t bits) {
        return access_csr(state, number, CsrOperation::Clear, bits);
    }
    CsrResult read(unsigned number) { return access_csr(state, number, CsrOperation::Read, 0); }
    std::uint64_t value(unsigned number) {
        const Privilege mode = state.privilege;
        state.privilege = Privilege::Machine;
        const std::uint64_t result = read(number).value;
        state.privilege = mode;
        return result;
    }
    void enter(Privilege mode) { state.privilege = mode; }

    FakeServices services;
    HartState state;
};

}  // namespace backplane::riscv
