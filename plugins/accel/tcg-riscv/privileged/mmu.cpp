// Address translation: Bare, Sv39, Sv48 and Sv57, permissions, A and D bits, PMP. Priv 4.3-4.6, 3.1.6.3 (MPRV, SUM,
// MXR), 3.7.2 (PMP and paging).
//
// Not modelled: page tables in I/O space (an access fault), PBMT, ASIDs inside of the soft TLB (it holds one address
// space and what is global).
#include "privileged.h"

#include <backplane/draft/riscv/page_table.h>

#include <optional>

namespace backplane::riscv {

namespace {

constexpr Cause page_fault(AccessKind kind) {
    return kind == AccessKind::Fetch  ? Cause::InstructionPageFault
           : kind == AccessKind::Load ? Cause::LoadPageFault
                                      : Cause::StorePageFault;
}
constexpr std::uint8_t wanted(AccessKind kind) {
    return kind == AccessKind::Fetch ? kExecutable : kind == AccessKind::Load ? kReadable : kWritable;
}
constexpr Privilege privilege_of(unsigned mmu_index) {
    return mmu_index == kMmuMachine ? Privilege::Machine
           : mmu_index == kMmuUser  ? Privilege::User
                                    : Privilege::Supervisor;
}

Translation fault(Cause cause) {
    Translation result;
    result.cause = cause;
    return result;
}

/// Implicit accesses are the supervisor's, even under MPRV (3.7.2).
bool pmp_lets_walk(const HartState& state, std::uint64_t entry_address, std::uint8_t permission) {
    return (check_pmp(state, entry_address, 8, Privilege::Supervisor).permissions & permission) != 0;
}

/// What the leaf lets the mode do, A and D aside.
std::uint8_t leaf_permissions(const HartState& state, std::uint64_t entry, unsigned mmu_index) {
    std::uint8_t result = 0;
    if (entry & pte::kRead) result |= kReadable;
    if ((entry & pte::kExecute) && (state.mstatus & mstatus::kMxr)) result |= kReadable;
    if (entry & pte::kWrite) result |= kWritable;
    if (entry & pte::kExecute) result |= kExecutable;
    const bool user_page = (entry & pte::kUser) != 0;
    if (mmu_index == kMmuUser) return user_page ? result : std::uint8_t{0};
    if (!user_page) return result;
    // The supervisor never executes from a user page, and accesses it under SUM only.
    return mmu_index == kMmuSupervisorSum ? result & ~kExecutable : 0;
}

/// Applies PMP to what the page tables (or Bare) gave.
Translation finish(const HartState& state, Translation result, unsigned size, AccessKind kind,
                   Privilege privilege) {
    const PmpResult pmp = check_pmp(state, result.physical, size, privilege);
    result.permissions &= pmp.permissions;
    result.whole_page = pmp.whole_page;
    if (!(pmp.permissions & wanted(kind))) return fault(access_fault(kind));
    result.valid = true;
    return result;
}

}  // namespace

unsigned fetch_mmu_index(const HartState& state) {
    switch (state.privilege) {
    case Privilege::User: return kMmuUser;
    case Privilege::Supervisor: return kMmuSupervisor;
    case Privilege::Machine: break;
    }
    return kMmuMachine;
}

unsigned data_mmu_index(const HartState& state) {
    Privilege privilege = state.privilege;
    if (state.mstatus & mstatus::kMprv)
        privilege = static_cast<Privilege>((state.mstatus & mstatus::kMpp) >> mstatus::kMppShift);
    if (privilege == Privilege::User) return kMmuUser;
    if (privilege != Privilege::Supervisor) return kMmuMachine;
    return state.mstatus & mstatus::kSum ? kMmuSupervisorSum : kMmuSupervisor;
}

std::uint32_t translation_flags(const HartState& state) {
    const auto fs = static_cast<std::uint32_t>((state.mstatus & mstatus::kFs) >> mstatus::kFsShift);
    return static_cast<std::uint32_t>(state.privilege) << kFlagsPrivilegeShift |
           data_mmu_index(state) << kFlagsDataIndexShift | fs << kFlagsFsShift;
}

Translation translate(const HartState& state, PageTableMemory& memory, std::uint64_t address, unsigned size,
                      AccessKind kind, unsigned mmu_index) {
    const Privilege privilege = privilege_of(mmu_index);
    if (mmu_index == kMmuMachine || page_table_levels(state.satp) == 0) {
        Translation result;
        result.physical = address;
        result.global = mmu_index == kMmuMachine;
        result.permissions = kReadable | kWritable | kExecutable;
        return finish(state, result, size, kind, privilege);
    }

    for (;;) {
        const PageTableLeaf leaf =
            find_leaf(state.satp, address, state.has(Extension::Svnapot), [&](std::uint64_t entry) {
                return pmp_lets_walk(state, entry, kReadable) ? memory.load(entry) : std::nullopt;
            });
        if (leaf.result == PageTableLeaf::Result::AccessFault) return fault(access_fault(kind));
        if (leaf.result != PageTableLeaf::Result::Found) return fault(page_fault(kind));

        Translation result;
        result.physical = leaf.physical;
        result.page_size = leaf.page_size;
        result.global = (leaf.entry & pte::kGlobal) != 0;
        result.permissions = leaf_permissions(state, leaf.entry, mmu_index);
        if (!(result.permissions & wanted(kind))) return fault(page_fault(kind));

        std::uint64_t updated = leaf.entry | pte::kAccessed;
        if (kind == AccessKind::Store) updated |= pte::kDirty;
        if (updated != leaf.entry) {
            // Without Svadu (or with menvcfg.ADUE clear), software sets the bits.
            if (!(state.menvcfg & envcfg::kAdue)) return fault(page_fault(kind));
            // An access that PMP refuses must not mark the page.
            const PmpResult pmp = check_pmp(state, leaf.physical, size, privilege);
            if (!(pmp.permissions & wanted(kind))) return fault(access_fault(kind));
            // All at once, unless somebody changed the entry meanwhile (4.3.2 step 7).
            if (!pmp_lets_walk(state, leaf.entry_address, kWritable)) return fault(access_fault(kind));
            const auto update = memory.update(leaf.entry_address, leaf.entry, updated);
            if (update == PageTableMemory::Update::NoMemory) return fault(access_fault(kind));
            if (update == PageTableMemory::Update::Changed) continue;
        }
        if (!(updated & pte::kDirty)) result.permissions &= static_cast<std::uint8_t>(~kWritable);
        return finish(state, result, size, kind, privilege);
    }
}

}  // namespace backplane::riscv
