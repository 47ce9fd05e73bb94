// Segment registers and descriptors (SDM 3A, chapters 3 and 5).
#include "executor.h"

namespace backplane::x86 {

namespace {

constexpr std::uint32_t kRealData = Segment::kPresent | Segment::kNotSystem | 3;
constexpr std::uint32_t kUser8086 = kRealData | 3u << Segment::kDplShift;
constexpr unsigned kLdtType = 2, kCallGate16 = 4, kTaskGate = 5, kCallGate32 = 12;
constexpr unsigned kTss16 = 1, kTss32 = 9, kBusy = 2;

constexpr std::uint32_t error_of(std::uint16_t selector) { return selector & 0xfffcu; }

}  // namespace

Segment Descriptor::segment(std::uint16_t selector) const {
    const std::uint32_t upper = std::uint32_t(low >> 32);
    Segment s;
    s.base = (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24 | high << 32;
    s.limit = std::uint32_t(low & 0xffff) | (upper & 0xf0000);
    if (upper & 1u << 23) s.limit = s.limit << 12 | 0xfff;
    s.selector = selector;
    s.attributes = (upper >> 8 & 0xff) | (upper >> 20 & 0xf) << 12;
    return s;
}

/// `system_wide`: sixteen bytes in IA-32e mode.
Descriptor Executor::read_descriptor(std::uint16_t selector, Vector vector, bool system_wide) {
    const bool local = selector & 4;
    const std::uint32_t offset = selector & 0xfff8u, size = system_wide && long_mode() ? 16 : 8;
    const std::uint64_t base = local ? s_.ldt.base : s_.gdt.base;
    const std::uint32_t limit = local ? s_.ldt.limit : s_.gdt.limit;
    if ((local && ((s_.ldt.attributes & Segment::kUnusable) || (s_.ldt.selector & 0xfffc) == 0)) ||
        offset + size - 1 > limit)
        throw GuestFault{vector, true, error_of(selector)};
    Descriptor d;
    d.address = base + offset;
    d.low = load_linear(d.address, 8, system_mode());
    if (size == 16) d.high = load_linear(d.address + 8, 8, system_mode()) & 0xffffffff;
    return d;
}

void Executor::mark_accessed(Descriptor& descriptor) {
    if (descriptor.system() || (descriptor.low >> 40 & 1)) return;
    descriptor.low |= std::uint64_t{1} << 40;
    store_linear(descriptor.address + 5, descriptor.low >> 40 & 0xff, 1, system_mode());
}

void Executor::set_real_segment(unsigned name, std::uint16_t selector) {
    Segment& segment = s_.segments[name];
    segment.selector = selector;
    segment.base = std::uint64_t(selector) << 4;
    if (virtual_8086()) {
        segment.limit = 0xffff;
        segment.attributes = kUser8086;
    } else if (segment.attributes & Segment::kUnusable) {
        segment.attributes = kRealData;
    }
}

void Executor::set_null_stack(unsigned privilege) {
    s_.segments[kSs] = {0, 0, std::uint16_t(privilege), Segment::kUnusable | privilege << Segment::kDplShift};
}

void Executor::load_stack_segment(std::uint16_t selector, unsigned privilege, Vector vector) {
    const std::uint32_t error = error_of(selector);
    if ((selector & 0xfffc) == 0) throw GuestFault{vector, true, vector == Vector::InvalidTss ? error : 0};
    Descriptor d = read_descriptor(selector, vector);
    const bool writable = !d.system() && !d.code() && (d.type() & 2);
    if ((selector & 3) != privilege || d.dpl() != privilege || !writable)
        throw GuestFault{vector, true, error};
    if (!d.present()) throw GuestFault{Vector::StackFault, true, error};
    mark_accessed(d);
    s_.segments[kSs] = d.segment(selector);
}

void Executor::load_segment(unsigned name, std::uint16_t selector) {
    if (!segmented()) return set_real_segment(name, selector);
    const unsigned cpl = privilege(), rpl = selector & 3;
    if (name == kSs) {
        if ((selector & 0xfffc) == 0 && code_64() && cpl != 3 && rpl == cpl) {
            set_null_stack(cpl);
            s_.segments[kSs].selector = selector;
            return;
        }
        return load_stack_segment(selector, cpl, Vector::GeneralProtection);
    }
    if ((selector & 0xfffc) == 0) {
        s_.segments[name] = {0, 0, selector, Segment::kUnusable};
        return;
    }
    Descriptor d = read_descriptor(selector);
    const std::uint32_t error = error_of(selector);
    const bool readable = !d.system() && (!d.code() || (d.type() & 2));
    if (!readable || (!d.conforming() && (rpl > d.dpl() || cpl > d.dpl()))) general_protection(error);
    if (!d.present()) throw GuestFault{Vector::SegmentNotPresent, true, error};
    mark_accessed(d);
    s_.segments[name] = d.segment(selector);
}

/// CS; the caller has checked it, and makes SS say the same privilege.
void Executor::load_code(std::uint16_t selector, Descriptor& descriptor, unsigned new_privilege) {
    mark_accessed(descriptor);
    Segment segment = descriptor.segment(std::uint16_t((selector & 0xfffc) | new_privilege));
    if (long_mode() && (segment.attributes & Segment::kLong)) segment.base = 0;
    s_.segments[kCs] = segment;
}

/// What the code that is returned to may not use (SDM 2B, RET).
void Executor::drop_outer_segments(unsigned new_privilege) {
    for (const unsigned name : {kEs, kDs, kFs, kGs}) {
        Segment& segment = s_.segments[name];
        const bool conforming = (segment.attributes & (Segment::kCode | 4)) == (Segment::kCode | 4);
        if (!(segment.attributes & Segment::kUnusable) && !conforming &&
            (segment.attributes >> Segment::kDplShift & 3) < new_privilege)
            segment = {long_mode() ? segment.base : 0, 0, 0,
                       Segment::kUnusable};  // 64-bit code goes on with it
    }
}

/// The stack pointer for an inner privilege (SDM 3A 5.8.5, 8.7), and its segment outside of IA-32e mode.
std::uint64_t Executor::stack_of(unsigned new_privilege, std::uint16_t& selector) {
    const Segment& task = s_.task;
    const bool wide = long_mode(), narrow = !wide && !(task.attributes & 8);
    const std::uint32_t offset = narrow ? 2 + 4 * new_privilege : 4 + 8 * new_privilege;
    const std::uint32_t size = wide ? 8 : narrow ? 4 : 6;
    if (offset + size - 1 > task.limit) throw GuestFault{Vector::InvalidTss, true, error_of(task.selector)};
    const unsigned pointer = wide ? 8 : narrow ? 2 : 4;
    const std::uint64_t sp = load_linear(task.base + offset, pointer, system_mode());
    selector = wide ? 0 : std::uint16_t(load_linear(task.base + offset + pointer, 2, system_mode()));
    return sp;
}

// ---- instructions

void Executor::move_to_segment() {
    const unsigned name = i_.extension();
    load_segment(name, std::uint16_t(load_rm(2)));
    if (name == kSs) s_.interrupt_shadow = true;
}

void Executor::load_far_pointer() {
    const unsigned size = i_.operand_size;
    const unsigned name = i_.map != 0 ? (i_.opcode == 0xb2   ? kSs
                                         : i_.opcode == 0xb4 ? kFs
                                                             : kGs)
                                      : (i_.opcode == 0xc4 ? kEs : kDs);
    const std::uint64_t address = memory_linear(size + 2, false);
    const std::uint64_t offset = load_linear(address, size, data_mode());
    load_segment(name, std::uint16_t(load_linear(address + size, 2, data_mode())));
    set_gpr(i_.reg(), offset, size);
}

/// LLDT (/2) and LTR (/3).
void Executor::load_selector() {
    if (!segmented()) undefined_opcode();
    require_kernel();
    const auto selector = std::uint16_t(load_rm(2));
    const std::uint32_t error = error_of(selector);
    const bool task = i_.extension() == 3;
    if ((selector & 0xfffc) == 0) {
        if (task) general_protection();
        s_.ldt = {0, 0, selector, Segment::kUnusable};
        return;
    }
    if (selector & 4) general_protection(error);
    const Descriptor d = read_descriptor(selector, Vector::GeneralProtection, true);
    const bool right =
        task ? d.type() == kTss32 || (d.type() == kTss16 && !long_mode()) : d.type() == kLdtType;
    if (!d.system() || !right) general_protection(error);
    if (!d.present()) throw GuestFault{Vector::SegmentNotPresent, true, error};
    if (long_mode() && !canonical_base(d.segment(selector).base)) general_protection(error);
    if (!task) {
        s_.ldt = d.segment(selector);
        return;
    }
    store_linear(d.address + 5, (d.low >> 40 & 0xff) | kBusy, 1, system_mode());
    s_.task = d.segment(selector);
    s_.task.attributes |= kBusy;
}

/// VERR and VERW.
void Executor::verify() {
    if (!segmented()) undefined_opcode();
    const bool write = i_.extension() == 5;
    const auto selector = std::uint16_t(load_rm(2));
    bool right = false;
    if (selector & 0xfffc) {
        try {
            const Descriptor d = read_descriptor(selector);
            const unsigned most = std::max(privilege(), unsigned(selector & 3));
            right = !d.system() && (d.conforming() || d.dpl() >= most) &&
                    (write ? !d.code() && (d.type() & 2) : !d.code() || (d.type() & 2));
        } catch (const GuestFault& fault) {
            if (fault.vector != Vector::GeneralProtection) throw;
        }
    }
    s_.rflags = right ? s_.rflags | rflags::kZero : s_.rflags & ~rflags::kZero;
}

/// LAR, and LSL with `limit`.
void Executor::load_access_rights(bool limit) {
    if (!segmented()) undefined_opcode();
    const auto selector = std::uint16_t(load_rm(2));
    bool right = false;
    Descriptor d;
    if (selector & 0xfffc) {
        try {
            d = read_descriptor(selector);
            right = d.conforming() || d.dpl() >= std::max(privilege(), unsigned(selector & 3));
        } catch (const GuestFault& fault) {
            if (fault.vector != Vector::GeneralProtection) throw;
        }
    }
    if (right && d.system()) {
        const unsigned type = d.type();
        const bool segment =
            type == kLdtType || (type & ~kBusy) == kTss32 || ((type & ~kBusy) == kTss16 && !long_mode());
        const bool gate = type == kCallGate32 || (!long_mode() && (type == kCallGate16 || type == kTaskGate));
        right = segment || (!limit && gate);
    }
    s_.rflags = right ? s_.rflags | rflags::kZero : s_.rflags & ~rflags::kZero;
    if (!right) return;
    set_gpr(i_.reg(), limit ? d.segment(0).limit : d.low >> 32 & 0xffff00, i_.operand_size);
}

void Executor::adjust_rpl() {
    if (!segmented()) undefined_opcode();
    const std::uint64_t target = load_rm(2), source = gpr(i_.reg(), 2);
    if ((target & 3) >= (source & 3)) {
        s_.rflags &= ~rflags::kZero;
        return;
    }
    store_rm((target & ~std::uint64_t{3}) | (source & 3), 2);
    s_.rflags |= rflags::kZero;
}

}  // namespace backplane::x86
