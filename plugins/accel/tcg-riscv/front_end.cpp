// RV64 for the translator. Follows "The RISC-V Instruction Set Manual", volumes I and II, 20240411, as far as the
// table in decoder/ goes. Not modelled: vectors, the hypervisor extension, RV32, big-endian data.
#include "front_end.h"

#include "decoder/decoder.h"
#include "disassembler/disassembler.h"
#include "helpers/effects.h"
#include "privileged/privileged.h"
#include "translate/translator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

namespace backplane::riscv {
namespace {

constexpr const char* kNames[] = {
    "zero", "ra",  "sp",  "gp",  "tp",  "t0",  "t1",   "t2",   "s0",  "s1",  "a0",   "a1",   "a2",
    "a3",   "a4",  "a5",  "a6",  "a7",  "s2",  "s3",   "s4",   "s5",  "s6",  "s7",   "s8",   "s9",
    "s10",  "s11", "t3",  "t4",  "t5",  "t6",  "ft0",  "ft1",  "ft2", "ft3", "ft4",  "ft5",  "ft6",
    "ft7",  "fs0", "fs1", "fa0", "fa1", "fa2", "fa3",  "fa4",  "fa5", "fa6", "fa7",  "fs2",  "fs3",
    "fs4",  "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};
/// Integer registers, the most used of compiled code first.
constexpr std::uint8_t kHottest[] = {15, 14, 10, 2,  8, 11, 13, 12, 9, 1, 16,
                                     17, 18, 6,  28, 4, 19, 7,  20, 5, 29};

constexpr auto kRegisters = [] {
    std::array<tcg::GuestRegister, 64> list{};
    for (std::uint32_t i = 0; i < 32; ++i) {
        list[i] = {kNames[i], static_cast<std::uint32_t>(offsetof(HartState, x) + 8 * i)};
        list[32 + i] = {kNames[32 + i], static_cast<std::uint32_t>(offsetof(HartState, f) + 8 * i),
                        tcg::RegisterClass::Float};
    }
    std::uint8_t rank = 0;
    for (const std::uint8_t number : kHottest) list[number].hotness = ++rank;
    return list;
}();

constexpr tcg::GuestDescription kDescription{
    .name = "riscv64",
    .state_size = sizeof(HartState),
    .pc_offset = offsetof(HartState, pc),
    .registers = {kRegisters.data(), kRegisters.size()},
    .instruction_alignment = 2,
    .max_instruction_size = 4,
    .mmu_modes = kMmuIndexCount,
};

HartState& hart_of(void* state) { return *static_cast<HartState*>(state); }
const HartState& hart_of(const void* state) { return *static_cast<const HartState*>(state); }

AccessKind kind_of(tcg::AccessKind kind) {
    switch (kind) {
    case tcg::AccessKind::Fetch: return AccessKind::Fetch;
    case tcg::AccessKind::Store: return AccessKind::Store;
    default: return AccessKind::Load;
    }
}

/// Page tables as the engine sees memory.
class EngineMemory final : public PageTableMemory {
  public:
    explicit EngineMemory(tcg::Vcpu& vcpu) : vcpu_(vcpu) {}
    std::optional<std::uint64_t> load(std::uint64_t physical) override {
        bool failed = false;
        const std::uint64_t entry = vcpu_.load_physical(physical, 8, failed);
        return failed ? std::nullopt : std::optional(entry);
    }
    Update update(std::uint64_t physical, std::uint64_t expected, std::uint64_t desired) override {
        bool failed = false;
        const bool done = vcpu_.update_physical(physical, expected, desired, 8, failed);
        return failed ? Update::NoMemory : done ? Update::Done : Update::Changed;
    }

  private:
    tcg::Vcpu& vcpu_;
};

}  // namespace

const tcg::GuestDescription& RiscvFrontEnd::description() const { return kDescription; }

bool RiscvFrontEnd::accepts(Cpu& cpu, Errors& errors) const {
    if (cpu.architecture() != Str("riscv64")) {
        errors.fail("tcg-riscv64 runs riscv64 CPUs only");
        return false;
    }
    hart_of(cpu.state()).csrs = &csr_rules();
    return true;
}

tcg::BlockKey RiscvFrontEnd::key(const void* state) const {
    const HartState& hart = hart_of(state);
    return {.pc = hart.pc,
            .flags = block_flags(hart),
            .mmu_mode = static_cast<std::uint8_t>(fetch_mmu_index(hart)),
            .data_mode = static_cast<std::uint8_t>(data_mmu_index(hart))};
}

tcg::Translated RiscvFrontEnd::translate(tcg::Builder& builder, tcg::UnitTranslation& unit) const {
    std::uint32_t bits = unit.code->fetch(unit.pc, 2);
    if (instruction_length(static_cast<std::uint16_t>(bits)) == 4)
        bits |= unit.code->fetch(unit.pc + 2, 2) << 16;
    if (unit.code->failed()) return tcg::Translated::FetchFailed;
    const Instruction instruction = decode(bits, hart_of(unit.state).extensions);
    unit.size = instruction.length;
    Translator translator(builder, unit, instruction);
    translate_instruction(translator, instruction);
    return translator.ended() ? tcg::Translated::End : tcg::Translated::Next;
}

bool RiscvFrontEnd::fill(void* state, const tcg::FillRequest& request, tcg::FillAnswer& answer) const {
    EngineMemory memory(tcg::vcpu_of(state));
    const unsigned size = request.size == 0 ? 1 : request.size;
    const Translation found =
        riscv::translate(hart_of(state), memory, request.address, size, kind_of(request.kind), request.mode);
    if (!found.valid) {
        answer.fault = static_cast<std::uint64_t>(found.cause);
        return false;
    }
    answer.physical = found.physical;
    answer.readable = (found.permissions & kReadable) != 0;
    answer.writable = (found.permissions & kWritable) != 0;
    answer.executable = (found.permissions & kExecutable) != 0;
    answer.whole_page = found.whole_page;
    answer.global = found.global;
    answer.page_bits = static_cast<std::uint8_t>(std::bit_width(found.page_size) - 1);
    return true;
}

void RiscvFrontEnd::raise_memory_fault(void* state, const tcg::MemoryFault& fault) const {
    HartState& hart = hart_of(state);
    Cause cause = access_fault(kind_of(fault.access));
    if (fault.kind == tcg::MemoryFaultKind::Translation) cause = static_cast<Cause>(fault.fault);
    if (fault.kind == tcg::MemoryFaultKind::Misaligned)
        cause = fault.access == tcg::AccessKind::Load ? Cause::LoadMisaligned : Cause::StoreMisaligned;
    apply_effects(hart, tcg::vcpu_of(state), take_exception(hart, cause, fault.address));
}

bool RiscvFrontEnd::take_interrupt(void* state) const { return riscv::take_interrupt(hart_of(state)); }

unsigned RiscvFrontEnd::disassemble(std::uint64_t pc, Bytes bytes, TextSink& out) const {
    std::uint32_t bits = 0;
    std::memcpy(&bits, bytes.data, std::min<std::size_t>(bytes.size, sizeof bits));
    // All extensions: the log shows what the bytes mean, also where the hart refuses them.
    const Instruction instruction = decode(bits, ~std::uint64_t{0});
    out.append(riscv::disassemble(instruction, pc));
    return std::min<unsigned>(instruction.length,
                              static_cast<unsigned>(std::max<std::size_t>(bytes.size, 1)));
}

tcg::FpRounding RiscvFrontEnd::fp_rounding(const void* state) const {
    return host_rounding(hart_of(state).frm);
}

void RiscvFrontEnd::add_fp_exceptions(void* state, std::uint32_t exceptions) const {
    hart_of(state).fflags |= exceptions & kFflagsMask;
}

}  // namespace backplane::riscv
