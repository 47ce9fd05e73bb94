// x86 for the translator; docs/translator-x86.md says what of it is there.
#include "front_end.h"

#include "decoder/decoder.h"
#include "executor/breakpoints.h"
#include "executor/executor.h"
#include "mmu.h"
#include "translate/translator.h"
#include "translate/values.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace backplane::x86 {
namespace {

constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

constexpr const char* kVectorNames[] = {"xmm0", "xmm1", "xmm2",  "xmm3",  "xmm4",  "xmm5",  "xmm6",  "xmm7",
                                        "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"};

/// The most used of compiled code first.
constexpr std::uint8_t kHottest[] = {kRax, kRsp, kRcx, kRdx, kRbx, kRdi, kRsi, kRbp,
                                     8,    12,   13,   14,   9,    10,   15,   11};

constexpr auto kRegisters = [] {
    std::array<tcg::GuestRegister, kRegisterCount> list{};
    for (std::uint32_t i = 0; i < kGprCount; ++i)
        list[i] = {kNames[i], static_cast<std::uint32_t>(offsetof(X86State, gpr) + 8 * i)};
    std::uint8_t rank = 0;
    for (const std::uint8_t number : kHottest) list[number].hotness = ++rank;
    for (unsigned n = 0; n < kVectorCount; ++n)
        list[vector_value(n).index()] = {kVectorNames[n], std::uint32_t(vector_place(n)),
                                         tcg::RegisterClass::Vector, 0, std::uint32_t(upper_place(n))};
    for (const unsigned segment : {kFs, kGs})
        list[base_value(segment).index()] = {
            segment == kFs ? "fs.base" : "gs.base",
            std::uint32_t(offsetof(X86State, segments) + segment * sizeof(Segment))};
    return list;
}();

constexpr std::uint64_t kPhysicalLimit = std::uint64_t{1} << 52;

constexpr tcg::GuestDescription kDescription{
    .name = "x86_64",
    .state_size = sizeof(X86State),
    .pc_offset = offsetof(X86State, pc),
    .registers = {kRegisters.data(), kRegisters.size()},
    .instruction_alignment = 1,
    .max_instruction_size = kLongestInstruction,
    .mmu_modes = kMmuModeCount,
    .ignores_bus_errors = true,
    .misaligned_atomics = true,
    .status_offset = offsetof(X86State, rflags),
    .x87_offset = offsetof(X86State, xsave),
};

X86State& state_of(void* state) { return *static_cast<X86State*>(state); }
const X86State& state_of(const void* state) { return *static_cast<const X86State*>(state); }

CodeSize code_size(const X86State& s) {
    if (in_64bit_code(s)) return CodeSize::Code64;
    const bool protected_mode = (s.cr0 & cr0::kPe) && !(s.rflags & rflags::kVirtual8086);
    return protected_mode && (s.segments[kCs].attributes & Segment::kBig) ? CodeSize::Code32
                                                                          : CodeSize::Code16;
}

/// 32-bit code whose segments do nothing.
bool flat(const X86State& s) {
    constexpr std::uint32_t kNeeded = Segment::kPresent | Segment::kNotSystem | Segment::kBig;
    if (!(s.cr0 & cr0::kPe) || (s.rflags & rflags::kVirtual8086)) return false;
    for (const unsigned name : {kCs, kDs, kEs, kSs}) {
        const Segment& segment = s.segments[name];
        const bool data = (segment.attributes & (Segment::kCode | 6)) == 2;  // writable, and expands up
        if (segment.base != 0 || segment.limit != 0xffffffff || (segment.attributes & Segment::kUnusable) ||
            (segment.attributes & kNeeded) != kNeeded || (name != kCs && !data))
            return false;
    }
    return true;
}

/// Which vector instructions are executed as they are (SDM 3A, 2.5, 13.1; SDM 1, 11.6).
std::uint64_t vector_flags(const X86State& s) {
    constexpr std::uint64_t kVectorStates = 6;  // of XCR0
    if (s.cr0 & cr0::kTs) return 0;
    std::uint64_t flags = masks_all(mxcsr_of(s)) ? 0 : key_flag::kUnmasked;
    if (!(s.cr0 & cr0::kEm) && (s.cr4 & cr4::kOsfxsr)) flags |= key_flag::kSse;
    const bool segmented = (s.cr0 & cr0::kPe) && !(s.rflags & rflags::kVirtual8086);
    if (segmented && (s.cr4 & cr4::kOsxsave) && (s.xcr0 & kVectorStates) == kVectorStates)
        flags |= key_flag::kAvx;
    return flags;
}

/// Are x87 and MMX instructions executed as they are?
bool runs_x87(const X86State& s) { return !(s.cr0 & (cr0::kTs | cr0::kEm)) && masks_all_of_x87(s); }

/// Bytes of the guest's, read as data.
class MemoryBytes final : public ByteSource {
  public:
    explicit MemoryBytes(X86State& state) : state_(state) {}
    std::uint8_t byte(unsigned offset) override {
        std::uint64_t value = 0;
        failed_ |= !tcg::vcpu_of(&state_).load(state_.pc + offset, tcg::mem::k8, kSupervisor, value);
        return std::uint8_t(value);
    }
    bool failed() const override { return failed_; }

  private:
    X86State& state_;
    bool failed_ = false;
};

/// Does the instruction at the state's pc access the stack segment at `address`?
bool on_stack(X86State& s, std::uint64_t address) {
    PerCpu& cpu = per_cpu(s);
    cpu.in_helper = true;  // what fails is recorded, and forgotten
    MemoryBytes bytes(s);
    const Instruction i = decode(bytes, code_size(s));
    cpu.in_helper = cpu.fault_recorded = cpu.bus_fault = false;
    if (bytes.failed()) return false;
    switch (i.operation()) {
    case Operation::Push:
    case Operation::PushImmediate:
    case Operation::Pop:
    case Operation::Call:
    case Operation::CallRm:
    case Operation::Return: {
        const bool pushed = s.gpr[kRsp] - address <= 8;  // 8 bytes below it, and no more
        return !i.has_memory() || i.segment == kSs || pushed;
    }
    default: return i.has_memory() && i.segment == kSs;
    }
}

class UnitBytes final : public ByteSource {
  public:
    UnitBytes(tcg::CodeReader& code, std::uint64_t pc) : code_(code), pc_(pc) {}
    std::uint8_t byte(unsigned offset) override { return std::uint8_t(code_.fetch(pc_ + offset, 1)); }
    bool failed() const override { return code_.failed(); }

  private:
    tcg::CodeReader& code_;
    const std::uint64_t pc_;
};

}  // namespace

const tcg::GuestDescription& X86FrontEnd::description() const { return kDescription; }

PerCpu* X86FrontEnd::find(std::uint32_t cpu) const {
    const std::lock_guard guard(mutex_);
    for (const auto& own : cpus_)
        if (own->cpu->index() == cpu) return own.get();
    return nullptr;
}

std::uint64_t* X86FrontEnd::open(std::uint32_t cpu) {
    PerCpu* own = find(cpu);
    return own ? state_of(own->cpu->state()).gpr : nullptr;
}

bool X86FrontEnd::accepts(Cpu& cpu, Errors& errors) const {
    if (cpu.architecture() != Str("x86_64")) {
        errors.fail("tcg-x86_64 runs x86 CPUs only");
        return false;
    }
    if (!templates_.ready()) {
        errors.fail("tcg: the host refuses executable memory");
        return false;
    }
    auto* const processor = query<Processor>(cpu.object());
    if (!processor) {
        errors.fail("tcg: the CPU is no x86 processor of this host");
        return false;
    }
    if (!processor->settle(support_, errors)) return false;
    auto own = std::make_unique<PerCpu>();
    own->cpu = &cpu;
    own->processor = processor;
    own->templates = &templates_;
    const unsigned width = processor->cpuid(0x80000008, 0).eax & 0xff;
    if (width >= 32 && width < 52) own->beyond_memory = kPhysicalLimit - (std::uint64_t{1} << width);
    own->management = cpu.address_space_count() > 1;
    state_of(cpu.state()).executor = own.get();
    const std::lock_guard guard(mutex_);
    cpus_.push_back(std::move(own));
    return true;
}

tcg::BlockKey X86FrontEnd::key(const void* state) const {
    const X86State& s = state_of(state);
    std::uint64_t flags = std::uint64_t(code_size(s));
    if (flags == std::uint64_t(CodeSize::Code32) && flat(s)) flags |= key_flag::kFlat;
    if (s.interrupt_shadow) flags |= key_flag::kShadow;
    if ((s.rflags & rflags::kTrap) || breakpoints_enabled(s)) flags |= key_flag::kWatched;
    flags |= vector_flags(s);
    if (runs_x87(s)) flags |= key_flag::kX87;
    const unsigned level = s.segments[kSs].attributes >> Segment::kDplShift & 3;
    const bool real = !(s.cr0 & cr0::kPe), virtual_8086 = s.rflags & rflags::kVirtual8086;
    const bool user = !real && (virtual_8086 || level == 3);
    if (real || (!virtual_8086 && level == 0)) flags |= key_flag::kKernel;
    if (checks_alignment(s)) flags |= key_flag::kAligned;
    const bool smap = (s.cr4 & cr4::kSmap) && !(s.rflags & rflags::kAlignmentCheck);
    return {.pc = s.pc,
            .flags = flags,
            .mmu_mode = user ? kUser : kSupervisor,
            .data_mode = user   ? kUser
                         : smap ? kSupervisorSmap
                                : kSupervisor};
}

tcg::Translated X86FrontEnd::translate(tcg::Builder& builder, tcg::UnitTranslation& unit) const {
    UnitBytes bytes(*unit.code, unit.pc);
    const Instruction instruction = decode(bytes, CodeSize(unit.key.flags & key_flag::kCodeSizeMask));
    if (unit.code->failed()) return tcg::Translated::FetchFailed;
    unit.size = instruction.length;
    return translate_instruction(builder, unit, instruction, templates_);
}

bool X86FrontEnd::fill(void* state, const tcg::FillRequest& request, tcg::FillAnswer& answer) const {
    answer.space = std::uint8_t(per_cpu(state_of(state)).cpu->current_address_space());
    return walk(state_of(state), tcg::vcpu_of(state), request, answer);
}

void X86FrontEnd::raise_memory_fault(void* state, const tcg::MemoryFault& fault) const {
    X86State& s = state_of(state);
    PerCpu& cpu = per_cpu(s);
    if (fault.kind == tcg::MemoryFaultKind::Translation) {
        const bool page = fault.fault != kNotCanonical;
        if (page) s.cr2 = fault.address;
        const bool stack = !page && !cpu.in_helper && on_stack(s, fault.address);
        const GuestFault exception{page    ? Vector::PageFault
                                   : stack ? Vector::StackFault
                                           : Vector::GeneralProtection,
                                   true, std::uint32_t(fault.fault)};
        if (!cpu.in_helper) return Executor(s).raise(exception);
        cpu.fault_recorded = true;
        cpu.fault = exception;
        return;
    }
    // A vector that is to be aligned (SDM 1, 11.5.2); an address that is none comes first.
    if (fault.kind == tcg::MemoryFaultKind::Misaligned) {
        Executor executor(s);
        const bool stack = !executor.canonical(fault.address) && on_stack(s, fault.address);
        return executor.raise({stack ? Vector::StackFault : Vector::GeneralProtection, true});
    }
    if (cpu.in_helper) cpu.bus_fault = true;
    // Nobody drives the bus where it fetches from: ones are no instruction.
    else Executor(s).raise({Vector::InvalidOpcode});
}

bool X86FrontEnd::take_interrupt(void* state) const { return Executor(state_of(state)).take_requests(); }

unsigned X86FrontEnd::disassemble(std::uint64_t, Bytes bytes, TextSink& out) const {
    char digits[4];
    for (std::size_t n = 0; n < bytes.size; ++n) {
        std::snprintf(digits, sizeof digits, "%02x ", bytes.data[n]);
        out.append(digits);
    }
    return static_cast<unsigned>(std::max<std::size_t>(bytes.size, 1));
}

/// While the guest runs, the engine has MXCSR but for the masks.
std::optional<std::uint32_t> X86FrontEnd::fp_mode(const void* state) const {
    return mxcsr_of(state_of(state));
}
void X86FrontEnd::keep_fp_mode(void* state, std::uint32_t word) const {
    X86State& s = state_of(state);
    set_mxcsr_of(s, (mxcsr_of(s) & kMxcsrMasks) | (word & ~kMxcsrMasks));
}
tcg::FpRounding X86FrontEnd::fp_rounding(const void*) const { return tcg::FpRounding::NearestEven; }
void X86FrontEnd::add_fp_exceptions(void*, std::uint32_t) const {}

}  // namespace backplane::x86
