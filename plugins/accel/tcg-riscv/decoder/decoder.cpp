// Looks a row up by the bits that all encodings share (opcode and funct3; quadrant and funct3 of compressed ones),
// then compares masks.
#include "decoder.h"

#include <vector>

namespace backplane::riscv {
namespace {

constexpr std::size_t kWideBuckets = 32 * 8;
constexpr std::size_t kBuckets = kWideBuckets + 4 * 8;

constexpr std::size_t wide_bucket(std::uint32_t bits) { return (bits >> 2 & 31) * 8 + (bits >> 12 & 7); }
constexpr std::size_t compressed_bucket(std::uint32_t bits) {
    return kWideBuckets + (bits & 3) * 8 + (bits >> 13 & 7);
}

/// Row numbers by bucket, in the table's order.
class Lookup {
  public:
    Lookup() {
        const auto all = rows();
        for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
            first_[bucket] = static_cast<std::uint16_t>(list_.size());
            const bool wide = bucket < kWideBuckets;
            const std::size_t begin = wide ? 0 : kFirstCompressed;
            const std::size_t end = wide ? kFirstCompressed : all.size();
            for (std::size_t row = begin; row < end; ++row)
                if (can_match(all[row], bucket)) list_.push_back(static_cast<std::uint16_t>(row));
        }
        first_[kBuckets] = static_cast<std::uint16_t>(list_.size());
    }
    std::span<const std::uint16_t> candidates(std::size_t bucket) const {
        return {list_.data() + first_[bucket], list_.data() + first_[bucket + 1]};
    }

  private:
    static bool can_match(const Row& row, std::size_t bucket) {
        const std::size_t index = bucket < kWideBuckets ? bucket : bucket - kWideBuckets;
        const std::uint32_t bits = bucket < kWideBuckets
                                       ? static_cast<std::uint32_t>((index >> 3) << 2 | 3 | (index & 7) << 12)
                                       : static_cast<std::uint32_t>(index >> 3 | (index & 7) << 13);
        const std::uint32_t key = bucket < kWideBuckets ? 0x707fu : 0xe003u;
        return ((bits ^ row.value) & row.mask & key) == 0;
    }
    std::uint16_t first_[kBuckets + 1] = {};
    std::vector<std::uint16_t> list_;
};

std::uint32_t extract(const Row& row, Field field, std::uint32_t bits) {
    const Segment segment = row.fields[static_cast<std::size_t>(field)];
    return bits >> segment.from & ((1u << segment.width) - 1);
}

/// Three bits name x8 to x15.
std::uint8_t register_number(const Row& row, Field field, std::uint32_t bits) {
    const std::uint32_t number = extract(row, field, bits);
    return static_cast<std::uint8_t>(row.fields[static_cast<std::size_t>(field)].width == 3 ? number + 8
                                                                                            : number);
}

std::int32_t immediate(const Row& row, std::uint32_t bits) {
    std::uint32_t value = 0;
    for (const Segment segment : row.immediate) {
        if (segment.width == 0) break;
        const std::uint32_t ones = segment.width == 32 ? ~0u : (1u << segment.width) - 1;
        value |= (bits >> segment.from & ones) << segment.to;
    }
    if (!row.immediate_signed) return static_cast<std::int32_t>(value);
    const unsigned unused = 32u - row.immediate_bits;
    return static_cast<std::int32_t>(value << unused) >> unused;
}

Instruction operands(const Row& row, std::uint32_t bits) {
    Instruction result;
    result.opcode = row.opcode;
    result.rd = register_number(row, Field::Rd, bits);
    result.rs1 = register_number(row, Field::Rs1, bits);
    result.rs2 = register_number(row, Field::Rs2, bits);
    result.rs3 = register_number(row, Field::Rs3, bits);
    result.rm = static_cast<std::uint8_t>(extract(row, Field::Rounding, bits));
    result.zimm = static_cast<std::uint8_t>(extract(row, Field::Zimm, bits));
    result.predecessors = static_cast<std::uint8_t>(extract(row, Field::Predecessors, bits));
    result.successors = static_cast<std::uint8_t>(extract(row, Field::Successors, bits));
    result.aq = extract(row, Field::Acquire, bits) != 0;
    result.rl = extract(row, Field::Release, bits) != 0;
    result.csr = static_cast<std::uint16_t>(extract(row, Field::Csr, bits));
    if (row.immediate_bits != 0) result.immediate = immediate(row, bits);
    if (includes(row.implicit, Implicit::RdRa)) result.rd = 1;
    if (includes(row.implicit, Implicit::RdSp)) result.rd = 2;
    if (includes(row.implicit, Implicit::Rs1Sp)) result.rs1 = 2;
    return result;
}

}  // namespace

Instruction decode(std::uint32_t bits, std::uint64_t extensions) {
    static const Lookup lookup;
    const bool wide = instruction_length(static_cast<std::uint16_t>(bits)) == 4;
    if (!wide) bits &= 0xffff;
    const std::size_t bucket = wide ? wide_bucket(bits) : compressed_bucket(bits);
    Instruction result;
    for (const std::uint16_t number : lookup.candidates(bucket)) {
        const Row& row = rows()[number];
        if (!row.matches(bits)) continue;
        if ((row.extensions & ~extensions) == 0) {
            result = operands(row, bits);
            result.row = number;
            break;
        }
    }
    result.bits = bits;
    result.length = wide ? 4 : 2;
    return result;
}

}  // namespace backplane::riscv
