// What the front end keeps of each processor beside its state. Nothing of it is saved: it follows from the state and from
// the machine.
#pragma once

#include "../templates/cache.h"
#include "fault.h"

#include <backplane/draft/cpu.h>
#include <backplane/draft/x86/processor.h>

namespace backplane::x86 {

struct PerCpu {
    Cpu* cpu = nullptr;
    Processor* processor = nullptr;
    TemplateCache* templates = nullptr;
    bool in_helper = false;  ///< memory faults are recorded, not delivered
    bool fault_recorded = false;
    bool bus_fault = false;  ///< nobody answered: reads are ones
    bool a20 = true;
    bool stack_loaded =
        false;                ///< by the instruction before, which was watched: no debug exception comes yet
    std::uint16_t traps = 0;  ///< debug exceptions that are to come, as bits of DR6
    bool management = false;  ///< it has memory for system management mode; else an SMI does nothing
    bool line_watched = false;        ///< by MONITOR
    bool at_line = false;             ///< it is halted by MWAIT
    bool apic_touched = false;        ///< a store may have reached the local APIC
    std::uint64_t beyond_memory = 0;  ///< bits of table entries that no physical address has (MAXPHYADDR)
    GuestFault fault{};
    alignas(64) std::uint8_t operand[1024] = {};
};

inline PerCpu& per_cpu(const X86State& state) { return *static_cast<PerCpu*>(state.executor); }

}  // namespace backplane::x86
