// A hart's registers as gdb names them: the standard features for RISC-V of the GDB manual, appendix G.5.11, with the
// CSRs that this hart has.
#include "riscv_cpu.h"

#include <cstring>

namespace backplane::riscv {

namespace {

constexpr unsigned kCsrCount = 4096;
constexpr const char* kIntegerNames[32] = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr const char* kFloatNames[32] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                         "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                         "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                         "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
constexpr const char* kDoubleType = "<union id=\"riscv_double\"><field name=\"float\" type=\"ieee_single\"/>"
                                    "<field name=\"double\" type=\"ieee_double\"/></union>";

/// DebugRegister::id: which kind, and the number within it.
enum Kind : std::uint32_t { kInteger, kPc, kFloat, kCsr, kPrivilege };
constexpr std::uint32_t id_of(Kind kind, unsigned number) { return kind << 16 | number; }

const char* integer_type(unsigned number) {
    return number == 1 ? "code_ptr" : number >= 2 && (number <= 4 || number == 8) ? "data_ptr" : "int";
}

}  // namespace

Slice<const DebugFeature> RiscvCpu::debug_features() const {
    if (!debug_registers_) debug_registers_ = make_debug_registers();
    return debug_registers_->features;
}

std::unique_ptr<DebugRegisters> RiscvCpu::make_debug_registers() const {
    auto all = std::make_unique<DebugRegisters>();
    for (unsigned i = 0; i < 32; ++i)
        all->integers.push_back(
            {.name = kIntegerNames[i], .type = integer_type(i), .id = id_of(kInteger, i)});
    all->integers.push_back({.name = "pc", .type = "code_ptr", .id = id_of(kPc, 0)});
    all->features.push_back({.name = "org.gnu.gdb.riscv.cpu", .registers = all->integers});
    if (state_.has(Extension::F)) {
        const bool doubles = state_.has(Extension::D);
        for (unsigned i = 0; i < 32; ++i)
            all->floats.push_back({.name = kFloatNames[i],
                                   .bits = std::uint16_t(doubles ? 64 : 32),
                                   .type = doubles ? "riscv_double" : "ieee_single",
                                   .group = "float",
                                   .id = id_of(kFloat, i)});
        all->features.push_back({.name = "org.gnu.gdb.riscv.fpu",
                                 .types = doubles ? kDoubleType : "",
                                 .general = false,
                                 .registers = all->floats});
    }
    // The rules act on a state, as reading may; naming leaves it as it is.
    auto& state = const_cast<HartState&>(state_);
    for (unsigned number = 0; state_.csrs && number < kCsrCount; ++number) {
        std::string name = state_.csrs->name(state, number);
        if (name.empty()) continue;
        all->csrs.push_back({.name = all->names.emplace_back(std::move(name)),
                             .group = "csr",
                             .save_restore = false,
                             .id = id_of(kCsr, number)});
    }
    if (!all->csrs.empty())
        all->features.push_back({.name = "org.gnu.gdb.riscv.csr", .general = false, .registers = all->csrs});
    all->virtuals.push_back({.name = "priv", .save_restore = false, .id = id_of(kPrivilege, 0)});
    all->features.push_back(
        {.name = "org.gnu.gdb.riscv.virtual", .general = false, .registers = all->virtuals});
    return all;
}

bool RiscvCpu::read_register(const DebugRegister& reg, MutableBytes to) {
    const unsigned number = reg.id & 0xffff;
    std::uint64_t value = 0;
    switch (reg.id >> 16) {
    case kInteger: value = state_.x[number]; break;
    case kPc: value = state_.pc; break;
    case kFloat: value = state_.f[number]; break;
    case kCsr:
        if (!state_.csrs->read(state_, number, value)) return false;
        break;
    default: value = static_cast<std::uint64_t>(state_.privilege);
    }
    std::memcpy(to.data, &value, to.size);
    return true;
}

bool RiscvCpu::write_register(const DebugRegister& reg, Bytes from) {
    const unsigned number = reg.id & 0xffff;
    std::uint64_t value = 0;
    std::memcpy(&value, from.data, from.size);
    switch (reg.id >> 16) {
    case kInteger:
        if (number != 0) state_.x[number] = value;
        return true;
    case kPc: state_.pc = value & ~std::uint64_t{1}; return true;
    case kFloat:
        // What is narrower than the register is NaN-boxed (Volume I 12.2).
        state_.f[number] = from.size == 4 ? value | 0xffffffffull << 32 : value;
        return true;
    case kCsr: return state_.csrs->write(state_, number, value);
    default: return set_privilege(value);
    }
}

bool RiscvCpu::set_privilege(std::uint64_t value) {
    const bool there =
        value == 3 || (value == 1 && state_.has(Extension::S)) || (value == 0 && state_.has(Extension::U));
    if (there) state_.privilege = static_cast<Privilege>(value);
    return there;
}

}  // namespace backplane::riscv
