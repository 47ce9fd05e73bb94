#include "registers.h"

namespace backplane::e1000 {
namespace {

struct Row {
    Reg reg;
    std::uint32_t offset;
    std::uint32_t writable;
    std::uint32_t reset_value = 0;
};
constexpr std::uint32_t kAll = 0xffffffff;

constexpr Row kRows[] = {
    {Reg::CTRL, 0x0000, kAll, 0x00140240},
    {Reg::STATUS, 0x0008, 0, 0x80080781},
    {Reg::EECD, 0x0010, 0x4f, 0x188},
    {Reg::CTRL_EXT, 0x0018, kAll},
    {Reg::FLA, 0x001c, kAll},
    {Reg::FCAL, 0x0028, kAll},
    {Reg::FCAH, 0x002c, 0xffff},
    {Reg::FCT, 0x0030, 0xffff},
    {Reg::VET, 0x0038, 0xffff, 0x8100},
    {Reg::ITR, 0x00c4, 0xffff},
    {Reg::RCTL, 0x0100, 0x07ffffff},
    {Reg::FCTTV, 0x0170, 0xffff},
    {Reg::TXCW, 0x0178, kAll},
    {Reg::RXCW, 0x0180, 0},
    {Reg::TCTL, 0x0400, 0x1fffffff},
    {Reg::TIPG, 0x0410, 0x3fffffff},
    {Reg::AIT, 0x0458, 0xffff},
    {Reg::LEDCTL, 0x0e00, kAll, 0x602},
    {Reg::PBA, 0x1000, 0xffff, 0x00100030},
    {Reg::FCRTL, 0x2160, 0x8000fff8},
    {Reg::FCRTH, 0x2168, 0xfff8},
    {Reg::RDBAL, 0x2800, 0xfffffff0},
    {Reg::RDBAH, 0x2804, kAll},
    {Reg::RDLEN, 0x2808, 0x000fff80},
    {Reg::RDH, 0x2810, 0xffff},
    {Reg::RDT, 0x2818, 0xffff},
    {Reg::RDTR, 0x2820, 0xffff},
    {Reg::RXDCTL, 0x2828, kAll},
    {Reg::RADV, 0x282c, 0xffff},
    {Reg::RSRPD, 0x2c00, 0xfff},
    {Reg::TXDMAC, 0x3000, kAll},
    {Reg::TDBAL, 0x3800, 0xfffffff0},
    {Reg::TDBAH, 0x3804, kAll},
    {Reg::TDLEN, 0x3808, 0x000fff80},
    {Reg::TDH, 0x3810, 0xffff},
    {Reg::TDT, 0x3818, 0xffff},
    {Reg::TIDV, 0x3820, 0xffff},
    {Reg::TXDCTL, 0x3828, kAll},
    {Reg::TADV, 0x382c, 0xffff},
    {Reg::TSPMT, 0x3830, kAll},
    {Reg::RXCSUM, 0x5000, 0x7ff},
    {Reg::WUC, 0x5800, 0xf},
    {Reg::WUFC, 0x5808, 0xfffff},
    {Reg::WUS, 0x5810, 0},
    {Reg::MANC, 0x5820, kAll, 0x00222300},
};

}  // namespace

void Registers::describe(StateTable& table) {
    describe_array(table, "registers", values_);
    describe_array(table, "statistics", statistics_);
    describe_array(table, "MTA", multicast);
    describe_array(table, "RA", addresses);
    describe_array(table, "VFTA", vlans);
}

void Registers::reset() {
    for (const Row& row : kRows) (*this)[row.reg] = row.reset_value;
    statistics_.fill(0);
    multicast.fill(0);
    addresses.fill(0);
    vlans.fill(0);
}

Reg Registers::at(std::uint32_t offset) {
    for (const Row& row : kRows)
        if (row.offset == offset) return row.reg;
    return Reg::kCount;
}

void Registers::store(Reg reg, std::uint32_t value) {
    for (const Row& row : kRows)
        if (row.reg == reg) (*this)[reg] = ((*this)[reg] & ~row.writable) | (value & row.writable);
}

void Registers::count(std::uint32_t statistic, std::uint32_t by) {
    std::uint32_t& value = statistics_[statistic / 4];
    value = value + by < value ? ~0u : value + by;  // 13.7: they stop at their most
}

void Registers::count_octets(std::uint32_t statistic, std::uint64_t by) {
    std::uint32_t& low = statistics_[statistic / 4];
    std::uint32_t& high = statistics_[statistic / 4 + 1];
    const std::uint64_t sum = (std::uint64_t{high} << 32 | low) + by;
    low = std::uint32_t(sum);
    high = std::uint32_t(sum >> 32);
}

std::uint32_t Registers::take_statistic(std::uint32_t offset, bool keep) {
    std::uint32_t& value = statistics_[(offset - kStatistics) / 4];
    const std::uint32_t taken = value;
    if (!keep) value = 0;
    return taken;
}

Ring ring_of(const Registers& registers, Reg low, Reg high, Reg length, Reg head, Reg tail) {
    Ring ring{.base = std::uint64_t{registers[high]} << 32 | registers[low],
              .count = registers[length] / kDescriptorSize,
              .head = registers[head],
              .tail = registers[tail]};
    if (ring.count != 0) {
        ring.head %= ring.count;
        ring.tail %= ring.count;
    }
    return ring;
}

}  // namespace backplane::e1000
