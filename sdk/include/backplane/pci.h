// PCI as devices, bridges and boards see it. Follows "PCI Local Bus Specification" 3.0 (configuration space,
// MSI, MSI-X) and "PCI Express Base Specification" 4.0 (extended configuration space, ECAM).
//
// A PCI device is an object of a type derived from "pci-device" (abstract, parent "device", bus "pci"). The part
// of "pci-device" realizes first: it owns the configuration space and offers PciDevice to the derived part, whose
// realize() fills it in:
//
//   PciDevice& pci = *query<PciDevice>(object);
//   pci.set_identity({.vendor = 0x1af4, .device = 0x1041, .class_code = 0x020000, .interrupt_pin = 1});
//   if (!pci.add_bar(0, registers, PciBarKind::Memory32, PciPrefetch::No, errors)) return false;
//
// The device's DeviceContext::dma() is then a port that works while the guest has set Bus Master Enable.
//
// A bus is an object of type "pci-bus" or "pcie-bus" that a bridge makes with DeviceContext::create_bus(); the
// bridge joins it with PciBus::set_bridge() before anything is plugged in.
//
// Thread, for everything here: main, or holding the machine lock. Nothing here can be made to fail by the guest:
// what a register does not take is dropped, and what nobody decodes reads as all ones.
#pragma once

#include <backplane/memory.h>
#include <backplane/object.h>

namespace backplane {

/// Where a function sits. Fixed.
struct PciAddress {
    std::uint8_t bus = 0;
    std::uint8_t device = 0;    ///< 0–31
    std::uint8_t function = 0;  ///< 0–7

    constexpr bool operator==(const PciAddress&) const = default;
    /// The requester ID on the bus (PCIe 2.2.6.2).
    constexpr std::uint16_t requester() const {
        return std::uint16_t(bus << 8 | (device & 31) << 3 | (function & 7));
    }
    static constexpr PciAddress from_requester(std::uint16_t id) {
        return {std::uint8_t(id >> 8), std::uint8_t(id >> 3 & 31), std::uint8_t(id & 7)};
    }
};

/// Configuration space, header type 0 (PCI 3.0, 6.1), in bytes from its start.
namespace pci {
inline constexpr unsigned kVendorId = 0x00;
inline constexpr unsigned kDeviceId = 0x02;
inline constexpr unsigned kCommand = 0x04;
inline constexpr unsigned kStatus = 0x06;
inline constexpr unsigned kRevisionId = 0x08;
inline constexpr unsigned kClassCode = 0x09;  ///< 3 bytes: interface, sub-class, base class
inline constexpr unsigned kCacheLineSize = 0x0c;
inline constexpr unsigned kLatencyTimer = 0x0d;
inline constexpr unsigned kHeaderType = 0x0e;
inline constexpr unsigned kBar0 = 0x10;
inline constexpr unsigned kSubsystemVendorId = 0x2c;
inline constexpr unsigned kSubsystemId = 0x2e;
inline constexpr unsigned kExpansionRom = 0x30;
inline constexpr unsigned kCapabilities = 0x34;
inline constexpr unsigned kInterruptLine = 0x3c;
inline constexpr unsigned kInterruptPin = 0x3d;
inline constexpr unsigned kConfigSize = 256;
inline constexpr unsigned kExtendedConfigSize = 4096;

// Where header type 1 differs (PCI-to-PCI Bridge Architecture 1.2, 3.2). A window is its base, then its limit.
inline constexpr unsigned kPrimaryBus = 0x18;
inline constexpr unsigned kSecondaryBus = 0x19;
inline constexpr unsigned kSubordinateBus = 0x1a;
inline constexpr unsigned kIoWindow = 0x1c;  ///< 1 byte each
inline constexpr unsigned kSecondaryStatus = 0x1e;
inline constexpr unsigned kMemoryWindow = 0x20;        ///< 2 bytes each
inline constexpr unsigned kPrefetchableWindow = 0x24;  ///< 2 bytes each
inline constexpr unsigned kPrefetchableBaseUpper = 0x28;
inline constexpr unsigned kPrefetchableLimitUpper = 0x2c;
inline constexpr unsigned kIoWindowUpper = 0x30;  ///< 2 bytes each
inline constexpr unsigned kBridgeRom = 0x38;
inline constexpr unsigned kBridgeControl = 0x3e;

inline constexpr unsigned kCommandIo = 1u << 0;
inline constexpr unsigned kCommandMemory = 1u << 1;
inline constexpr unsigned kCommandBusMaster = 1u << 2;
inline constexpr unsigned kCommandSerrEnable = 1u << 8;
inline constexpr unsigned kCommandInterruptDisable = 1u << 10;
inline constexpr unsigned kStatusInterrupt = 1u << 3;
inline constexpr unsigned kStatusCapabilities = 1u << 4;

inline constexpr unsigned kCapabilityPowerManagement = 0x01;
inline constexpr unsigned kCapabilityMsi = 0x05;
inline constexpr unsigned kCapabilityVendor = 0x09;
inline constexpr unsigned kCapabilityExpress = 0x10;
inline constexpr unsigned kCapabilityMsiX = 0x11;
}  // namespace pci

/// Sized.
struct PciIdentity {
    std::uint32_t struct_size = sizeof(PciIdentity);
    std::uint16_t vendor = 0xffff;
    std::uint16_t device = 0xffff;
    std::uint32_t class_code = 0;  ///< base class << 16 | sub-class << 8 | programming interface
    std::uint8_t revision = 0;
    std::uint16_t subsystem_vendor = 0x1af4;
    std::uint16_t subsystem = 0x1100;
    std::uint8_t interrupt_pin = 0;  ///< 0: none; 1–4: INTA#–INTD#
    /// 0; 1: a bridge (PCI-to-PCI Bridge Architecture 1.2, 3.2), which sets the rest of its header itself, has BARs 0 and 1
    /// at most, and no subsystem here.
    std::uint8_t header_type = 0;
};

/// Default: none, another one is refused.
enum class PciBarKind : std::uint8_t { Io, Memory32, Memory64 };
/// Default: No, of what is not Yes.
enum class PciPrefetch : std::uint8_t { No, Yes };

/// A device that wants to know what happens to its configuration space. Called for guest accesses only.
class PciConfigObserver {
  public:
    /// Before bytes [offset, offset + size) are read: time for set_config() when a register shows something that
    /// changes. A debugger's read comes here too, and must then have no other effect.
    virtual void config_reading(unsigned offset, unsigned size, const Access& access) = 0;
    /// After a write to these bytes took effect (BARs are mapped already).
    virtual void config_written(unsigned offset, unsigned size, const Access& access) = 0;

  protected:
    ~PciConfigObserver() = default;
};

/// An MSI-X capability (PCI 3.0, 6.8.2). Sized.
struct PciMsixLayout {
    std::uint32_t struct_size = sizeof(PciMsixLayout);
    unsigned vectors = 1;  ///< 1–2048
    unsigned bar = 0;      ///< the BAR that holds the table and the pending bits
    /// The container that the device has given, or will give, to add_bar() for that BAR. Null: the capability makes
    /// a BAR of its own, with the table at 0 and the pending bits in its upper half (`*_offset` are then ignored).
    MemoryRegion* container = nullptr;
    std::uint32_t table_offset = 0;    ///< a multiple of 8; 16 bytes a vector
    std::uint32_t pending_offset = 0;  ///< a multiple of 8; 8 bytes for each 64 vectors
    unsigned capability_offset = 0;    ///< where in configuration space; 0: anywhere
};

/// A vector's message, for who wants to deliver it without going through notify (an accelerator's fast path). Fixed.
struct PciMessage {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    bool masked = true;  ///< by the vector, by the function, or because MSI-X is off
};

class PciBus;

/// One function's configuration space and interrupts. Owner: the object.
class PciDevice {
  public:
    static constexpr const char* kId = "backplane.pci-device/1";

    // What the derived part says in its realize(), before the device can be seen.

    virtual void set_identity(const PciIdentity& identity) = 0;
    /// BAR `index` (0–5) decodes `region`, whose size is a power of two of at least 4 (Io) or 16 bytes. Memory64 takes
    /// the next BAR as well. Refuses a BAR in use, naming it.
    virtual bool add_bar(unsigned index, MemoryRegion& region, PciBarKind kind, PciPrefetch prefetch,
                         Errors& errors) = 0;
    /// Room for a capability of `size` bytes, header included, linked in front of the list; its bytes are 0 and
    /// read-only but for the header. Returns its offset; 0 and a reason when `at` (0: anywhere) is taken or nothing
    /// is left.
    virtual unsigned add_capability(std::uint8_t id, unsigned size, unsigned at, Errors& errors) = 0;
    /// The same in extended configuration space, which becomes 4096 bytes; 0 and a reason on a bus that has none.
    virtual unsigned add_extended_capability(std::uint16_t id, std::uint8_t version, unsigned size,
                                             Errors& errors) = 0;
    /// `vectors`: 1, 2, 4 … 32. Does nothing, and succeeds, on a machine that delivers no messages (msi_vectors() is
    /// then 0). The same holds for add_msix().
    virtual bool add_msi(unsigned vectors, bool per_vector_mask, Errors& errors) = 0;
    virtual bool add_msix(const PciMsixLayout& layout, Errors& errors) = 0;
    /// At most one; null lets go.
    virtual void observe_config(PciConfigObserver* observer) = 0;

    // The bytes of configuration space. `size` is 1, 2 or 4. What lies outside is ignored, and reads as ones.

    virtual std::uint32_t config(unsigned offset, unsigned size) const = 0;
    virtual void set_config(unsigned offset, unsigned size, std::uint32_t value) = 0;
    /// Bits that the guest may write; reset clears them. A device sets others again in its own reset().
    virtual void set_config_writable(unsigned offset, unsigned size, std::uint32_t mask) = 0;
    /// Bits that the guest clears by writing 1.
    virtual void set_config_clearable(unsigned offset, unsigned size, std::uint32_t mask) = 0;

    // Interrupts.

    /// The level of the interrupt pin; the command register's Interrupt Disable is respected.
    virtual void set_interrupt(int level) = 0;
    /// 0: no such capability.
    virtual unsigned msi_vectors() const = 0;
    virtual unsigned msix_vectors() const = 0;
    /// Has the guest switched it on? A device then leaves the pin alone.
    virtual bool msi_enabled() const = 0;
    virtual bool msix_enabled() const = 0;
    /// Sends the message of a vector, or marks it pending while it is masked. A vector that does not exist, or a
    /// capability that is off, sends nothing.
    virtual void msi_notify(unsigned vector) = 0;
    virtual void msix_notify(unsigned vector) = 0;
    virtual PciMessage msix_message(unsigned vector) const = 0;

    // Place and memory.

    /// Where it is plugged in (the bus number is what the guest has given to the bus).
    virtual PciAddress address() const = 0;
    virtual PciBus& bus() = 0;
    /// Does the function's memory (or I/O) space answer: the command register's bits, for what is not a BAR.
    virtual bool memory_enabled() const = 0;
    virtual bool io_enabled() const = 0;
    virtual bool bus_master_enabled() const = 0;

    // For the bus alone.

    /// What `addr=` asked for; -1 when it left the place to the bus. Device << 3 | function.
    virtual int wanted_place() const = 0;
    virtual bool multifunction() const = 0;
    virtual void plugged(PciBus& bus, std::uint8_t place) = 0;
    virtual std::uint32_t config_read(unsigned offset, unsigned size, Access& access) = 0;
    virtual void config_write(unsigned offset, unsigned size, std::uint32_t value, Access& access) = 0;

  protected:
    ~PciDevice() = default;
};

/// MSI-X vectors that others raise than the device's own code. Offered by every PCI function.
class PciVectorEvents {
  public:
    static constexpr const char* kId = "backplane.pci-vector-events/1";
    /// From now on each write to the eventfd(2) `event`, by a thread, a process or the kernel, does what msix_notify()
    /// does; where the machine has a MessageSink, without a thread of this process. -1: no more. The descriptor stays the
    /// caller's, and open until it is taken away or the device is unrealized. False and a reason: no such vector, or the
    /// host has no descriptors left.
    virtual bool set_vector_event(unsigned vector, int event, Errors& errors) = 0;

  protected:
    ~PciVectorEvents() = default;
};

/// What a bus asks of the bridge above it: implemented by a host bridge, or by a PCI-to-PCI bridge.
class PciBridge {
  public:
    /// Where memory and I/O BARs of the bus are placed, at their bus addresses.
    virtual MemoryRegion& pci_memory() = 0;
    virtual MemoryRegion& pci_io() = 0;
    /// Which of the bridge's interrupt lines does pin `pin` (0 = INTA#) of device `device` drive?
    virtual unsigned interrupt_line(unsigned device, unsigned pin) const = 0;
    /// The wired-or of all pins on a line.
    virtual void set_interrupt_line(unsigned line, int level) = 0;
    /// Is there something in the machine that takes message-signalled interrupts?
    virtual bool delivers_messages() const = 0;
    /// The port for function `place` as a bus master; null: system memory.
    virtual DmaPort* dma(std::uint8_t place) = 0;

  protected:
    ~PciBridge() = default;
};

/// Offered by a function that has a bus behind it, for the bus on which it is.
class PciForwarder {
  public:
    static constexpr const char* kId = "backplane.pci-forwarder/1";
    virtual PciBus& secondary() = 0;
    /// Do configuration cycles for bus `number` go there?
    virtual bool forwards(std::uint8_t number) const = 0;

  protected:
    ~PciForwarder() = default;
};

/// Who tells the guest of devices that come to a bus and are to leave it while the machine runs. Slots are device numbers.
class PciHotPlug {
  public:
    virtual void device_plugged(unsigned slot) = 0;
    /// The guest is asked to let go of it; when it has, PciBus::eject() follows.
    virtual void unplug_requested(unsigned slot) = 0;

  protected:
    ~PciHotPlug() = default;
};

/// Offered by a bus object.
class PciBus {
  public:
    static constexpr const char* kId = "backplane.pci-bus/1";
    /// Joins the bus to its bridge: once, before the first device.
    virtual void set_bridge(PciBridge& bridge) = 0;
    virtual PciBridge& bridge() = 0;
    /// Does the bus have extended configuration space?
    virtual bool express() const = 0;
    virtual std::uint8_t number() const = 0;
    virtual void set_number(std::uint8_t number) = 0;
    /// The first device number that is given to a device which asks for none.
    virtual void set_first_free_device(unsigned device) = 0;
    /// Null when nothing is there.
    virtual PciDevice* device(std::uint8_t place) = 0;
    /// A configuration cycle that came to this bus, for a function on it or on a bus behind one of its bridges: `size` is 1,
    /// 2 or 4 and `offset` a multiple of it. All ones when nothing answers.
    virtual std::uint32_t config_read(PciAddress address, unsigned offset, unsigned size, Access& access) = 0;
    virtual void config_write(PciAddress address, unsigned offset, unsigned size, std::uint32_t value,
                              Access& access) = 0;
    /// A function's pin (0 = INTA#) changed its level. For devices' parts.
    virtual void set_pin(std::uint8_t place, unsigned pin, int level) = 0;
    /// The bus's reset line was pulled: all that is plugged in is reset, and what is behind that.
    virtual void reset_devices() = 0;
    /// From now on devices may come and go while the machine runs. At most one; null: no more.
    virtual void set_hot_plug(PciHotPlug* hot_plug) = 0;
    /// May what is in the slot leave? True for an empty one, false where a part of the board is.
    virtual bool removable(unsigned slot) const = 0;
    /// The guest let go of what is in the slot, which leaves soon; nothing where it is not removable.
    virtual void eject(unsigned slot) = 0;

  protected:
    ~PciBus() = default;
};

}  // namespace backplane
