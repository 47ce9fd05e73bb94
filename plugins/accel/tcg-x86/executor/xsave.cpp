// The state that is saved and restored as a whole (SDM 1, 10.5 and chapter 13), and PKRU, which is a part of it.
#include "xsave.h"

#include "executor.h"

#include <algorithm>
#include <array>

namespace backplane::x86 {

namespace {

using namespace xsave;

constexpr std::size_t kLegacySize = 512, kHeaderSize = 64, kExtended = kLegacySize + kHeaderSize;
constexpr std::size_t kRegistersOffset = 32, kX87End = 160, kXmmEnd = 416;
constexpr std::uint16_t kControlWordReset = 0x37f;
constexpr std::uint32_t kMxcsrReset = 0x1f80;
constexpr std::uint64_t kCompacted = std::uint64_t{1} << 63;

bool all_zero(const std::uint8_t* bytes, std::size_t size) {
    return std::all_of(bytes, bytes + size, [](std::uint8_t byte) { return byte == 0; });
}

/// XINUSE (SDM 1, 13.6): what is not as after a reset.
std::uint64_t in_use(const X86State& state) {
    const std::uint8_t* const area = state.xsave;
    std::uint64_t all = 0;
    std::uint16_t control = 0;
    std::memcpy(&control, area, sizeof control);
    if (control != kControlWordReset || !all_zero(area + 2, kMxcsrOffset - 2) ||
        !all_zero(area + kRegistersOffset, kX87End - kRegistersOffset))
        all |= kX87;
    if (!all_zero(area + kVectorOffset, kXmmEnd - kVectorOffset)) all |= kSse;
    for (const Component& component : kComponents)
        if (!all_zero(area + component.offset, component.size)) all |= std::uint64_t{1} << component.number;
    return all;
}

/// Calls `body(component, its offset)` for each of `wanted` beyond the legacy region; XCOMP_BV says where in the compacted
/// form. Returns the end of the area.
template <class Body>
std::uint32_t for_each_component(std::uint64_t wanted, std::uint64_t layout, Body body) {
    std::uint32_t end = kExtended, next = kExtended;
    for (const Component& component : kComponents) {
        const std::uint64_t bit = std::uint64_t{1} << component.number;
        if ((layout & kCompacted) && !(layout & bit)) continue;
        const std::uint32_t at = layout & kCompacted ? next : component.offset;
        next = at + component.size;
        if (!(wanted & bit)) continue;
        body(component, at);
        end = next;
    }
    return end;
}

std::uint32_t area_size(std::uint64_t wanted, std::uint64_t layout) {
    return for_each_component(wanted, layout, [](const Component&, std::uint32_t) {});
}

/// Code of less than 64 bits has eight vector registers.
std::uint32_t size_in(const Component& component, bool code_64) {
    return component.number == 2 && !code_64 ? component.size / 2 : component.size;
}

}  // namespace

std::uint64_t Executor::components_in_use() const { return in_use(s_) & s_.xcr0; }

void Executor::check_area_enabled(bool extended) const {
    if (extended ? !(s_.cr4 & cr4::kOsxsave) : (s_.cr0 & cr0::kEm) != 0) undefined_opcode();
}

std::uint64_t Executor::components_asked() const {
    return (s_.gpr[kRdx] << 32 | std::uint32_t(s_.gpr[kRax])) & s_.xcr0;
}

/// FXSAVE (/0), XSAVE (/4), XSAVEOPT (/6), which saves all that is asked for.
void Executor::save_state() {
    const bool extended = i_.extension() != 0;
    check_area_enabled(extended);
    if (s_.cr0 & cr0::kTs) throw GuestFault{Vector::DeviceNotAvailable};
    set_mxcsr_of(s_, mxcsr());
    const std::uint64_t offset = effective_address();
    if (!extended) {
        const std::uint64_t address = linear(i_.segment, offset, kLegacySize, true);
        if (address & 15) general_protection();
        std::uint8_t area[kLegacySize];
        load_bytes(address, area, sizeof area, data_mode());
        const bool sse = (s_.cr4 & cr4::kOsfxsr) != 0;
        std::memcpy(area, s_.xsave, sse ? (i_.is_64bit() ? kXmmEnd : 288) : kX87End);
        return store_bytes(address, area, sizeof area, data_mode());
    }
    const std::uint64_t wanted = components_asked();
    const std::uint64_t address = linear(i_.segment, offset, area_size(wanted, 0), true);
    if (address & 63) general_protection();
    store_components(address, wanted, 0);
    if ((wanted & kAvx) && !(wanted & kSse))
        store_bytes(address + kMxcsrOffset, s_.xsave + kMxcsrOffset, 8, data_mode());
    const std::uint64_t present = load_linear(address + kLegacySize, 8, data_mode());
    store_linear(address + kLegacySize, present | wanted, 8, data_mode());
}

/// XSAVEC (/4) and XSAVES (/5): in the compacted form, and no component that is as after a reset.
void Executor::save_compacted() {
    check_area_enabled(true);
    if (!(cpu_.processor->cpuid(0xd, 1).eax >> (i_.extension() == 5 ? 3 : 1) & 1)) undefined_opcode();
    if (s_.cr0 & cr0::kTs) throw GuestFault{Vector::DeviceNotAvailable};
    if (i_.extension() == 5) require_kernel();
    set_mxcsr_of(s_, mxcsr());
    const std::uint64_t asked = components_asked(), layout = asked | kCompacted;
    const std::uint64_t address = linear(i_.segment, effective_address(), area_size(asked, layout), true);
    if (address & 63) general_protection();
    const std::uint64_t used = in_use(s_) | (mxcsr_of(s_) != kMxcsrReset ? kSse : 0);
    store_components(address, asked & used, layout);
    store_linear(address + kLegacySize, asked & used, 8, data_mode());
    store_linear(address + kLegacySize + 8, layout, 8, data_mode());
}

void Executor::store_components(std::uint64_t to, std::uint64_t wanted, std::uint64_t layout) {
    const std::uint8_t mode = data_mode();
    const bool code_64 = i_.is_64bit();
    if (wanted & kX87) {
        store_bytes(to, s_.xsave, kMxcsrOffset, mode);
        store_bytes(to + kRegistersOffset, s_.xsave + kRegistersOffset, kX87End - kRegistersOffset, mode);
    }
    if (wanted & kSse) {
        store_bytes(to + kMxcsrOffset, s_.xsave + kMxcsrOffset, 8, mode);
        store_bytes(to + kVectorOffset, s_.xsave + kVectorOffset, code_64 ? 256 : 128, mode);
    }
    for_each_component(wanted, layout, [&](const Component& component, std::uint32_t at) {
        store_bytes(to + at, s_.xsave + component.offset, size_in(component, code_64), mode);
    });
}

/// FXRSTOR (/1), XRSTOR (/5).
void Executor::restore_state() {
    const bool extended = i_.extension() != 1;
    check_area_enabled(extended);
    if (s_.cr0 & cr0::kTs) throw GuestFault{Vector::DeviceNotAvailable};
    const std::uint64_t offset = effective_address();
    if (extended) return load_area(offset, components_asked(), false);
    const std::uint64_t address = linear(i_.segment, offset, kLegacySize, false);
    if (address & 15) general_protection();
    std::uint8_t area[kLegacySize];
    load_bytes(address, area, sizeof area, data_mode());
    const bool sse = (s_.cr4 & cr4::kOsfxsr) != 0;
    std::uint32_t mxcsr = 0;
    std::memcpy(&mxcsr, area + kMxcsrOffset, sizeof mxcsr);
    if (sse && (mxcsr & ~kMxcsrValid)) general_protection();
    const bool masked = masks_all_of_x87(s_);
    std::memcpy(s_.xsave, area, kMxcsrOffset);
    if (masks_all_of_x87(s_) != masked) vcpu_.leave(tcg::LeaveKind::Continue);
    if (sse) set_mxcsr(mxcsr);
    std::memcpy(s_.xsave + kRegistersOffset, area + kRegistersOffset, kX87End - kRegistersOffset);
    if (sse) std::memcpy(s_.xsave + kVectorOffset, area + kVectorOffset, (i_.is_64bit() ? 16 : 8) * 16);
}

/// XRSTORS.
void Executor::restore_compacted() {
    check_area_enabled(true);
    if (!(cpu_.processor->cpuid(0xd, 1).eax >> 3 & 1)) undefined_opcode();
    if (s_.cr0 & cr0::kTs) throw GuestFault{Vector::DeviceNotAvailable};
    require_kernel();
    load_area(effective_address(), components_asked(), true);
}

/// What the header must be (SDM 1, 13.8.1 and 13.12).
void Executor::check_header(const std::uint64_t* header, bool compacted_only) const {
    const std::uint64_t present = header[0], layout = header[1];
    if (layout & kCompacted) {
        if (!(cpu_.processor->cpuid(0xd, 1).eax >> 1 & 1)) general_protection();
        if ((layout & ~kCompacted & ~s_.xcr0) || (present & ~layout)) general_protection();
        if (std::any_of(header + 2, header + 8, [](std::uint64_t word) { return word != 0; }))
            general_protection();
        return;
    }
    if (compacted_only || (present & ~s_.xcr0) || layout || header[2]) general_protection();
}

void Executor::load_area(std::uint64_t offset, std::uint64_t wanted, bool compacted_only) {
    const std::uint8_t mode = data_mode();
    const std::uint64_t from = linear(i_.segment, offset, kExtended, false);
    if (from & 63) general_protection();
    alignas(64) std::array<std::uint8_t, kEnd> area{};
    load_bytes(from, area.data(), kExtended, mode);
    std::uint64_t header[8];
    std::memcpy(header, area.data() + kLegacySize, sizeof header);
    check_header(header, compacted_only);
    const std::uint64_t layout = header[1];
    const std::uint64_t present = header[0] & wanted;
    linear(i_.segment, offset, area_size(present, layout), false);
    const bool code_64 = i_.is_64bit();
    for_each_component(present, layout, [&](const Component& component, std::uint32_t at) {
        load_bytes(from + at, area.data() + component.offset, size_in(component, code_64), mode);
    });
    std::uint32_t mxcsr = kMxcsrReset;
    const bool has_mxcsr = layout & kCompacted ? (present & kSse) != 0 : (wanted & (kSse | kAvx)) != 0;
    if (has_mxcsr) std::memcpy(&mxcsr, area.data() + kMxcsrOffset, sizeof mxcsr);
    if (mxcsr & ~kMxcsrValid) general_protection();
    if (has_mxcsr || (wanted & kSse)) set_mxcsr(mxcsr);
    take_components(area.data(), wanted, present);
}

/// Those that are wanted and not present become as after a reset.
void Executor::take_components(const std::uint8_t* area, std::uint64_t wanted, std::uint64_t present) {
    const auto take = [&](std::uint64_t component, std::size_t at, std::size_t size) {
        if (!(wanted & component)) return;
        if (present & component) std::memcpy(s_.xsave + at, area + at, size);
        else std::memset(s_.xsave + at, 0, size);
    };
    const bool code_64 = i_.is_64bit(), masked = masks_all_of_x87(s_);
    take(kX87, 0, kMxcsrOffset);
    take(kX87, kRegistersOffset, kX87End - kRegistersOffset);
    if (wanted & ~present & kX87) std::memcpy(s_.xsave, &kControlWordReset, sizeof kControlWordReset);
    if (masks_all_of_x87(s_) != masked) vcpu_.leave(tcg::LeaveKind::Continue);
    take(kSse, kVectorOffset, code_64 ? 256 : 128);
    const std::uint32_t before = pkru_of(s_);
    for (const Component& component : kComponents)
        take(std::uint64_t{1} << component.number, component.offset, size_in(component, code_64));
    if (pkru_of(s_) != before && (s_.cr4 & cr4::kPke)) vcpu_.flush_tlb();
}

/// RDPKRU and WRPKRU.
void Executor::protection_keys(bool write) {
    if (!(s_.cr4 & cr4::kPke)) undefined_opcode();
    if (std::uint32_t(s_.gpr[kRcx]) || (write && std::uint32_t(s_.gpr[kRdx]))) general_protection();
    if (!write) {
        s_.gpr[kRax] = pkru_of(s_);
        s_.gpr[kRdx] = 0;
        return;
    }
    const auto value = std::uint32_t(s_.gpr[kRax]);
    if (value == pkru_of(s_)) return;
    std::memcpy(s_.xsave + kComponents[1].offset, &value, sizeof value);
    vcpu_.flush_tlb();
}

}  // namespace backplane::x86
