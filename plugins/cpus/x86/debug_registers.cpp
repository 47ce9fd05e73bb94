// A processor's registers as gdb names them: the standard features for i386 and amd64 of the GDB manual, appendix G.5.7.
#include "x86_cpu.h"

#include <cstring>

namespace backplane::x86 {

namespace {

constexpr const char* kGeneralNames[kGprCount] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
/// In gdb's order.
constexpr Gpr kGeneralOrder[] = {kRax, kRbx, kRcx, kRdx, kRsi, kRdi, kRbp, kRsp};
constexpr SegmentName kSegmentOrder[] = {kCs, kSs, kDs, kEs, kFs, kGs};
constexpr const char* kSegmentNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
constexpr const char* kFloatControls[] = {"fctrl", "fstat", "ftag",  "fiseg",
                                          "fioff", "foseg", "fooff", "fop"};

constexpr const char* kFlagsType =
    "<flags id=\"i386_eflags\" size=\"4\"><field name=\"CF\" start=\"0\" end=\"0\"/>"
    "<field name=\"\" start=\"1\" end=\"1\"/><field name=\"PF\" start=\"2\" end=\"2\"/>"
    "<field name=\"AF\" start=\"4\" end=\"4\"/><field name=\"ZF\" start=\"6\" end=\"6\"/>"
    "<field name=\"SF\" start=\"7\" end=\"7\"/><field name=\"TF\" start=\"8\" end=\"8\"/>"
    "<field name=\"IF\" start=\"9\" end=\"9\"/><field name=\"DF\" start=\"10\" end=\"10\"/>"
    "<field name=\"OF\" start=\"11\" end=\"11\"/><field name=\"NT\" start=\"14\" end=\"14\"/>"
    "<field name=\"RF\" start=\"16\" end=\"16\"/><field name=\"VM\" start=\"17\" end=\"17\"/>"
    "<field name=\"AC\" start=\"18\" end=\"18\"/><field name=\"VIF\" start=\"19\" end=\"19\"/>"
    "<field name=\"VIP\" start=\"20\" end=\"20\"/><field name=\"ID\" start=\"21\" end=\"21\"/></flags>";
constexpr const char* kVectorTypes =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>";

/// DebugRegister::id: which kind, and the number within it.
enum Kind : std::uint32_t {
    kGeneral,
    kRip,
    kFlags,
    kSelector,
    kFloat,
    kFloatControl,
    kVector,
    kMxcsr,
    kBase,
    kControl
};
constexpr std::uint32_t id_of(Kind kind, unsigned number) { return kind << 16 | number; }

// The legacy region (SDM 1, table 10-2).
constexpr std::size_t kFcw = 0, kFsw = 2, kFtw = 4, kFop = 6, kFip = 8, kFdp = 16, kMxcsrAt = 24, kSt = 32,
                      kXmm = 160;

/// The full tag word from the abridged one (SDM 1, 8.1.7 and 10.5.1.1).
std::uint16_t full_tags(const std::uint8_t* area) {
    constexpr unsigned kEmpty = 3, kSpecial = 2, kZero = 1;
    constexpr std::uint16_t kExponent = 0x7fff;
    const unsigned top = area[kFsw + 1] >> 3 & 7;
    unsigned tags = 0;
    for (unsigned physical = 0; physical < 8; ++physical) {
        unsigned tag = kEmpty;
        if (area[kFtw] >> physical & 1) {
            std::uint64_t fraction = 0;
            std::uint16_t exponent = 0;
            const std::uint8_t* at = area + kSt + 16 * ((physical - top) & 7);
            std::memcpy(&fraction, at, sizeof fraction);
            std::memcpy(&exponent, at + sizeof fraction, sizeof exponent);
            exponent &= kExponent;
            if (exponent == kExponent) tag = kSpecial;
            else if (exponent == 0) tag = fraction == 0 ? kZero : kSpecial;
            else tag = fraction >> 63 ? 0 : kSpecial;
        }
        tags |= tag << (2 * physical);
    }
    return std::uint16_t(tags);
}

/// Where a register of the floating-point control group is, and its size; 0 for the tag word.
struct Place {
    std::size_t at, size;
};
Place float_control(unsigned number) {
    switch (number) {
    case 0: return {kFcw, 2};
    case 1: return {kFsw, 2};
    case 3: return {kFip + 4, 2};
    case 4: return {kFip, 4};
    case 5: return {kFdp + 4, 2};
    case 6: return {kFdp, 4};
    case 7: return {kFop, 2};
    default: return {kFtw, 0};
    }
}

}  // namespace

Slice<const DebugFeature> X86Cpu::debug_features() const {
    if (!debug_registers_) debug_registers_ = make_debug_registers();
    return debug_registers_->features;
}

std::unique_ptr<DebugRegisters> X86Cpu::make_debug_registers() const {
    auto all = std::make_unique<DebugRegisters>();
    for (const Gpr number : kGeneralOrder)
        all->core.push_back({.name = kGeneralNames[number],
                             .type = number == kRbp || number == kRsp ? "data_ptr" : "int64",
                             .id = id_of(kGeneral, number)});
    for (unsigned i = 8; i < kGprCount; ++i)
        all->core.push_back({.name = kGeneralNames[i], .type = "int64", .id = id_of(kGeneral, i)});
    all->core.push_back({.name = "rip", .type = "code_ptr", .id = id_of(kRip, 0)});
    all->core.push_back({.name = "eflags", .bits = 32, .type = "i386_eflags", .id = id_of(kFlags, 0)});
    for (const SegmentName segment : kSegmentOrder)
        all->core.push_back(
            {.name = kSegmentNames[segment], .bits = 32, .type = "int32", .id = id_of(kSelector, segment)});
    const auto named = [&](const char* stem, unsigned number) -> Str {
        return all->names.emplace_back(stem + std::to_string(number));
    };
    for (unsigned i = 0; i < 8; ++i)
        all->core.push_back({.name = named("st", i), .bits = 80, .type = "i387_ext", .id = id_of(kFloat, i)});
    for (unsigned i = 0; i < std::size(kFloatControls); ++i)
        all->core.push_back({.name = kFloatControls[i],
                             .bits = 32,
                             .type = "int",
                             .group = "float",
                             .id = id_of(kFloatControl, i)});
    for (unsigned i = 0; i < kGprCount; ++i)
        all->sse.push_back({.name = named("xmm", i), .bits = 128, .type = "vec128", .id = id_of(kVector, i)});
    all->sse.push_back(
        {.name = "mxcsr", .bits = 32, .type = "int", .group = "vector", .id = id_of(kMxcsr, 0)});
    all->segments.push_back({.name = "fs_base", .type = "int", .id = id_of(kBase, kFs)});
    all->segments.push_back({.name = "gs_base", .type = "int", .id = id_of(kBase, kGs)});
    constexpr const char* kControls[] = {"cr0", "cr2", "cr3", "cr4", "efer"};
    for (unsigned i = 0; i < std::size(kControls); ++i)
        all->control.push_back(
            {.name = kControls[i], .group = "system", .save_restore = false, .id = id_of(kControl, i)});
    all->features = {
        {.name = "org.gnu.gdb.i386.core", .types = kFlagsType, .registers = all->core},
        {.name = "org.gnu.gdb.i386.sse", .types = kVectorTypes, .registers = all->sse},
        {.name = "org.gnu.gdb.i386.segments", .general = false, .registers = all->segments},
        {.name = "org.gnu.gdb.i386.control", .general = false, .registers = all->control},
    };
    return all;
}

bool X86Cpu::read_register(const DebugRegister& reg, MutableBytes to) {
    const unsigned number = reg.id & 0xffff;
    const std::uint64_t* const controls[] = {&state_.cr0, &state_.cr2, &state_.cr3, &state_.cr4,
                                             &state_.efer};
    std::uint64_t value = 0;
    switch (reg.id >> 16) {
    case kGeneral: value = state_.gpr[number]; break;
    case kRip: value = instruction_pointer(state_); break;
    case kFlags: value = state_.rflags; break;
    case kSelector: value = state_.segments[number].selector; break;
    case kFloat: std::memcpy(to.data, state_.xsave + kSt + 16 * number, to.size); return true;
    case kFloatControl: {
        const Place place = float_control(number);
        if (place.size == 0) value = full_tags(state_.xsave);
        std::memcpy(&value, state_.xsave + place.at, place.size);
        break;
    }
    case kVector: std::memcpy(to.data, state_.xsave + kXmm + 16 * number, to.size); return true;
    case kMxcsr: std::memcpy(&value, state_.xsave + kMxcsrAt, sizeof(std::uint32_t)); break;
    case kBase: value = state_.segments[number].base; break;
    default: value = *controls[number];
    }
    std::memcpy(to.data, &value, to.size);
    return true;
}

/// Selectors and control registers would need their hidden parts: they are shown, not set.
bool X86Cpu::write_register(const DebugRegister& reg, Bytes from) {
    const unsigned number = reg.id & 0xffff;
    std::uint64_t value = 0;
    if (from.size <= sizeof value) std::memcpy(&value, from.data, from.size);
    switch (reg.id >> 16) {
    case kGeneral: state_.gpr[number] = value; return true;
    case kRip: set_instruction_pointer(state_, value); return true;
    case kFlags: state_.rflags = value | rflags::kOne; return true;
    case kSelector: return value == state_.segments[number].selector;
    case kFloat: std::memcpy(state_.xsave + kSt + 16 * number, from.data, from.size); return true;
    case kFloatControl: {
        const Place place = float_control(number);
        if (place.size == 0) {
            std::uint8_t used = 0;
            for (unsigned i = 0; i < 8; ++i)
                if ((value >> (2 * i) & 3) != 3) used |= std::uint8_t(1u << i);
            state_.xsave[kFtw] = used;
        }
        std::memcpy(state_.xsave + place.at, &value, place.size);
        return true;
    }
    case kVector: std::memcpy(state_.xsave + kXmm + 16 * number, from.data, from.size); return true;
    case kMxcsr: std::memcpy(state_.xsave + kMxcsrAt, &value, sizeof(std::uint32_t)); return true;
    case kBase: state_.segments[number].base = value; return true;
    default: return false;
    }
}

}  // namespace backplane::x86
