// The ISA bus as its devices and its bridge see it: ports, memory below 16 MiB, interrupt lines 0–15, DMA channels 0–7.
//
// Follows "ISA System Architecture" in the sense of the IBM PC/AT Technical Reference (1984), chapter 1, "I/O channel".
// An ISA device is an object of a type with bus "isa"; in its realize() it says where it sits:
//
//   auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
//   if (!isa->add_ports(object_, registers, Port(iobase_), errors) || !isa->join(object_, 0, irq_, errors)) return false;
//
// A bus is an object of type "isa-bus" that a bridge makes with DeviceContext::create_bus() and joins with set_bridge()
// before anything is plugged in. Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/memory.h>
#include <backplane/object.h>

namespace backplane {

inline constexpr unsigned kIsaInterrupts = 16;
inline constexpr unsigned kIsaDmaChannels = 8;  ///< channel 4 is the cascade: no device has it

/// Registers of a byte each: the bus makes several accesses of a wider one.
inline constexpr IoTraits kIsaByteRegisters{.implemented_max = 1, .unaligned = true};

/// One DMA channel as its device sees it (8237A data sheet, "DMA operation"). The device raises its request; the
/// controller, once the guest has unmasked the channel, calls IsaDmaDevice::transfer().
class IsaDmaChannel {
  public:
    /// DREQ. A transfer goes on, call by call, while it is 1 and bytes remain.
    virtual void set_request(int level) = 0;
    /// During transfer() alone: moves bytes from memory to the device, or to memory, from `position` bytes into the
    /// channel's block. Returns how many lay within the block (and its 64 KiB or 128 KiB page).
    virtual std::uint32_t read(std::uint32_t position, MutableBytes to) = 0;
    virtual std::uint32_t write(std::uint32_t position, Bytes from) = 0;

  protected:
    ~IsaDmaChannel() = default;
};

class IsaDmaDevice {
  public:
    /// DACK. `position` bytes of `length` are done (length is programmed count + 1, in bytes). Returns the new position;
    /// `length` is the terminal count. Returning `position` leaves the transfer for later.
    virtual std::uint32_t transfer(IsaDmaChannel& channel, std::uint32_t position, std::uint32_t length) = 0;

  protected:
    ~IsaDmaDevice() = default;
};

/// Offered by a DMA controller (or the pair of an AT).
class IsaDma {
  public:
    static constexpr const char* kId = "backplane.isa-dma/1";
    /// Takes channel `channel` for `device` (null: gives it back). Null and a reason when somebody has it.
    virtual IsaDmaChannel* take_channel(unsigned channel, IsaDmaDevice* device, Errors& errors) = 0;

  protected:
    ~IsaDma() = default;
};

/// What a bus asks of the bridge that makes it.
class IsaBridge {
  public:
    /// Where the bus's ports and memory are placed, at their own numbers.
    virtual MemoryRegion& isa_io() = 0;
    virtual MemoryRegion& isa_memory() = 0;
    /// Joins output number `output` of `device` to interrupt line `irq` (0–15). The joint goes with the device.
    virtual bool join_interrupt(Object& device, std::size_t output, unsigned irq, Errors& errors) = 0;

  protected:
    ~IsaBridge() = default;
};

/// Offered by a bus object of kind "isa".
class IsaBus {
  public:
    static constexpr const char* kId = "backplane.isa-bus/1";
    virtual void set_bridge(IsaBridge& bridge) = 0;
    /// The controller that serves the channels, once the board has plugged it in; set by that.
    virtual void set_dma(IsaDma* dma) = 0;
    virtual IsaDma* dma() = 0;
    /// Puts `region` of `device` at a port; refuses one that somebody else has, naming both. It leaves with the device.
    virtual bool add_ports(Object& device, MemoryRegion& region, Port port, Errors& errors) = 0;
    virtual bool add_memory(Object& device, MemoryRegion& region, GuestAddress address, Errors& errors) = 0;
    /// Joins output number `output` (of DeviceContext::output_count()) of `device` to interrupt line `irq`; refuses one
    /// of 16 and more, naming the device.
    virtual bool join(Object& device, std::size_t output, unsigned irq, Errors& errors) = 0;

  protected:
    ~IsaBus() = default;
};

}  // namespace backplane
