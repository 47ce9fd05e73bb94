// Carries out one instruction on a processor's state: what translated code calls for all that it does not do by itself.
//
// Follows the SDM volumes 2 and 3A and, for SYSCALL and SYSRET, the APM volume 3. An object lives as long as one
// instruction, or one event that is delivered. A function that throws GuestFault has changed nothing that the guest sees.
#pragma once

#include "fault.h"
#include "per_cpu.h"

#include <backplane/draft/tcg/vcpu.h>

#include <optional>

namespace backplane::x86 {

/// The soft TLB's modes: who accesses. Supervisor accesses where SMAP holds have a mode of their own.
enum MmuMode : std::uint8_t { kSupervisor, kUser, kSupervisorSmap, kMmuModeCount };

/// CR0's and the flags' defined bits (SDM 3A 2.3, 2.5), and those of DR6 and DR7 (SDM 3B 17.2).
inline constexpr std::uint64_t kKnownCr0 = 0xe005003f, kKnownFlags = 0x3f7fd5;
inline constexpr std::uint64_t kDr6Writable = 0xe00f, kDr6Ones = 0xffff0ff0;
inline constexpr std::uint64_t kDr7Writable = 0xffff2bff, kDr7Ones = 0x400;

/// Is a misaligned access a fault (SDM 3A 6.15, interrupt 17)?
inline bool checks_alignment(const X86State& s) {
    if (!(s.cr0 & cr0::kAm) || !(s.rflags & rflags::kAlignmentCheck) || !(s.cr0 & cr0::kPe)) return false;
    return (s.rflags & rflags::kVirtual8086) || (s.segments[kSs].attributes >> Segment::kDplShift & 3) == 3;
}

/// A segment descriptor as it stands in a table (SDM 3A, figure 3-8).
struct Descriptor {
    std::uint64_t low = 0;
    std::uint64_t high = 0;     ///< of a system descriptor in IA-32e mode
    std::uint64_t address = 0;  ///< linear; 0: none
    unsigned type() const { return unsigned(low >> 40 & 15); }
    bool system() const { return (low >> 44 & 1) == 0; }
    bool code() const { return !system() && (type() & 8); }
    bool conforming() const { return code() && (type() & 4); }
    unsigned dpl() const { return unsigned(low >> 45 & 3); }
    bool present() const { return (low >> 47 & 1) != 0; }
    Segment segment(std::uint16_t selector) const;
};

/// Where requests wait that could be taken now, the engine looks at them before it goes on to another unit.
inline void look_at_requests(X86State& state) {
    const std::uint32_t requests = state.requests.load(std::memory_order_relaxed);
    const bool taken = (requests & ~request::kInterrupt) || (state.rflags & rflags::kInterrupt);
    if (requests && taken) state.run.exit_request.store(1, std::memory_order_relaxed);
}

class Executor {
  public:
    explicit Executor(X86State& state) : s_(state), cpu_(per_cpu(state)), vcpu_(tcg::vcpu_of(&state)) {}

    /// Runs it and delivers what it raises. The state's pc is the instruction's before, and what follows it after. True: it
    /// came to its end.
    bool run(const Instruction& instruction);
    /// Runs it without delivering anything: what it raised, if it did.
    std::optional<Vector> try_run(const Instruction& instruction);
    /// Delivers an exception whose instruction is at the state's pc.
    void raise(GuestFault fault);
    /// Interrupts, NMI, INIT, start-up: what is asked of it between two instructions. Was the state changed?
    bool take_requests();
    /// As run(), while breakpoints are enabled or with RFLAGS.TF set: #DB comes ahead of the instruction or behind it. True:
    /// an exception was delivered.
    bool run_watched(const Instruction& instruction);

    enum class Event : std::uint8_t { Exception, Software, External };
    void deliver(std::uint8_t vector, Event event, bool has_error, std::uint32_t error,
                 std::uint64_t return_ip);

    /// POPF's, of its operand size.
    void take_flags(std::uint64_t value, unsigned size);
    bool canonical(std::uint64_t address) const;
    /// A base of segments, tables or handlers: as wide as the processor can have them, whatever CR4.LA57 is (SDM 3A 4.5.2).
    bool canonical_base(std::uint64_t address) const;
    unsigned privilege() const;
    unsigned io_privilege() const { return unsigned(s_.rflags >> rflags::kIoplShift & 3); }
    std::uint8_t data_mode() const;
    std::uint8_t system_mode() const { return s_.cr4 & cr4::kSmap ? kSupervisorSmap : kSupervisor; }

  private:
    // ---- dispatch.cpp
    void begin(const Instruction& instruction);
    void execute();
    void run_template();
    void run_vector();
    void run_x87();
    void check_vector_enabled() const;
    bool x87_pending() const;
    void check_x87_enabled() const;
    void check_mmx_enabled() const;
    void find_template();
    void call_template(void* memory);
    void memory_template(std::uint64_t linear, unsigned size, bool read, bool write, bool in_place);

    // ---- access.cpp
    bool protected_mode() const { return (s_.cr0 & cr0::kPe) != 0; }
    bool virtual_8086() const { return (s_.rflags & rflags::kVirtual8086) != 0; }
    bool segmented() const { return protected_mode() && !virtual_8086(); }
    bool long_mode() const { return (s_.efer & efer::kLma) != 0; }
    bool code_64() const { return in_64bit_code(s_); }
    std::uint64_t effective_address() const;
    std::uint64_t within(unsigned segment, std::uint64_t offset, unsigned size, bool write) const;
    std::uint64_t linear(unsigned segment, std::uint64_t offset, unsigned size, bool write) const;
    std::uint64_t memory_linear(unsigned size, bool write) const {
        return linear(i_.segment, effective_address(), size, write);
    }
    std::uint64_t load_linear(std::uint64_t address, unsigned size, std::uint8_t mode);
    void store_linear(std::uint64_t address, std::uint64_t value, unsigned size, std::uint8_t mode);
    void load_bytes(std::uint64_t address, void* to, unsigned size, std::uint8_t mode);
    void store_bytes(std::uint64_t address, const void* from, unsigned size, std::uint8_t mode);
    void check_writable(std::uint64_t address, unsigned size, std::uint8_t mode);
    void* host_pointer(std::uint64_t address, unsigned size, bool write, std::uint8_t mode);
    [[noreturn]] void throw_recorded();
    bool swallow_bus_fault();
    std::uint64_t load_memory(unsigned size) {
        return load_linear(memory_linear(size, false), size, data_mode());
    }
    void store_memory(std::uint64_t value, unsigned size) {
        store_linear(memory_linear(size, true), value, size, data_mode());
    }
    std::uint64_t load_rm(unsigned size);
    void store_rm(std::uint64_t value, unsigned size);
    std::uint64_t gpr(unsigned number, unsigned size) const;  ///< size 1: with the high bytes where they are
    void set_gpr(unsigned number, std::uint64_t value, unsigned size);
    std::uint64_t stack_mask() const;
    /// A stack that grows or shrinks without the register's following: push and pop, then commit().
    struct Stack {
        std::uint64_t pointer;
        std::uint64_t mask;
        std::uint64_t base;
        std::uint8_t mode;
        bool checked;  ///< the segment's limit: SS as it is
    };
    Stack stack() const;
    void push(Stack& stack, std::uint64_t value, unsigned size);
    std::uint64_t pop(Stack& stack, unsigned size);
    void commit(const Stack& stack);
    void push(std::uint64_t value, unsigned size);
    std::uint64_t condition(unsigned code) const;

    // ---- data.cpp
    void do_push();
    void do_pop();
    void push_all();
    void pop_all();
    void push_flags();
    void pop_flags();
    void write_flags(std::uint64_t value, std::uint64_t changeable);
    void enter();
    void leave();
    void divide();
    void decimal_adjust();
    void ascii_adjust();
    void ascii_multiply();
    void ascii_divide();
    void change_flag();
    void set_arithmetic_flags(std::uint8_t result);
    void bound();

    // ---- strings.cpp
    void string_operation();
    bool string_step(unsigned size);
    struct Stretch {
        std::uint64_t offset = 0;
        std::uint64_t bytes = 0;
    };
    Stretch stretch(unsigned segment, std::uint64_t offset, unsigned size, std::uint64_t most, bool write);
    std::uint8_t* stretch_memory(unsigned segment, const Stretch& stretch, bool write);
    struct Steps {
        std::uint64_t done = 0;
        bool end = false;  ///< a repeated comparison's
    };
    Steps bulk(unsigned size, std::uint64_t count);
    Steps compare_elements(const std::uint8_t* first, const std::uint8_t* second, std::uint64_t count,
                           unsigned size);
    void compare_flags(std::uint64_t a, std::uint64_t b, unsigned size);

    // ---- vector.cpp
    void maskmov();
    void vector_maskmov();
    void gather();
    void zero_upper();
    std::uint32_t mxcsr() const {
        return (mxcsr_of(s_) & kMxcsrMasks) | (vcpu_.fp_mode() & kMxcsrValid & ~kMxcsrMasks);
    }
    void set_mxcsr(std::uint32_t value);
    void load_mxcsr();
    void store_mxcsr();

    // ---- xsave.cpp
    std::uint64_t components_in_use() const;
    std::uint64_t components_asked() const;
    void check_area_enabled(bool extended) const;
    void save_state();
    void save_compacted();
    void restore_state();
    void restore_compacted();
    void store_components(std::uint64_t to, std::uint64_t wanted, std::uint64_t layout);
    void check_header(const std::uint64_t* header, bool compacted_only) const;
    void load_area(std::uint64_t offset, std::uint64_t wanted, bool compacted_only);
    void take_components(const std::uint8_t* area, std::uint64_t wanted, std::uint64_t present);
    void protection_keys(bool write);

    // ---- control.cpp
    void jump_to(std::uint64_t ip);
    void jump_count();
    void call(std::uint64_t target);
    void near_return();
    void far_transfer(std::uint16_t selector, std::uint64_t offset, bool call);
    void far_from_memory(bool call);
    void check_code_offset(const Descriptor& code, std::uint64_t offset) const;
    void inner_call(std::uint16_t selector, Descriptor& code, std::uint64_t offset, unsigned size,
                    unsigned parameters);
    void enter_code(std::uint16_t selector, Descriptor& code, std::uint64_t offset, unsigned size,
                    bool is_call);
    void gate_transfer(std::uint16_t selector, const Descriptor& gate, bool call);
    void far_return();
    void interrupt_return();
    void interrupt_return_real();
    std::uint64_t changeable_by_return(unsigned size) const;
    struct Return {
        std::uint64_t ip;
        std::uint16_t selector;
        unsigned size;
        unsigned release;  ///< bytes of parameters
        bool interrupt;    ///< IRET: with flags, and in 64-bit code with the stack
        std::uint64_t flags;
    };
    void return_protected(Stack& stack, const Return& to);
    void return_to_8086(Stack& stack, std::uint64_t ip, std::uint16_t selector, std::uint64_t flags);
    void software_interrupt(std::uint8_t vector, bool int3_or_into);
    void system_call();
    void system_return();
    void sys_enter();
    void sys_exit();

    // ---- segments.cpp
    void load_segment(unsigned name, std::uint16_t selector);
    void set_real_segment(unsigned name, std::uint16_t selector);
    void load_code(std::uint16_t selector, Descriptor& descriptor, unsigned privilege);
    Descriptor read_descriptor(std::uint16_t selector, Vector vector = Vector::GeneralProtection,
                               bool system_wide = false);
    void mark_accessed(Descriptor& descriptor);
    void set_null_stack(unsigned privilege);
    std::uint64_t stack_of(unsigned privilege, std::uint16_t& selector);
    void load_stack_segment(std::uint16_t selector, unsigned privilege, Vector vector);
    void drop_outer_segments(unsigned privilege);
    void move_to_segment();
    void load_far_pointer();
    void load_selector();
    void verify();
    void load_access_rights(bool limit);
    void adjust_rpl();
    void task_switch(std::uint16_t selector, Descriptor descriptor, int source, bool has_error,
                     std::uint32_t error);

    // ---- interrupts.cpp
    void deliver_real(std::uint8_t vector, std::uint64_t return_ip);
    void deliver_protected(std::uint8_t vector, Event event, bool has_error, std::uint32_t error,
                           std::uint64_t return_ip);
    void deliver_long(std::uint8_t vector, Event event, bool has_error, std::uint32_t error,
                      std::uint64_t return_ip);
    void shut_down(const char* why);
    void deliver_now(std::uint8_t vector, Event event);
    bool take_pending_events();
    void check_gate(std::uint8_t vector, Event event, unsigned type, unsigned dpl, bool present) const;

    // ---- management.cpp
    void enter_management(bool was_halted);
    void resume();

    // ---- breakpoints.cpp
    bool steps_over(const Instruction& instruction, std::uint64_t pc) const;
    bool trap();
    void post_trap();
    void show_held_back();
    bool stop_at_breakpoint();
    void move_debug();
    void watch_port(std::uint16_t port, unsigned size);

    // ---- virtual_8086.cpp
    bool virtual_interrupts() const;
    std::uint64_t virtual_flags() const;
    void take_virtual_flags(std::uint64_t flags);
    void set_virtual_interrupt(bool on);
    void change_virtual_interrupt(bool on);
    bool redirected(std::uint8_t vector);
    bool virtual_interrupt(std::uint8_t vector);

    // ---- system.cpp
    void require_kernel() const {
        if (privilege() != 0) general_protection();
    }
    void move_control();
    void write_cr0(std::uint64_t value);
    void write_cr3(std::uint64_t value);
    void write_cr4(std::uint64_t value);
    void load_pdptrs(std::uint64_t cr3);
    void get_extended_control();
    void group_01();
    void store_table();
    void load_table();
    void invalidate_pcid();
    void set_task_priority(std::uint64_t value);
    void halt();
    void await_event();
    void monitor();
    void monitor_wait();
    std::uint64_t known_cr4() const;
    bool of_intel() const {
        constexpr std::uint32_t kGenuine = 0x756e6547;
        return cpu_.processor->cpuid(0, 0).ebx == kGenuine;
    }
    bool has_long_mode() const { return (cpu_.processor->cpuid(0x80000001, 0).edx >> 29 & 1) != 0; }
    void cli();
    void sti();
    void input();
    void output();
    void check_port(std::uint16_t port, unsigned size);
    std::uint64_t read_port(std::uint16_t port, unsigned size);
    void write_port(std::uint16_t port, std::uint64_t value, unsigned size);
    void cpuid();
    void segment_base();

    // ---- msr.cpp
    std::uint64_t time_stamp() const;
    void set_tsc_adjust(std::uint64_t value);
    bool shown(std::uint32_t index) const;
    bool amd_counter(std::uint32_t index) const;
    void read_tsc();
    void read_msr();
    void write_msr();
    /// What ask(local APIC) says, under the machine lock; false where there is none.
    template <class Ask>
    bool with_apic(Ask ask);
    bool get_msr(std::uint32_t index, std::uint64_t& value);
    bool set_msr(std::uint32_t index, std::uint64_t value);
    std::uint64_t known_efer() const;
    bool write_efer(std::uint64_t value);

    X86State& s_;
    PerCpu& cpu_;
    tcg::Vcpu& vcpu_;
    Instruction i_{};
    TemplateCode code_ = nullptr;  ///< null: there is no room for it
    bool raises_ = false;          ///< it may raise exceptions of SSE
    SseOutcome sse_{};             ///< what it did then
    std::uint64_t next_ = 0;       ///< (E/R)IP behind the instruction
};

}  // namespace backplane::x86
