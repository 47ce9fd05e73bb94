// The extensions that a user can switch, what each needs, and the text that describes the set to a guest.
//
// Names of properties are QEMU's. The order of names in an ISA string is that of "The RISC-V Instruction Set Manual,
// Volume I" 20191213, chapter 27.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/riscv/isa.h>

#include <string>

namespace backplane::riscv {

struct ExtensionInfo {
    Extension extension;
    const char* name;  ///< of the property, and in an ISA string
    const char* summary;
    std::uint64_t needs = 0;    ///< of bit(Extension): refused without them
    bool in_isa_string = true;  ///< not for modes and MMU schemes
};

/// In the order of ISA strings.
inline constexpr ExtensionInfo kExtensions[] = {
    {Extension::M, "m", "multiplication and division"},
    {Extension::A, "a", "atomic operations"},
    {Extension::F, "f", "single-precision floating point", bit(Extension::Zicsr)},
    {Extension::D, "d", "double-precision floating point", bit(Extension::F)},
    {Extension::C, "c", "compressed instructions"},
    {Extension::Zicntr, "zicntr", "base counters and timers", bit(Extension::Zicsr)},
    {Extension::Zicsr, "zicsr", "CSR instructions"},
    {Extension::Zifencei, "zifencei", "FENCE.I"},
    {Extension::Zihintpause, "zihintpause", "PAUSE"},
    {Extension::Zihpm, "zihpm", "performance counters (all read as zero)", bit(Extension::Zicsr)},
    {Extension::Zba, "zba", "address generation"},
    {Extension::Zbb, "zbb", "basic bit manipulation"},
    {Extension::Zbc, "zbc", "carry-less multiplication"},
    {Extension::Zbs, "zbs", "single-bit operations"},
    {Extension::Sstc, "sstc", "stimecmp", bit(Extension::S)},
    {Extension::Svadu, "svadu", "hardware sets A and D bits", bit(Extension::Sv39)},
    {Extension::Svinval, "svinval", "fine-grained invalidation of translations", bit(Extension::S)},
    {Extension::Svnapot, "svnapot", "64 KiB pages", bit(Extension::Sv39)},
    {Extension::S, "s", "supervisor mode", bit(Extension::U), false},
    {Extension::U, "u", "user mode", bit(Extension::Zicsr), false},
    {Extension::Sv39, "sv39", "three-level page tables", bit(Extension::S), false},
    {Extension::Sv48, "sv48", "four-level page tables", bit(Extension::Sv39), false},
    {Extension::Sv57, "sv57", "five-level page tables", bit(Extension::Sv48), false},
    {Extension::Pmp, "pmp", "physical memory protection", bit(Extension::Zicsr), false},
};

/// A letter that stands for several: switching it switches them.
struct ExtensionGroup {
    const char* name;
    const char* summary;
    std::uint64_t extensions;
};
inline constexpr ExtensionGroup kGroups[] = {
    {"g", "m, a, f, d, zicsr and zifencei; off changes none of them",
     bit(Extension::M) | bit(Extension::A) | bit(Extension::F) | bit(Extension::D) | bit(Extension::Zicsr) |
         bit(Extension::Zifencei)},
    {"b", "zba, zbb and zbs", bit(Extension::Zba) | bit(Extension::Zbb) | bit(Extension::Zbs)},
};

/// A part of an extension that has a name of its own. It comes with the whole, and not alone.
struct ExtensionPart {
    const char* name;
    std::uint64_t whole;
};
inline constexpr ExtensionPart kParts[] = {
    {"zmmul", bit(Extension::M)},
    {"zaamo", bit(Extension::A)},
    {"zalrsc", bit(Extension::A)},
    {"zca", bit(Extension::C)},
    {"zcd", bit(Extension::C) | bit(Extension::D)},
};

/// False and a reason when an extension is there without what it needs.
bool check_extensions(std::uint64_t extensions, std::uint32_t privileged_version, Errors& errors);
/// "rv64imafdc_zicsr_…"
std::string isa_string(std::uint64_t extensions);
/// "i,m,a,…,zicsr,…": riscv,isa-extensions of a device tree, with commas between.
std::string isa_extension_list(std::uint64_t extensions);
/// "riscv,sv48": mmu-type of a device tree; "riscv,none" without paging.
const char* mmu_type(std::uint64_t extensions);
std::uint64_t misa_value(std::uint64_t extensions);

}  // namespace backplane::riscv
