// Memory as a device or a board sees it: regions that it builds, and a port through which it does DMA.
#pragma once

#include <backplane/abi.h>

namespace backplane {

class Object;

/// Who asks. A debugger's read has no side effect; a device whose register has one returns the value and leaves
/// its state alone. Default: all known.
enum class Intent : std::uint8_t { Guest, Debug };

/// What goes with an access. `fail()` makes it a bus error (the CPU takes an access fault, DMA reports it);
/// a device does that only where its datasheet says so. Who answers an access by making another one (a bridge, a window,
/// a part of a wider access) hands this one on, or a copy: what it says of the asker goes all the way.
/// Fixed in size; members to come take from `reserved`, and 0 means there what was before.
struct Access {
    Intent intent = Intent::Guest;
    bool failed = false;
    std::uint16_t requester = 0xffff;  ///< bus/device/function of a PCI master; 0xffff: the CPU or none
    /// The CPU that asks, by its index; kNoCpu: DMA, a debugger, the host.
    std::uint32_t cpu = kNoCpu;
    std::uint32_t reserved[6] = {};
    static constexpr std::uint32_t kNoCpu = 0xffffffff;

    void fail() { failed = true; }
    bool debug() const { return intent == Intent::Debug; }
};

/// The I/O handler of a region. Offsets are inside the region and the whole access fits.
/// Thread: any that holds the machine lock, unless the region was made with `lock_free`.
class IoHandler {
  public:
    /// The value in the low `size` bytes (size is 1, 2, 4 or 8).
    virtual std::uint64_t read(Offset offset, unsigned size, Access& access) = 0;
    virtual void write(Offset offset, std::uint64_t value, unsigned size, Access& access) = 0;

  protected:
    ~IoHandler() = default;
};

/// Default: Little.
enum class Endian : std::uint8_t { Little, Big };

/// The access sizes (bytes) that a region takes. An access belongs whole to the region that its first byte is in, where
/// that region reaches so far, even if others lie over the bytes that follow. An access of another size on the bus is a
/// bus error; one between implemented_min and implemented_max reaches the handler as it is, others are split or widened
/// by the host. Sized.
struct IoTraits {
    std::uint32_t struct_size = sizeof(IoTraits);
    std::uint8_t minimum = 1;
    std::uint8_t maximum = 8;
    std::uint8_t implemented_min = 1;
    std::uint8_t implemented_max = 8;
    Endian endian = Endian::Little;
    bool unaligned = false;  ///< accesses that are not a multiple of their size are passed on
    /// The handler is called without the machine lock, from any thread, and must never wait for that lock.
    bool lock_free = false;
    /// A store does no more than leave its value here, for the guest to come back to. Who executes the guest may keep such
    /// stores of CPUs, in order, until one of them leaves the guest for something else or is stopped: a load from here, and
    /// an access to any other device, come after them.
    alignas(4) bool stores_may_wait = false;  // not where older plugins have padding
};

/// A node of the memory map. Owner: the object that made it; it goes with that object.
/// Thread: main, or holding the machine lock. A change is seen by the calling CPU's next access, by DMA and by the
/// host when the call returns; another CPU that runs sees it no later than its next access after it was made to look,
/// which the call has asked for (as on hardware: software that needs more synchronises its CPUs). A region that is
/// destroyed is different: that waits until nobody can reach it.
class MemoryRegion {
  public:
    virtual Str name() const = 0;
    /// In bytes; 0 stands for 2^64.
    virtual std::uint64_t size() const = 0;
    /// Places `child` at `offset`. Where children overlap, the higher priority is seen; an overlap at equal
    /// priority is refused, with both names.
    virtual bool add(MemoryRegion& child, Offset offset, int priority, Errors& errors) = 0;
    virtual void remove(MemoryRegion& child) = 0;
    virtual void set_enabled(bool enabled) = 0;
    virtual bool enabled() const = 0;
    /// Moves this region inside its container.
    virtual void set_offset(Offset offset) = 0;
    /// Alias only: where in its target it starts.
    virtual void set_alias_offset(Offset offset) = 0;
    /// Alias only: how much of its target it shows, in bytes; 0 stands for 2^64.
    virtual void set_alias_size(std::uint64_t size) = 0;
    /// ROM device only: reads come from bytes() (true, the initial state) or from the handler (false).
    virtual void set_rom_mode(bool direct) = 0;
    /// The storage of RAM, ROM and ROM device; empty for the others. For ROM contents and flash images: a device
    /// reaches guest RAM through a DmaPort.
    virtual MutableBytes bytes() = 0;
    /// Tells that the owner changed bytes() itself, so that translated code and dirty logs notice.
    virtual void bytes_changed(Offset offset, std::uint64_t size) = 0;
    /// RAM, or an alias (for what is seen through it): what is stored from now on is lost, as with ROM. Handlers are called
    /// as ever.
    virtual void set_read_only(bool read_only) = 0;

  protected:
    ~MemoryRegion() = default;
};

/// Makes regions that belong to the object whose context this came from. Names appear in `info mtree`. Sizes are in
/// bytes; 0 (2^64) is for containers.
class MemoryFactory {
  public:
    virtual MemoryRegion& container(Str name, std::uint64_t size) = 0;
    virtual MemoryRegion& io(Str name, std::uint64_t size, IoHandler& handler, const IoTraits& traits) = 0;
    virtual MemoryRegion& alias(Str name, MemoryRegion& target, Offset offset, std::uint64_t size) = 0;
    /// Null and a reason when the host has not got that much memory.
    virtual MemoryRegion* ram(Str name, std::uint64_t size, Errors& errors) = 0;
    /// RAM that a memory backend of the host provides (an object that offers MemoryBackend), whole. The backend is
    /// this region's alone while it lives.
    virtual MemoryRegion* ram_of(Str name, Object& backend, Errors& errors) = 0;
    virtual MemoryRegion* rom(Str name, std::uint64_t size, Errors& errors) = 0;
    virtual MemoryRegion* rom_device(Str name, std::uint64_t size, IoHandler& handler, const IoTraits& traits,
                                     Errors& errors) = 0;

  protected:
    ~MemoryFactory() = default;
};

/// A stretch of guest memory that the host made directly readable or writable for a while. Fixed.
struct DmaWindow {
    void* data = nullptr;  ///< null: not directly reachable (I/O, or a jailed device): use read() and write()
    std::uint64_t size = 0;  ///< bytes, at most what was asked for
    void* cookie = nullptr;  ///< the host's
};

/// A bus master's way to memory. Every call has the length; nothing outside what is mapped is touched. An access
/// that would re-enter the device that is doing it fails. Thread: any; RAM needs no lock, I/O takes it.
class DmaPort {
  public:
    static constexpr const char* kId = "backplane.dma-port/1";
    /// False when any byte was not backed by memory; those read as zero.
    virtual bool read(GuestAddress address, MutableBytes to) = 0;
    /// False when any byte was not backed by memory; the others are written. ROM is memory that ignores it.
    virtual bool write(GuestAddress address, Bytes from) = 0;
    virtual DmaWindow map(GuestAddress address, std::uint64_t size, bool writable) = 0;
    /// `written`: bytes that were changed, from the window's start.
    virtual void unmap(const DmaWindow& window, std::uint64_t written) = 0;

  protected:
    ~DmaPort() = default;
};

/// Little-endian loads and stores through a port. A failed load is 0.
template <class T>
T dma_load(DmaPort& port, GuestAddress address) {
    T value{};
    port.read(address, {reinterpret_cast<std::uint8_t*>(&value), sizeof value});
    return value;
}
template <class T>
bool dma_store(DmaPort& port, GuestAddress address, T value) {
    return port.write(address, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

}  // namespace backplane
