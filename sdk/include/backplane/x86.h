// What x86 processors and the chips around them offer each other, beyond wires.
//
// Follows the "Intel 64 and IA-32 Architectures Software Developer's Manual" (SDM) volume 3A, chapter 11 (APIC) and
// chapter 9.4 (MP initialisation), and the "82093AA I/O APIC" and "8259A" data sheets.
//
// A processor is an object of a type derived from "x86_64-cpu". Its local APIC is a device of its own, which the board
// makes for it (an accelerator that has local APICs in itself replaces the type). Interrupts travel as messages: a write
// to 0xfee00000–0xfeefffff that does not come from a processor. The chip "apic-bus" decodes that window, gives each
// processor its own local APIC's registers there (Access::cpu) and takes messages from the others.
//
// Thread, for everything here: holding the machine lock.
#pragma once

#include <backplane/memory.h>
#include <backplane/object.h>

namespace backplane::x86 {

inline constexpr std::uint64_t kMessageBase = 0xfee00000;
inline constexpr std::uint64_t kMessageSize = 0x100000;

/// A processor as the chips see it. Offered by the part of type "x86_64-cpu".
class ProcessorControl {
  public:
    static constexpr const char* kId = "backplane.x86-processor/1";
    /// Its index among the machine's CPUs, and its initial APIC id.
    virtual std::uint32_t index() const = 0;
    virtual std::uint32_t apic_id() const = 0;
    virtual bool bootstrap() const = 0;  ///< the BSP: it runs after a reset, the others wait for SIPI
    /// The level of INTR: an interrupt waits that local APIC or 8259 will tell with acknowledge().
    virtual void set_interrupt(int level) = 0;
    virtual void raise_nmi() = 0;
    virtual void raise_smi() = 0;
    /// INIT (SDM 3A, table 10-1): at the next instruction boundary. The local APIC is told as well, by the processor.
    virtual void raise_init() = 0;
    /// Start-up IPI: begins at vector * 0x1000 in real mode, if it waits for one.
    virtual void start_up(std::uint8_t vector) = 0;
    /// The level of A20M#, inverted: 1 lets address bit 20 through.
    virtual void set_a20(int level) = 0;
    /// The local APIC of this processor; set once, by that. Null where it has none.
    virtual void set_local_apic(class LocalApic* apic) = 0;
    /// The 8259 that answers while the local APIC passes external interrupts (or there is none). Null: none.
    virtual void set_interrupt_controller(class InterruptAcknowledge* controller) = 0;

  protected:
    ~ProcessorControl() = default;
};

/// Offered by an accelerator that has system management mode (SDM 3C, chapter 31); host_interface() has it. A processor's
/// address space number 1 (BoardContext::set_cpu_memory) is what it sees there, its input "smi" the interrupt.
class SystemManagement {
  public:
    static constexpr const char* kId = "backplane.x86-system-management/1";
    /// Is it to be had here? False and the reason: an SMI does nothing then.
    virtual bool available(Errors& errors) = 0;

  protected:
    ~SystemManagement() = default;
};

/// The processor's time-stamp counter, for its local APIC's deadline timer (SDM 3A 11.5.4.1). Offered by the part of type
/// "x86_64-cpu" where the processor has one.
class TimeStampCounter {
  public:
    static constexpr const char* kId = "backplane.x86-time-stamp-counter/1";
    /// The virtual-clock time, in ns, at which IA32_TSC is at least `value`; one that is past where it is already, ~0 where
    /// it never will be.
    virtual std::uint64_t time_of(std::uint64_t value) const = 0;

  protected:
    ~TimeStampCounter() = default;
};

/// Offered by the master 8259: the INTA cycle (8259A data sheet, "Interrupt sequence").
class InterruptAcknowledge {
  public:
    static constexpr const char* kId = "backplane.interrupt-acknowledge/1";
    /// The vector of the highest request, which becomes in-service; IRQ 7's where there is none any more.
    virtual std::uint8_t acknowledge() = 0;

  protected:
    ~InterruptAcknowledge() = default;
};

/// What a local APIC tells a processor that takes INTR.
inline constexpr int kExternalInterrupt = -1;  ///< ask the 8259
inline constexpr int kNoInterrupt = -2;

/// A local APIC as its processor and the apic-bus see it. Offered by the part of type "apic".
class LocalApic {
  public:
    static constexpr const char* kId = "backplane.x86-local-apic/1";
    virtual std::uint32_t id() const = 0;  ///< the x2APIC id
    /// The vector of the interrupt to take now, which becomes in-service; or one of the two numbers above.
    virtual int acknowledge() = 0;
    /// CR8 (SDM 3A 11.8.6): bits 7–4 of TPR.
    virtual std::uint8_t task_priority() const = 0;
    virtual void set_task_priority(std::uint8_t cr8) = 0;
    /// IA32_APIC_BASE. False: the write is a #GP (SDM 3A 11.4.4, 11.12.5).
    virtual std::uint64_t base() const = 0;
    virtual bool set_base(std::uint64_t value) = 0;
    /// MSRs 0x800–0x8ff in x2APIC mode, and IA32_TSC_DEADLINE (0x6e0). False: #GP.
    virtual bool read_msr(std::uint32_t index, std::uint64_t& value) = 0;
    virtual bool write_msr(std::uint32_t index, std::uint64_t value) = 0;
    /// INIT: everything but the id and the base.
    virtual void init() = 0;

    // For the apic-bus.

    /// The xAPIC register at `offset` of the page (SDM 3A, table 11-1). `access` as for a region.
    virtual std::uint32_t read_register(std::uint32_t offset, Access& access) = 0;
    virtual void write_register(std::uint32_t offset, std::uint32_t value, Access& access) = 0;
    /// Is it meant by a destination (SDM 3A 11.6.2)?
    virtual bool matches(std::uint32_t destination, bool logical) const = 0;
    /// What lowest-priority delivery compares: PPR, when it is enabled; 0x100 when it is not.
    virtual unsigned arbitration_priority() const = 0;
    /// Takes a message: delivery mode as in the ICR (0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 6 start-up,
    /// 7 external).
    virtual void deliver(unsigned mode, std::uint8_t vector, bool level_triggered) = 0;

  protected:
    ~LocalApic() = default;
};

/// An interrupt message, unpacked (SDM 3A 11.11, 11.6.1). Fixed.
struct InterruptMessage {
    std::uint32_t destination = 0;  ///< 8 bits, or 32 in x2APIC mode; all ones: everybody
    bool logical = false;
    unsigned mode = 0;
    std::uint8_t vector = 0;
    bool level_triggered = false;
};

/// Who hears that a level-triggered interrupt was served: an I/O APIC.
class EndOfInterrupt {
  public:
    virtual void end_of_interrupt(std::uint8_t vector) = 0;

  protected:
    ~EndOfInterrupt() = default;
};

/// Offered by the chip "apic-bus".
class ApicBus {
  public:
    static constexpr const char* kId = "backplane.x86-apic-bus/1";
    /// `apic` belongs to processor number `cpu` (Access::cpu); null takes it away.
    virtual void set_local_apic(std::uint32_t cpu, LocalApic* apic) = 0;
    virtual void send(const InterruptMessage& message) = 0;
    /// To all but (or also) the sender: the ICR's shorthands 2 and 3.
    virtual void send_to_all(const InterruptMessage& message, const LocalApic* but) = 0;
    /// A local APIC had its EOI written for a vector that came level-triggered.
    virtual void end_of_interrupt(std::uint8_t vector) = 0;
    /// Pin `pin` of the I/O APIC sends `message` from now on when it is asserted; null: nothing. A bus whose local APICs
    /// are elsewhere learns from it for which vectors somebody waits for the end of the interrupt.
    virtual void pin_sends(unsigned pin, const InterruptMessage* message) = 0;
    virtual void add_listener(EndOfInterrupt& listener) = 0;
    virtual void remove_listener(EndOfInterrupt& listener) = 0;

  protected:
    ~ApicBus() = default;
};

/// Takes the message that a write of `data` to `address` is (SDM 3A 11.11).
inline InterruptMessage unpack_message(std::uint64_t address, std::uint32_t data) {
    return {.destination = std::uint32_t(address >> 12 & 0xff),
            .logical = (address >> 2 & 1) != 0,
            .mode = data >> 8 & 7,
            .vector = std::uint8_t(data),
            .level_triggered = (data >> 15 & 1) != 0};
}

}  // namespace backplane::x86
