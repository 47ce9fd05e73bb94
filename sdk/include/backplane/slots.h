// Slots of a board: where processors and memory modules, which are on no bus of their own, come and go.
//
// A board makes a bus of slots ("cpu-slots", "dimm-slots") and answers for it as its SlotOwner. Where the machine's guest is
// asked through ACPI before a device leaves, a chip with the registers for that (AcpiSlots) stands beside it:
//
//   device_add: host → SlotBus → SlotOwner::take(), placed() → AcpiSlots::occupied() → the guest hears of it
//   device_del: host → SlotBus → SlotOwner::ask_to_leave() → AcpiSlots::ask_to_leave() → the guest lets go →
//               AcpiSlotOwner::let_go() → UnpluggedDevices → SlotOwner::gone()
//
// Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/device.h>

namespace backplane {

/// What a bus of slots hands over to its board; as in Bus (<backplane/bus.h>).
class SlotOwner {
  public:
    /// Finds the device a slot, before it is realized.
    virtual bool take(Object& device, Errors& errors) = 0;
    /// It is realized. Refusing undoes that.
    virtual bool placed(Object& device, Errors& errors) = 0;
    /// It leaves, or did not come to be. Nothing for one that has no slot.
    virtual void gone(Object& device) = 0;
    virtual bool ask_to_leave(Object& device, Errors& errors) = 0;

  protected:
    ~SlotOwner() = default;
};

/// Offered by a bus of slots.
class SlotBus {
  public:
    static constexpr const char* kId = "backplane.slot-bus/1";
    /// Before it is called there are no slots. Whether one is free the owner says when it takes a device.
    virtual void set_owner(SlotOwner& owner) = 0;

  protected:
    ~SlotBus() = default;
};

/// What a guest finds in a slot's registers. From the board. Fixed.
struct AcpiSlot {
    Object* device = nullptr;  ///< null: the slot is empty
    /// A processor's local APIC id, which it has also while the slot is empty; the address of a memory module.
    std::uint64_t number = 0;
    std::uint64_t size = 0;  ///< of a memory module, bytes
    std::uint32_t node = 0;  ///< and what it belongs to
};

/// Who has the devices that a chip with AcpiSlots tells of.
class AcpiSlotOwner {
  public:
    virtual AcpiSlot slot(std::uint32_t number) const = 0;
    /// The guest is done with the device in an occupied slot.
    virtual void let_go(std::uint32_t number) = 0;

  protected:
    ~AcpiSlotOwner() = default;
};

/// Offered by a chip whose registers tell a guest of what comes and goes in slots.
class AcpiSlots {
  public:
    static constexpr const char* kId = "backplane.acpi-slots/1";
    /// Once, by the board, after realizing. `events` raises general-purpose events.
    virtual void set_owner(AcpiSlotOwner& owner, class AcpiEvents& events) = 0;
    /// A device came while the machine runs: the guest is told.
    virtual void occupied(std::uint32_t slot) = 0;
    /// Can its guests be asked to let go of a device?
    virtual bool asks() const = 0;
    /// The guest is asked to let go of it.
    virtual void ask_to_leave(std::uint32_t slot) = 0;
    /// The device is gone.
    virtual void emptied(std::uint32_t slot) = 0;

  protected:
    ~AcpiSlots() = default;
};

/// The host interface for a board whose processors come and go. A CPU that a user adds has the features of -cpu already.
class ProcessorPlug {
  public:
    static constexpr const char* kId = "backplane.processor-plug/1";
    /// The CPU of BoardContext::create_cpu(), which is not yet realized, goes on this bus when it is.
    virtual void put_on(Object& cpu, Object& bus) = 0;
    /// A CPU that a user adds, before it is realized: it is number `index` from here on, and sees system memory;
    /// BoardContext::set_cpu_memory() may follow.
    virtual bool adopt(Object& cpu, std::uint32_t index, Errors& errors) = 0;
    /// It is realized and complete: the accelerator takes it, if it has the others already. It runs from its reset on.
    virtual bool attach(Object& cpu, Errors& errors) = 0;
    /// The type's name that -cpu stands for.
    virtual Str cpu_type() const = 0;

  protected:
    ~ProcessorPlug() = default;
};

/// The host interface for a board that takes memory modules: what `-m SIZE,slots=N,maxmem=SIZE` said.
class MemoryRoom {
  public:
    static constexpr const char* kId = "backplane.memory-room/1";
    virtual std::uint32_t slots() const = 0;
    /// Bytes that there may be in all; what there is from the start where users did not ask for more.
    virtual std::uint64_t maximum() const = 0;

  protected:
    ~MemoryRoom() = default;
};

/// Where a memory module is. From the module, and from the board. Fixed.
struct MemoryPlace {
    std::uint64_t address = 0;  ///< 0: none yet, or any
    std::int32_t slot = -1;     ///< likewise
    std::uint32_t node = 0;
    bool hot_plugged = false;  ///< it came while the machine ran
};

/// Offered by a memory module, whose region "memory" it shows when it is realized.
class MemoryModule {
  public:
    static constexpr const char* kId = "backplane.memory-module/1";
    /// What its user asks for; since set_place(), where it is.
    virtual MemoryPlace place() const = 0;
    virtual void set_place(const MemoryPlace& place) = 0;
    /// The backend whose memory it is (MemoryBackend); null before that is set.
    virtual Object* backend() const = 0;
    /// "dimm".
    virtual Str kind() const = 0;

  protected:
    ~MemoryModule() = default;
};

/// A place for a processor. From the board; a level that the board does not have, or does not show, is -1. Fixed.
struct ProcessorPlace {
    Object* processor = nullptr;  ///< null: it is free
    std::int32_t node = -1, socket = -1, die = -1, cluster = -1, module = -1, core = -1, thread = -1;
};

/// Offered by a board whose processors come and go.
class ProcessorPlaces {
  public:
    static constexpr const char* kId = "backplane.processor-places/1";
    virtual std::uint32_t count() const = 0;
    virtual ProcessorPlace place(std::uint32_t number) const = 0;

  protected:
    ~ProcessorPlaces() = default;
};

}  // namespace backplane
