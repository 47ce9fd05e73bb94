// The interpreter's memory: guest accesses, RAM, and the two devices.
#include "interpreter.h"

#include <cstring>

namespace backplane::riscv::testing {
namespace {

using tcg::AccessKind;
using tcg::Opcode;

constexpr std::uint64_t kUart = 0x10000000;
constexpr std::uint64_t kFinisher = 0x100000;

std::uint64_t extend(std::uint64_t v, std::uint8_t flags) {
    const unsigned unused = 64 - 8 * tcg::mem::size(flags);
    if (unused == 0) return v;
    return (flags & tcg::mem::kSigned) != 0
               ? static_cast<std::uint64_t>(static_cast<std::int64_t>(v << unused) >> unused)
               : v << unused >> unused;
}

std::uint64_t updated(Opcode op, std::uint64_t old, std::uint64_t operand) {
    const auto a = static_cast<std::int64_t>(old), b = static_cast<std::int64_t>(operand);
    switch (op) {
    case Opcode::atomic_add: return old + operand;
    case Opcode::atomic_and: return old & operand;
    case Opcode::atomic_or: return old | operand;
    case Opcode::atomic_xor: return old ^ operand;
    case Opcode::atomic_min_s: return a < b ? old : operand;
    case Opcode::atomic_max_s: return a > b ? old : operand;
    case Opcode::atomic_min_u: return old < operand ? old : operand;
    case Opcode::atomic_max_u: return old > operand ? old : operand;
    default: return operand;
    }
}

}  // namespace

std::uint64_t Interpreter::bus_load(std::uint64_t physical, unsigned size) {
    std::uint64_t value = 0;
    if (physical == kUart + 5) return 0x60;
    if (physical >= kRamBase) std::memcpy(&value, ram_.data() + (physical - kRamBase), size);
    return value;
}

void Interpreter::bus_store(std::uint64_t physical, std::uint64_t value, unsigned size) {
    if (physical == kUart) console_ += static_cast<char>(value);
    else if (physical == kFinisher) finished_ = true;
    else if (physical >= kRamBase) std::memcpy(ram_.data() + (physical - kRamBase), &value, size);
}

std::uint64_t Interpreter::load_physical(std::uint64_t address, unsigned size, bool& failed) {
    failed = address - kRamBase > ram_.size() - size;
    return failed ? 0 : bus_load(address, size);
}

bool Interpreter::update_physical(std::uint64_t address, std::uint64_t expected, std::uint64_t desired,
                                  unsigned size, bool& failed) {
    if (load_physical(address, size, failed) != expected || failed) return false;
    bus_store(address, desired, size);
    return true;
}

void Interpreter::fault(tcg::MemoryFaultKind kind, AccessKind access, std::uint64_t address,
                        std::uint64_t detail) {
    hart_->pc = instruction_pc_;
    front_end_.raise_memory_fault(hart_.get(), {kind, access, address, 0, detail});
}

bool Interpreter::physical(std::uint64_t address, unsigned size, AccessKind kind, std::uint8_t mode,
                           std::uint64_t& result) {
    tcg::FillAnswer answer{.physical = address};
    if (mode != kMmuMachine && !front_end_.fill(hart_.get(), {address, kind, mode, 1}, answer)) {
        fault(tcg::MemoryFaultKind::Translation, kind, address, answer.fault);
        return false;
    }
    result = answer.physical;
    const bool in_ram = result >= kRamBase && result - kRamBase <= ram_.size() - size;
    if (in_ram || result - kUart < 8 || result == kFinisher) return true;
    fault(tcg::MemoryFaultKind::Bus, kind, address, 0);
    return false;
}

bool Interpreter::access(const tcg::Block& block, const tcg::Op& op, std::uint8_t mode) {
    const std::uint64_t address = value(block, op.a) + static_cast<std::uint64_t>(std::int64_t{op.imm});
    const unsigned size = tcg::mem::size(op.aux);
    const AccessKind kind = op.opcode == Opcode::load ? AccessKind::Load : AccessKind::Store;
    if ((op.aux & tcg::mem::kAligned) != 0 && address % size != 0) {
        fault(tcg::MemoryFaultKind::Misaligned, kind, address, 0);
        return false;
    }
    std::uint64_t parts[8] = {};
    const bool whole = address / kPageSize == (address + size - 1) / kPageSize;
    for (unsigned i = 0; i < (whole ? 1u : size); ++i)
        if (!physical(address + i, whole ? size : 1, kind, mode, parts[i])) return false;
    if (!whole && op.opcode == Opcode::load) {
        std::uint64_t loaded = 0;
        for (unsigned i = 0; i < size; ++i) loaded |= bus_load(parts[i], 1) << 8 * i;
        set(op.dst, extend(loaded, op.aux));
        return true;
    }
    if (!whole) {
        for (unsigned i = 0; i < size; ++i) bus_store(parts[i], value(block, op.b) >> 8 * i, 1);
        return true;
    }
    if (op.opcode == Opcode::store) {
        bus_store(parts[0], value(block, op.b), size);
        return true;
    }
    const std::uint64_t raw = bus_load(parts[0], size), old = extend(raw, op.aux);
    if (op.opcode == Opcode::cmpxchg) {
        if (extend(value(block, op.b), op.aux) == old) bus_store(parts[0], value(block, op.c), size);
    } else if (op.opcode != Opcode::load) {
        const bool is_unsigned = op.opcode == Opcode::atomic_min_u || op.opcode == Opcode::atomic_max_u;
        const auto flags =
            static_cast<std::uint8_t>(is_unsigned ? op.aux & ~tcg::mem::kSigned : op.aux | tcg::mem::kSigned);
        bus_store(parts[0], updated(op.opcode, extend(raw, flags), extend(value(block, op.b), flags)), size);
    }
    set(op.dst, old);
    return true;
}

}  // namespace backplane::riscv::testing
