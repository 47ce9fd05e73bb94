// Physical memory protection, priv 3.7.1: 16 entries, granularity 4 bytes.
#include "csr_table.h"

#include <bit>

namespace backplane::riscv {

namespace {

/// The bytes that an entry matches: [first, end). Empty for OFF.
struct Range {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
};

unsigned mode_of(std::uint8_t config) { return config >> pmpcfg::kModeShift & 3; }

Range range_of(const HartState& state, unsigned entry) {
    const std::uint64_t address = state.pmpaddr[entry];
    switch (mode_of(state.pmpcfg[entry])) {
    case pmpcfg::kTor: {
        const Range range{entry == 0 ? 0 : state.pmpaddr[entry - 1] << 2, address << 2};
        return range.first < range.end ? range : Range{};
    }
    case pmpcfg::kNa4: return {address << 2, (address << 2) + 4};
    case pmpcfg::kNapot: {
        // yyy…y01…1: as many trailing ones as the size has bits above 8 bytes. 54 ones match everything.
        const unsigned ones = static_cast<unsigned>(std::countr_one(address));
        const std::uint64_t size = std::uint64_t{8} << ones;
        const std::uint64_t first = (address & ~((std::uint64_t{2} << ones) - 1)) << 2;
        return {first, first + size};
    }
    default: return {};
    }
}

bool matches_any(const Range& range, std::uint64_t first, std::uint64_t end) {
    return range.first < end && first < range.end;
}
bool covers(const Range& range, std::uint64_t first, std::uint64_t end) {
    return range.first <= first && end <= range.end;
}

constexpr std::uint64_t kPageSize = 4096;
constexpr std::uint8_t kEverything = kReadable | kWritable | kExecutable;

std::uint8_t granted(std::uint8_t config, Privilege privilege) {
    if (privilege == Privilege::Machine && !(config & pmpcfg::kLock)) return kEverything;
    std::uint8_t result = 0;
    if (config & pmpcfg::kRead) result |= kReadable;
    if (config & pmpcfg::kWrite) result |= kWritable;
    if (config & pmpcfg::kExecute) result |= kExecutable;
    return result;
}

constexpr std::uint64_t kAddressBits = (1ull << 54) - 1;

bool locked(const HartState& state, unsigned entry) { return (state.pmpcfg[entry] & pmpcfg::kLock) != 0; }

/// A locked TOR entry locks the address below it as well.
bool address_locked(const HartState& state, unsigned entry) {
    if (locked(state, entry)) return true;
    return entry + 1 < state.pmp_entries && locked(state, entry + 1) &&
           mode_of(state.pmpcfg[entry + 1]) == pmpcfg::kTor;
}

}  // namespace

bool pmp_legal(const HartState& state, unsigned number) {
    // RV64 has only the even pmpcfg registers.
    return state.pmp_entries != 0 && (number > kPmpcfg15 || number % 2 == 0);
}

std::uint64_t read_pmpcfg(const HartState& state, unsigned number) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i)
        value |= static_cast<std::uint64_t>(state.pmpcfg[(number - kPmpcfg0) * 4 + i]) << (8 * i);
    return value;
}

std::uint32_t write_pmpcfg(HartState& state, unsigned number, std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned entry = (number - kPmpcfg0) * 4 + i;
        if (entry >= state.pmp_entries || locked(state, entry)) continue;
        auto config = static_cast<std::uint8_t>(value >> (8 * i) & pmpcfg::kImplemented);
        // W without R is reserved: it grants neither.
        if (!(config & pmpcfg::kRead)) config &= static_cast<std::uint8_t>(~pmpcfg::kWrite);
        state.pmpcfg[entry] = config;
    }
    return kFlushTlb;
}

std::uint64_t read_pmpaddr(const HartState& state, unsigned number) {
    return state.pmpaddr[number - kPmpaddr0];
}

std::uint32_t write_pmpaddr(HartState& state, unsigned number, std::uint64_t value) {
    const unsigned entry = number - kPmpaddr0;
    if (entry >= state.pmp_entries || address_locked(state, entry)) return kNoEffect;
    state.pmpaddr[entry] = value & kAddressBits;
    return kFlushTlb;
}

PmpResult check_pmp(const HartState& state, std::uint64_t physical, unsigned size, Privilege privilege) {
    if (state.pmp_entries == 0) return {kEverything, true};
    const std::uint64_t end = physical + size;
    const std::uint64_t page = physical & ~(kPageSize - 1);
    PmpResult result;
    for (unsigned entry = 0; entry < state.pmp_entries; ++entry) {
        const Range range = range_of(state, entry);
        if (!matches_any(range, page, page + kPageSize)) continue;
        if (!covers(range, page, page + kPageSize)) result.whole_page = false;
        if (!matches_any(range, physical, end)) continue;
        // An entry that matches some bytes but not all fails the access, whatever it grants.
        result.permissions = covers(range, physical, end) ? granted(state.pmpcfg[entry], privilege) : 0;
        return result;
    }
    result.permissions = privilege == Privilege::Machine ? kEverything : 0;
    return result;
}

}  // namespace backplane::riscv
