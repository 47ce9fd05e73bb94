// Every CSR of our harts, one line each, in order of number. Priv 2.2; Sstc 1.0.
//
// Not there, so illegal: debug and trigger registers, mseccfg, mstateen, hypervisor and vector registers, and the
// upper halves that only RV32 has.
#include "csr_table.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace backplane::riscv {

namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

template <auto Member>
std::uint64_t field(const HartState& state, unsigned) {
    return state.*Member;
}
template <auto Member, std::uint64_t Mask = kAll>
std::uint32_t set_field(HartState& state, unsigned, std::uint64_t value) {
    state.*Member = value & Mask;
    return kNoEffect;
}
std::uint64_t zero(const HartState&, unsigned) { return 0; }

bool has_supervisor(const HartState& state, unsigned) { return state.has(Extension::S); }
bool has_user(const HartState& state, unsigned) { return state.has(Extension::U); }
bool since_v1_11(const HartState& state, unsigned) { return state.privileged_version >= 11; }
bool since_v1_12(const HartState& state, unsigned) { return state.privileged_version >= 12; }
bool user_since_v1_12(const HartState& state, unsigned) {
    return state.privileged_version >= 12 && state.has(Extension::U);
}
bool supervisor_since_v1_12(const HartState& state, unsigned) {
    return state.privileged_version >= 12 && state.has(Extension::S);
}

constexpr auto kMode = kFlagsChanged | kCheckInterrupts | kFlushTlb;  // what a write to mstatus can bring
constexpr auto kIrq = kCheckInterrupts;
constexpr auto kFlags = kFlagsChanged;
constexpr auto kFrmEffects = kFlagsChanged | kRoundingChanged;
using S = HartState;

constexpr CsrRow one(std::uint16_t number, const char* name, std::uint32_t effects,
                     decltype(CsrRow::legal) legal, decltype(CsrRow::read) read,
                     decltype(CsrRow::write) write) {
    return {number, number, name, -1, effects, legal, read, write, nullptr};
}
constexpr CsrRow run(std::uint16_t first, std::uint16_t last, const char* name, int base,
                     std::uint32_t effects, decltype(CsrRow::legal) legal, decltype(CsrRow::read) read,
                     decltype(CsrRow::write) write) {
    return {first, last, name, base, effects, legal, read, write, nullptr};
}
constexpr CsrRow combined(std::uint16_t number, const char* name, decltype(CsrRow::legal) legal,
                          decltype(CsrRow::operate) operate) {
    return {number, number, name, -1, kIrq, legal, nullptr, nullptr, operate};
}

constexpr CsrRow kRows[] = {
    one(kFflags, "fflags", kFlags, float_legal, read_fflags, write_fflags),
    one(kFrm, "frm", kFrmEffects, float_legal, read_frm, write_frm),
    one(kFcsr, "fcsr", kFrmEffects, float_legal, read_fcsr, write_fcsr),

    one(kSstatus, "sstatus", kMode, has_supervisor, read_sstatus, write_sstatus),
    one(kSie, "sie", kIrq, has_supervisor, read_sie, write_sie),
    one(kStvec, "stvec", kNoEffect, has_supervisor, field<&S::stvec>, write_stvec),
    one(kScounteren, "scounteren", kNoEffect, has_supervisor, field<&S::scounteren>,
        set_field<&S::scounteren, 0xffffffff>),
    one(kSenvcfg, "senvcfg", kNoEffect, supervisor_since_v1_12, field<&S::senvcfg>,
        set_field<&S::senvcfg, envcfg::kFiom>),
    one(kSscratch, "sscratch", kNoEffect, has_supervisor, field<&S::sscratch>, set_field<&S::sscratch>),
    one(kSepc, "sepc", kNoEffect, has_supervisor, read_sepc, write_sepc),
    one(kScause, "scause", kNoEffect, has_supervisor, field<&S::scause>, set_field<&S::scause>),
    one(kStval, "stval", kNoEffect, has_supervisor, field<&S::stval>, set_field<&S::stval>),
    combined(kSip, "sip", has_supervisor, operate_sip),
    one(kStimecmp, "stimecmp", kIrq, stimecmp_legal, read_stimecmp, write_stimecmp),
    one(kSatp, "satp", kSatpChanged, satp_legal, field<&S::satp>, write_satp),

    one(kMstatus, "mstatus", kMode, nullptr, read_mstatus, write_mstatus),
    one(kMisa, "misa", kNoEffect, nullptr, field<&S::misa>, nullptr),
    one(kMedeleg, "medeleg", kNoEffect, has_supervisor, field<&S::medeleg>, write_medeleg),
    one(kMideleg, "mideleg", kIrq, has_supervisor, field<&S::mideleg>, write_mideleg),
    one(kMie, "mie", kIrq, nullptr, read_mie, write_mie),
    one(kMtvec, "mtvec", kNoEffect, nullptr, field<&S::mtvec>, write_mtvec),
    one(kMcounteren, "mcounteren", kNoEffect, has_user, field<&S::mcounteren>,
        set_field<&S::mcounteren, 0xffffffff>),
    one(kMenvcfg, "menvcfg", kIrq | kFlushTlb, user_since_v1_12, field<&S::menvcfg>, write_menvcfg),
    one(kMcountinhibit, "mcountinhibit", kNoEffect, since_v1_11, read_mcountinhibit, write_mcountinhibit),
    run(kMhpmevent3, kMhpmevent31, "mhpmevent", 3, kNoEffect, nullptr, zero, nullptr),
    one(kMscratch, "mscratch", kNoEffect, nullptr, field<&S::mscratch>, set_field<&S::mscratch>),
    one(kMepc, "mepc", kNoEffect, nullptr, read_mepc, write_mepc),
    one(kMcause, "mcause", kNoEffect, nullptr, field<&S::mcause>, set_field<&S::mcause>),
    one(kMtval, "mtval", kNoEffect, nullptr, field<&S::mtval>, set_field<&S::mtval>),
    combined(kMip, "mip", nullptr, operate_mip),
    run(kPmpcfg0, kPmpcfg0 + 3, "pmpcfg", 0, kFlushTlb, pmp_legal, read_pmpcfg, write_pmpcfg),
    run(kPmpaddr0, kPmpaddr15, "pmpaddr", 0, kFlushTlb, pmp_legal, read_pmpaddr, write_pmpaddr),

    one(kMcycle, "mcycle", kNoEffect, nullptr, read_cycle, write_mcycle),
    one(kMinstret, "minstret", kNoEffect, nullptr, read_instret, write_minstret),
    run(kMhpmcounter3, kMhpmcounter31, "mhpmcounter", 3, kNoEffect, nullptr, zero, nullptr),

    one(kCycle, "cycle", kNoEffect, counter_legal, read_cycle, nullptr),
    one(kTime, "time", kNoEffect, counter_legal, read_time, nullptr),
    one(kInstret, "instret", kNoEffect, counter_legal, read_instret, nullptr),
    run(kHpmcounter3, kHpmcounter31, "hpmcounter", 3, kNoEffect, hpm_counter_legal, zero, nullptr),

    one(kMvendorid, "mvendorid", kNoEffect, nullptr, field<&S::mvendorid>, nullptr),
    one(kMarchid, "marchid", kNoEffect, nullptr, field<&S::marchid>, nullptr),
    one(kMimpid, "mimpid", kNoEffect, nullptr, field<&S::mimpid>, nullptr),
    one(kMhartid, "mhartid", kNoEffect, nullptr, field<&S::mhartid>, nullptr),
    one(kMconfigptr, "mconfigptr", kNoEffect, since_v1_12, zero, nullptr),
};

constexpr unsigned kCsrCount = 4096;
static_assert(std::size(kRows) < 255);

/// The row of each number, 255 for none: an access is one load away from its functions.
constexpr std::array<std::uint8_t, kCsrCount> kIndex = [] {
    std::array<std::uint8_t, kCsrCount> index{};
    index.fill(255);
    for (std::size_t row = 0; row < std::size(kRows); ++row)
        for (unsigned number = kRows[row].first; number <= kRows[row].last; ++number)
            index[number] = static_cast<std::uint8_t>(row);
    return index;
}();

static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const CsrRow& a, const CsrRow& b) { return a.last < b.first; }),
              "in order of number, without overlap");

}  // namespace

const CsrRow* find_csr(unsigned number) {
    if (number >= kCsrCount || kIndex[number] == 255) return nullptr;
    return &kRows[kIndex[number]];
}

}  // namespace backplane::riscv
