#include "vmport.h"

#include <backplane/isa.h>

#include <algorithm>
#include <cstring>

namespace backplane::vmport {
namespace {

constexpr std::uint32_t kMagic = 0x564d5868;
constexpr std::uint16_t kPort = 0x5658;
constexpr std::uint32_t kNothing = 0xffffffff;
constexpr unsigned kVersion = 10, kUuid = 19, kMemorySize = 20, kFrequency = 45, kProcessor = 68;

}  // namespace

bool VmPort::realize(Errors& errors) {
    registers_ = static_cast<x86::PortRegisters*>(context_.host_interface(x86::PortRegisters::kId));
    auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
    // An access is the region's as far as that reaches: as wide as the widest one.
    MemoryRegion& region =
        context_.memory().io("vmport", 4, *this, {.maximum = 4, .implemented_max = 4, .unaligned = true});
    return !isa || isa->add_ports(context_.object(), region, Port(kPort), errors);
}

/// Of whatever width, it answers in all of EAX.
std::uint64_t VmPort::read(Offset offset, unsigned, Access& access) {
    if (access.debug() || offset.value != 0) return kNothing;
    return ask(Way::Read, access).value_or(kNothing);
}

void VmPort::write(Offset offset, std::uint64_t, unsigned, Access& access) {
    if (!access.debug() && offset.value == 0) ask(Way::Write, access);
}

std::optional<std::uint32_t> VmPort::ask(Way way, Access& access) {
    std::uint64_t* registers =
        registers_ && access.cpu != Access::kNoCpu ? registers_->open(access.cpu) : nullptr;
    if (!registers) return std::nullopt;
    const auto asked = std::uint32_t(registers[kRax]);
    std::optional<std::uint32_t> answer;
    if (asked == kMagic) answer = execute(registers[kRcx] & 0xffff, registers, access.cpu);
    else context_.log().guest_error("magic", "port 5658h was asked without its magic number");
    const std::uint32_t result = answer.value_or(signals_unsupported_ ? kNothing : asked);
    if (way == Way::Write || sets_whole_eax_) registers[kRax] = result;
    registers_->close(access.cpu);
    return result;
}

std::optional<std::uint32_t> VmPort::execute(unsigned command, std::uint64_t* registers, std::uint32_t cpu) {
    switch (command) {
    case kVersion: return version(registers);
    case kMemorySize: return memory_size(registers);
    case kPointerData:
    case kPointerStatus:
    case kPointerCommand:
        if (!pointer_) break;
        return pointer_->execute(command, registers);
    case kUuid:
        if (knows_more_) return uuid(registers);
        break;
    case kFrequency:
        if (knows_more_) return frequency(registers, cpu);
        break;
    case kProcessor: {
        constexpr std::uint32_t kX2apic = 1u << 21, kKnowsX2apic = 1u << 3;
        if (!knows_more_) break;
        return registers_->leaf1_ecx(cpu) & kX2apic ? kKnowsX2apic : 0;
    }
    default: break;
    }
    context_.log().guest_error("command", "port 5658h was asked for command " + std::to_string(command) +
                                              ", which is not there");
    return std::nullopt;
}

std::uint32_t VmPort::version(std::uint64_t* registers) const {
    registers[kRbx] = kMagic;
    if (reports_type_) registers[kRcx] = type_;
    return version_;
}

std::uint32_t VmPort::memory_size(std::uint64_t* registers) const {
    registers[kRbx] = 0x1177;
    const FwCfg* configuration = this->configuration();
    const Bytes size = configuration ? configuration->item(std::uint16_t(FwCfgKey::RamSize)) : Bytes();
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, size.data, std::min<std::size_t>(size.size, sizeof bytes));
    return bytes;
}

/// As its bytes stand in memory.
std::uint32_t VmPort::uuid(std::uint64_t* registers) const {
    std::uint32_t words[4] = {};
    const FwCfg* configuration = this->configuration();
    const Bytes uuid = configuration ? configuration->item(std::uint16_t(FwCfgKey::Uuid)) : Bytes();
    if (uuid.size == sizeof words) std::memcpy(words, uuid.data, sizeof words);
    registers[kRbx] = words[1];
    registers[kRcx] = words[2];
    registers[kRdx] = words[3];
    return words[0];
}

/// Of the time-stamp counter, and in ECX of the local APIC's bus.
std::uint32_t VmPort::frequency(std::uint64_t* registers, std::uint32_t cpu) const {
    constexpr std::uint32_t kApicBus = 1'000'000'000;
    const std::uint64_t frequency = registers_->tsc_frequency(cpu);
    if (frequency == 0) {
        registers[kRbx] = kNothing;
        return std::uint32_t(registers[kRax]);
    }
    registers[kRbx] = std::uint32_t(frequency >> 32);
    registers[kRcx] = kApicBus;
    return std::uint32_t(frequency);
}

const FwCfg* VmPort::configuration() const { return find_below<FwCfg>(root_of(context_.object())); }

}  // namespace backplane::vmport
