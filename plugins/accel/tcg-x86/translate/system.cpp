// What kernels do all the time, without the executor: the flags that are no status flags, SWAPGS.
#include "../executor/executor.h"
#include "translator.h"
#include "values.h"

#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

using tcg::Builder;
using tcg::Translated;
using tcg::Value;

namespace {

/// UnitTranslation::scratch[kBehindSti]: how far the instruction is behind STI.
enum : std::uint64_t { kNotBehind, kInShadow, kBehindShadow };

constexpr std::uint32_t kFlagsPlace = offsetof(X86State, rflags);

/// What waits for the flag is taken as soon as the unit looks.
std::uint64_t allow_interrupts(void* state) {
    X86State& s = *static_cast<X86State*>(state);
    if (!(s.rflags & rflags::kInterrupt)) s.interrupt_shadow = true;
    s.rflags |= rflags::kInterrupt;
    look_at_requests(s);
    return 0;
}

std::uint64_t write_flags(void* state, std::uint64_t value, std::uint64_t size) {
    X86State& s = *static_cast<X86State*>(state);
    Executor(s).take_flags(value, unsigned(size));
    look_at_requests(s);
    return 0;
}

}  // namespace

/// At each instruction, before it: SDM 2B, STI.
void Translator::behind_sti() {
    std::uint64_t& place = unit_.scratch[kBehindSti];
    if (place == kInShadow)
        b_.store_state(offsetof(X86State, interrupt_shadow), b_.constant(0), tcg::mem::k8);
    else if (place == kBehindShadow) b_.look();
    place = place == kInShadow ? kBehindShadow : kNotBehind;
}

/// Interrupts that STI let through are waiting for this instruction's end.
bool Translator::ends_shadow() const { return unit_.scratch[kBehindSti] != kNotBehind; }

Translated Translator::sti() {
    b_.call({}, allow_interrupts, "sti", 0, {});
    if (!ends_shadow()) unit_.scratch[kBehindSti] = kInShadow;  // the second of two has none
    return Translated::Together;
}

void Translator::change_flag_bits(unsigned byte, std::uint8_t clear, std::uint8_t set) {
    const Value flags = b_.temp();
    b_.status_to_state();  // the byte may have some of them
    b_.load_state(flags, kFlagsPlace + byte, tcg::mem::k8);
    if (clear) b_.and_(flags, flags, b_.constant(std::uint8_t(~clear)));
    if (set) b_.or_(flags, flags, b_.constant(set));
    b_.store_state(kFlagsPlace + byte, flags, tcg::mem::k8);
}

Translated Translator::push_flags() {
    const Value flags = b_.temp();
    b_.status_to_state();
    b_.load_state(flags, kFlagsPlace, tcg::mem::k64);
    b_.and_(flags, flags, b_.constant(std::uint32_t(~(rflags::kResume | rflags::kVirtual8086))));
    push_value(flags);
    return Translated::Next;
}

Translated Translator::pop_flags() {
    const Value flags = b_.temp();
    b_.load(flags, Builder::reg(kRsp), 0, tcg::mem::k64);
    b_.call({}, write_flags, "popf", 0, {flags, b_.constant(8)});
    move_stack_pointer(8);
    b_.status_from_state();
    return to_next_unit();
}

/// Behind the instruction, in whatever mode the state now says.
Translated Translator::to_next_unit() {
    b_.store_state(offsetof(X86State, pc), b_.pc_constant(next_pc()), tcg::mem::k64);
    return leave(tcg::LeaveKind::Continue);
}

/// STAC and CLAC, where the processor has them: the unit's mode says whether SMAP holds now.
Translated Translator::change_access(bool allow) {
    if (!allow && unit_.key.data_mode == kSupervisorSmap) return Translated::Next;
    constexpr unsigned kByte = 2;
    constexpr std::uint8_t kBit = rflags::kAlignmentCheck >> (8 * kByte);
    if (allow) change_flag_bits(kByte, 0, kBit);
    else change_flag_bits(kByte, kBit, 0);
    return to_next_unit();
}

bool Translator::has_smap() const {
    const auto& s = *static_cast<const X86State*>(unit_.state);
    return per_cpu(s).processor->cpuid(7, 0).ebx >> 20 & 1;
}

Translated Translator::swap_gs() {
    const Value old = b_.temp(), now = b_.temp();
    constexpr auto kPlace = std::uint32_t(offsetof(X86State, msrs) + offsetof(MsrState, kernel_gs_base));
    b_.mov(old, base_value(kGs));
    b_.load_state(now, kPlace, tcg::mem::k64);
    b_.mov(base_value(kGs), now);
    b_.store_state(kPlace, old, tcg::mem::k64);
    return Translated::Next;
}

/// Nothing: the executor is to do it.
std::optional<Translated> Translator::system() {
    const bool kernel = unit_.key.flags & key_flag::kKernel;
    if (!i_.is_64bit()) return std::nullopt;
    switch (i_.operation()) {
    case Operation::PushFlags: return i_.operand_size == 8 ? std::optional(push_flags()) : std::nullopt;
    case Operation::PopFlags: return i_.operand_size == 8 ? std::optional(pop_flags()) : std::nullopt;
    case Operation::Sti: return kernel ? std::optional(sti()) : std::nullopt;
    case Operation::Cli:
        if (!kernel) return std::nullopt;
        change_flag_bits(1, rflags::kInterrupt >> 8, 0);
        return Translated::Next;
    case Operation::ChangeFlag:
        if (i_.opcode != 0xfc && i_.opcode != 0xfd) return std::nullopt;
        if (i_.opcode == 0xfc) change_flag_bits(1, rflags::kDirection >> 8, 0);
        else change_flag_bits(1, 0, rflags::kDirection >> 8);
        return Translated::Next;
    case Operation::Group01:
        if (!kernel) return std::nullopt;
        if (i_.modrm == 0xf8) return swap_gs();
        if ((i_.modrm == 0xca || i_.modrm == 0xcb) && has_smap()) return change_access(i_.modrm == 0xcb);
        return std::nullopt;
    default: return std::nullopt;
    }
}

}  // namespace backplane::x86
