// From an instruction to what carries it out, and the templates.
#include "../decoder/decoder.h"
#include "breakpoints.h"
#include "executor.h"

#include <xmmintrin.h>

namespace backplane::x86 {

namespace {

constexpr std::uint32_t kMxcsrFlags = 0x3f;
/// Invalid, denormal, divide by zero: found before anything is computed (SDM 1, 11.5.2).
constexpr std::uint32_t kMxcsrBefore = 7;
constexpr unsigned kMaskShift = 7;
constexpr std::uint16_t kX87Exceptions = 0x3f;  ///< of the control word (masks) and the status word
constexpr std::size_t kStatusWord = 2;          ///< in the XSAVE area (SDM 1, table 10-2)
constexpr std::uint64_t kAvxState = 6;          ///< XCR0: SSE and AVX

/// Of what would be raised if all were masked, what is: what is found beforehand keeps the others from coming.
std::uint32_t raised_with(std::uint32_t unmasked, std::uint32_t raised) {
    return raised & unmasked & kMxcsrBefore ? raised & kMxcsrBefore : raised;
}

template <class T>
T read_area(const X86State& state, std::size_t offset) {
    T value;
    std::memcpy(&value, state.xsave + offset, sizeof value);
    return value;
}

/// What a template may write besides memory, put back if that faults. A vector instruction that stores writes nothing else.
class Snapshot {
  public:
    Snapshot(X86State& state, Operation operation)
        : state_(state), flags_(state.rflags), x87_(operation == Operation::X87) {
        std::memcpy(gpr_, state.gpr, sizeof gpr_);
        if (x87_) std::memcpy(area_, state.xsave, sizeof area_);
    }
    void restore() const {
        std::memcpy(state_.gpr, gpr_, sizeof gpr_);
        if (x87_) std::memcpy(state_.xsave, area_, sizeof area_);
        state_.rflags = flags_;
    }

  private:
    X86State& state_;
    std::uint64_t flags_;
    bool x87_;
    std::uint64_t gpr_[kGprCount];
    std::uint8_t area_[kXsaveLegacySize];
};

}  // namespace

void Executor::begin(const Instruction& instruction) {
    i_ = instruction;
    raises_ = false;
    cpu_.in_helper = true;
    cpu_.fault_recorded = cpu_.bus_fault = false;
    next_ = instruction_pointer(s_) + i_.length;
    if (!code_64()) next_ = std::uint32_t(next_);
}

bool Executor::run(const Instruction& instruction) {
    begin(instruction);
    bool ended = false;
    try {
        execute();
        set_instruction_pointer(s_, next_);
        ended = true;
        if (cpu_.traps & debug::kTaskSwitch) post_trap();
        look_at_requests(s_);  // it may be what let them through
    } catch (const GuestFault& fault) {
        cpu_.traps = 0;  // of what was not done
        raise(fault);
        vcpu_.raised();
    } catch (const Abandoned&) {
        cpu_.traps = 0;
        vcpu_.raised();
    }
    cpu_.in_helper = false;
    return ended;
}

std::optional<Vector> Executor::try_run(const Instruction& instruction) {
    begin(instruction);
    std::optional<Vector> raised;
    try {
        execute();
        set_instruction_pointer(s_, next_);
    } catch (const GuestFault& fault) {
        raised = fault.vector;
    }
    cpu_.in_helper = false;
    return raised;
}

void Executor::check_vector_enabled() const {
    const bool vex = i_.is_vex();
    if (vex ? !segmented() || !(s_.cr4 & cr4::kOsxsave) || (s_.xcr0 & kAvxState) != kAvxState
            : (s_.cr0 & cr0::kEm) || !(s_.cr4 & cr4::kOsfxsr))
        undefined_opcode();
    if (s_.cr0 & cr0::kTs) throw GuestFault{Vector::DeviceNotAvailable};
}

/// As the host finds out when it loads the image, whatever the summary bit in that says.
bool Executor::x87_pending() const {
    return (read_area<std::uint16_t>(s_, kStatusWord) & ~read_area<std::uint16_t>(s_, 0) & kX87Exceptions) !=
           0;
}

void Executor::check_mmx_enabled() const {
    if (s_.cr0 & cr0::kEm) undefined_opcode();
    if (s_.cr0 & cr0::kTs) throw GuestFault{Vector::DeviceNotAvailable};
    if (x87_pending()) throw GuestFault{Vector::MathFault};
}

void Executor::check_x87_enabled() const {
    if (i_.operation() == Operation::MmxTemplate) return check_mmx_enabled();
    if (s_.cr0 & (cr0::kTs | cr0::kEm)) throw GuestFault{Vector::DeviceNotAvailable};
    // FNINIT, FNCLEX, FNSTCW, FNSTSW, FNSTENV, FNSAVE do not wait.
    const bool memory = i_.has_memory();
    const unsigned extension = i_.extension();
    const bool quiet =
        ((i_.opcode == 0xd9 && memory && extension >= 6) || (i_.opcode == 0xdd && memory && extension >= 6) ||
         (i_.opcode == 0xdb && !memory && extension == 4) || (i_.opcode == 0xdf && i_.modrm == 0xe0));
    if (!quiet && x87_pending()) throw GuestFault{Vector::MathFault};
}

/// Before anything else: what the host's processor refuses is undefined.
void Executor::find_template() {
    if (i_.immediate2 == kPreparedTemplate) {
        std::memcpy(&code_, &i_.immediate, sizeof code_);
        return;
    }
    const TemplateCache::Found found = cpu_.templates->find(i_);
    code_ = found.code;
    if (!found.code && !found.full) undefined_opcode();
}

void Executor::call_template(void* memory) {
    const auto run = [&](TemplateCode code) {
        if (raises_) sse_ = run_raising(code, s_, memory, mxcsr());
        else code(&s_, memory);
    };
    if (code_) run(code_);
    else if (!cpu_.templates->with_uncached(i_, run)) undefined_opcode();
    if (!raises_ || !sse_.raised) return;
    set_mxcsr(sse_.mxcsr);
    throw GuestFault{s_.cr4 & cr4::kOsxmmexcpt ? Vector::SimdFault : Vector::InvalidOpcode};
}

/// `in_place`: on the guest's own bytes, where that is possible; what LOCK needs.
void Executor::memory_template(std::uint64_t linear, unsigned size, bool read, bool write, bool in_place) {
    const std::uint8_t mode = data_mode();
    if (in_place)
        if (void* p = host_pointer(linear, size, write, mode)) return call_template(p);
    if (read) load_bytes(linear, cpu_.operand, size, mode);
    if (!write) return call_template(cpu_.operand);
    const Snapshot before(s_, i_.operation());
    call_template(cpu_.operand);
    try {
        store_bytes(linear, cpu_.operand, size, mode);
    } catch (...) {
        before.restore();
        throw;
    }
}

void Executor::run_template() {
    if (i_.row().has(row_flag::kProtected) && !segmented()) undefined_opcode();
    find_template();
    if (!i_.has_memory()) return call_template(nullptr);
    const MemoryAccess access = i_.row().access;
    const bool read = access != MemoryAccess::Write, write = access != MemoryAccess::Read;
    std::uint64_t offset = effective_address();
    if (i_.operation() == Operation::BitMemory) {
        // The bit's number reaches beyond the operand (SDM 2A, BT).
        const unsigned bits = i_.operand_size * 8u;
        const std::uint64_t index = gpr(i_.reg(), i_.operand_size);
        const std::int64_t number = std::int64_t(index << (64 - bits)) >> (64 - bits);
        offset += std::uint64_t((number >> (bits == 64 ? 6 : bits == 32 ? 5 : 4)) * i_.operand_size);
        if (i_.address_size != 8) offset &= i_.address_size == 4 ? 0xffffffff : 0xffff;
    }
    const std::uint64_t address = linear(i_.segment, offset, i_.memory_size, write);
    if (i_.memory_size == 16 && (address & 15)) general_protection();  // CMPXCHG16B
    memory_template(address, i_.memory_size, read, write, true);
}

/// An exception of SSE that the guest has not masked is raised by the host (run_raising()), and is the guest's #XM.
void Executor::run_vector() {
    find_template();
    check_vector_enabled();
    const Row& row = i_.row();
    const bool write = row.access == MemoryAccess::Write;
    std::uint64_t address = 0;
    if (i_.has_memory()) {
        address = memory_linear(i_.memory_size, write);
        const bool aligned = row.has(row_flag::kAligned) ||
                             (!i_.is_vex() && i_.memory_size == 16 && !row.has(row_flag::kUnaligned));
        if (aligned && (address & (i_.memory_size - 1u))) general_protection();
    }
    const bool computes = row.has(row_flag::kFloat);
    const auto run = [&] {
        // Not in place where an exception that the guest has not masked is to keep it from storing.
        if (i_.has_memory()) memory_template(address, i_.memory_size, !write, write, !(write && computes));
        else call_template(nullptr);
    };
    if (!computes) return run();
    const std::uint32_t mxcsr = this->mxcsr(), host = _mm_getcsr();
    raises_ = !masks_all(mxcsr);
    if (raises_) {
        run();
        return set_mxcsr(sse_.mxcsr);
    }
    _mm_setcsr(mxcsr & ~kMxcsrFlags);
    try {
        run();
    } catch (...) {
        _mm_setcsr(host);
        throw;
    }
    const std::uint32_t raised = _mm_getcsr() & kMxcsrFlags;
    _mm_setcsr(host);
    set_mxcsr(mxcsr | raised);
}

void Executor::run_x87() {
    find_template();
    check_x87_enabled();
    const Row& row = i_.row();
    // The host has the guest's MXCSR meanwhile: not to be trapped, for CVTPI2PS and its like.
    const std::uint32_t mxcsr = this->mxcsr();
    const bool masked = masks_all_of_x87(s_);
    const std::uint32_t unmasked = row.has(row_flag::kFloat) ? ~(mxcsr >> kMaskShift) & kMxcsrFlags : 0;
    alignas(16) std::uint8_t before[kXsaveLegacySize];
    if (unmasked) std::memcpy(before, s_.xsave, sizeof before);
    set_mxcsr_of(s_, (mxcsr | kMxcsrMasks) & ~kMxcsrFlags);
    try {
        if (!i_.has_memory()) {
            call_template(nullptr);
        } else {
            const bool write =
                row.operation == Operation::X87 ? x87_stores(i_) : row.access == MemoryAccess::Write;
            const std::uint64_t address = memory_linear(i_.memory_size, write);
            if (i_.memory_size == 16 && (address & 15)) general_protection();  // CVTPD2PI
            // An unmasked exception keeps the host from storing: what is there then stays.
            memory_template(address, i_.memory_size, true, write, true);
        }
    } catch (...) {
        set_mxcsr_of(s_, mxcsr);
        throw;
    }
    if (masks_all_of_x87(s_) != masked) vcpu_.leave(tcg::LeaveKind::Continue);
    const std::uint32_t raised = raised_with(unmasked, mxcsr_of(s_) & kMxcsrFlags);
    set_mxcsr_of(s_, mxcsr);
    if (raised & unmasked) {
        std::memcpy(s_.xsave, before, sizeof before);
        set_mxcsr(mxcsr | raised);
        throw GuestFault{s_.cr4 & cr4::kOsxmmexcpt ? Vector::SimdFault : Vector::InvalidOpcode};
    }
    set_mxcsr(mxcsr | raised);
}

void Executor::execute() {
    switch (i_.operation()) {
    case Operation::Undefined: undefined_opcode();
    case Operation::TooLong: general_protection();
    case Operation::Template:
    case Operation::BitMemory: return run_template();
    case Operation::VectorTemplate: return run_vector();
    case Operation::MmxTemplate:
    case Operation::X87: return run_x87();
    case Operation::Nop:
    case Operation::Fence: return;
    case Operation::MoveOffset: {
        const bool write = (i_.opcode & 2) != 0;
        const unsigned size = i_.operand_size;
        const std::uint64_t address = linear(i_.segment, i_.immediate, size, write);
        if (write) store_linear(address, gpr(kRax, size), size, data_mode());
        else set_gpr(kRax, load_linear(address, size, data_mode()), size);
        return;
    }
    case Operation::Lea: return set_gpr(i_.reg(), effective_address(), i_.operand_size);
    case Operation::Push:
    case Operation::PushImmediate:
    case Operation::PushSegment: return do_push();
    case Operation::PushAll: return push_all();
    case Operation::PushFlags: return push_flags();
    case Operation::Pop:
    case Operation::PopSegment: return do_pop();
    case Operation::PopAll: return pop_all();
    case Operation::PopFlags: return pop_flags();
    case Operation::Enter: return enter();
    case Operation::Leave: return leave();
    case Operation::Divide: return divide();
    case Operation::Xlat: {
        std::uint64_t offset = s_.gpr[kRbx] + (s_.gpr[kRax] & 0xff);
        if (i_.address_size != 8) offset &= i_.address_size == 4 ? 0xffffffff : 0xffff;
        return set_gpr(kRax, load_linear(linear(i_.segment, offset, 1, false), 1, data_mode()), 1);
    }
    case Operation::LoadFlags:
        s_.gpr[kRax] = (s_.gpr[kRax] & ~std::uint64_t{0xff00}) | ((s_.rflags & 0xd5) | 2) << 8;
        return;
    case Operation::StoreFlags:
        s_.rflags = (s_.rflags & ~std::uint64_t{0xd5}) | (s_.gpr[kRax] >> 8 & 0xd5);
        return;
    case Operation::ChangeFlag: return change_flag();
    case Operation::Salc: return set_gpr(kRax, s_.rflags & rflags::kCarry ? 0xff : 0, 1);
    case Operation::DecimalAdjust: return decimal_adjust();
    case Operation::AsciiAdjust: return ascii_adjust();
    case Operation::AsciiMultiply: return ascii_multiply();
    case Operation::AsciiDivide: return ascii_divide();
    case Operation::Movs:
    case Operation::Cmps:
    case Operation::Stos:
    case Operation::Lods:
    case Operation::Scas:
    case Operation::Ins:
    case Operation::Outs: return string_operation();
    case Operation::Maskmov: return maskmov();
    case Operation::VectorMaskmov: return vector_maskmov();
    case Operation::Gather: return gather();
    case Operation::ZeroUpper: return zero_upper();
    case Operation::LoadMxcsr: return load_mxcsr();
    case Operation::StoreMxcsr: return store_mxcsr();
    case Operation::SaveState: return save_state();
    case Operation::RestoreState: return restore_state();
    case Operation::SaveCompacted: return save_compacted();
    case Operation::RestoreCompacted: return restore_compacted();
    case Operation::Wait:
        if ((s_.cr0 & cr0::kMp) && (s_.cr0 & cr0::kTs)) throw GuestFault{Vector::DeviceNotAvailable};
        if (x87_pending()) throw GuestFault{Vector::MathFault};
        return;
    case Operation::Prefetch: load_memory(1); return;
    case Operation::Jump: return jump_to(next_ + i_.immediate);
    case Operation::JumpIf:
        if (condition(i_.opcode & 15)) jump_to(next_ + i_.immediate);
        return;
    case Operation::JumpRm: return jump_to(load_rm(i_.operand_size));
    case Operation::JumpFar: return far_transfer(i_.immediate2, i_.immediate, false);
    case Operation::CallFar: return far_transfer(i_.immediate2, i_.immediate, true);
    case Operation::JumpFarMemory: return far_from_memory(false);
    case Operation::CallFarMemory: return far_from_memory(true);
    case Operation::JumpCount: return jump_count();
    case Operation::Call: return call(next_ + i_.immediate);
    case Operation::CallRm: return call(load_rm(i_.operand_size));
    case Operation::Return: return near_return();
    case Operation::ReturnFar: return far_return();
    case Operation::InterruptReturn: return interrupt_return();
    case Operation::Interrupt: return software_interrupt(std::uint8_t(i_.immediate), false);
    case Operation::Breakpoint: return software_interrupt(std::uint8_t(Vector::Breakpoint), true);
    case Operation::Overflow:
        if (s_.rflags & rflags::kOverflow) software_interrupt(std::uint8_t(Vector::Overflow), true);
        return;
    case Operation::DebugTrap:
        // As a privileged software exception: no check of the gate's DPL (SDM 3A 6.12.1.2).
        show_held_back();
        deliver(std::uint8_t(Vector::Debug), Event::Exception, false, 0, next_);
        next_ = instruction_pointer(s_);
        return;
    case Operation::Bound: return bound();
    case Operation::MoveFromSegment:
        return store_rm(s_.segments[i_.extension()].selector, i_.has_memory() ? 2 : i_.operand_size);
    case Operation::MoveToSegment: return move_to_segment();
    case Operation::LoadFarPointer: return load_far_pointer();
    case Operation::Arpl: return adjust_rpl();
    case Operation::Lar: return load_access_rights(false);
    case Operation::Lsl: return load_access_rights(true);
    case Operation::Verify: return verify();
    case Operation::StoreSelector:
        if (!segmented()) undefined_opcode();
        if ((s_.cr4 & cr4::kUmip) && privilege() != 0) general_protection();
        return store_rm(i_.extension() == 0 ? s_.ldt.selector : s_.task.selector,
                        i_.has_memory() ? 2 : i_.operand_size);
    case Operation::LoadSelector: return load_selector();
    case Operation::StoreTable: return store_table();
    case Operation::LoadTable: return load_table();
    case Operation::StoreStatus:
        if ((s_.cr4 & cr4::kUmip) && privilege() != 0) general_protection();
        return store_rm(s_.cr0, i_.has_memory() ? 2 : i_.operand_size);
    case Operation::LoadStatus: {
        require_kernel();
        // PE is set by it, never cleared (SDM 2A, LMSW).
        const std::uint64_t value = load_rm(2);
        return write_cr0((s_.cr0 & ~std::uint64_t{0xe}) | (value & 0xf));
    }
    case Operation::InvalidatePage:
        require_kernel();
        vcpu_.flush_tlb_page(s_.segments[i_.segment].base * (code_64() && i_.segment < kFs ? 0 : 1) +
                             effective_address());
        return;
    case Operation::InvalidatePcid: return invalidate_pcid();
    case Operation::Group01: return group_01();
    case Operation::ClearTaskSwitched:
        require_kernel();
        s_.cr0 &= ~cr0::kTs;
        return;
    case Operation::MoveControl: return move_control();
    case Operation::MoveDebug: return move_debug();
    case Operation::SystemCall: return system_call();
    case Operation::SystemReturn: return system_return();
    case Operation::SysEnter: return sys_enter();
    case Operation::SysExit: return sys_exit();
    case Operation::Cli: return cli();
    case Operation::Sti: return sti();
    case Operation::Halt: return halt();
    case Operation::In: return input();
    case Operation::Out: return output();
    case Operation::ReadMsr: return read_msr();
    case Operation::WriteMsr: return write_msr();
    case Operation::ReadTsc: return read_tsc();
    case Operation::ReadPmc: general_protection();
    case Operation::Cpuid: return cpuid();
    case Operation::WriteBack: return require_kernel();
    case Operation::Resume: return resume();
    case Operation::SegmentBase: return segment_base();
    case Operation::ReadPid: return set_gpr(i_.rm(), s_.msrs.tsc_aux, i_.is_64bit() ? 8 : 4);
    }
}

}  // namespace backplane::x86
