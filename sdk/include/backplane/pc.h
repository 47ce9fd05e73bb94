// What the host bridge of a PC and its board give each other.
//
// The bridge decides what of the memory below 1 MiB is RAM and what is behind it; the board decides how much RAM there
// is and where it lies:
//
//   Object* host = context.create("i440FX-pcihost", "i440fx", errors);
//   if (!context.realize(*host, errors)) return false;
//   auto& bridge = *query<PcHostBridge>(*host);
//   if (!bridge.connect(context.system_memory(), context.io_ports(), context.ram(), errors)) return false;
//
// Thread: main, or holding the machine lock.
#pragma once

#include <backplane/memory.h>

namespace backplane {

/// Offered by a host bridge.
class PcHostBridge {
  public:
    static constexpr const char* kId = "backplane.pc-host-bridge/1";
    /// Once, after realizing and before anything else is plugged into the PCI bus. `system` is what processors see: the
    /// board maps RAM there at priority 0, the bridge maps PCI below it (-1) and what it switches above it (1). `ports` is
    /// both the processors' and the PCI bus's I/O space. `ram` begins at address 0; it must hold the first MiB.
    virtual bool connect(MemoryRegion& system, MemoryRegion& ports, MemoryRegion& ram, Errors& errors) = 0;
    /// PCI memory space: what lies behind the bridge, at its own addresses. A board puts its firmware there.
    virtual MemoryRegion& pci_memory() = 0;
    /// What a processor in system management mode sees over the system memory: 4 GiB, from address 0.
    virtual MemoryRegion& smram() = 0;
    /// The addresses that go to PCI, for firmware's tables. Below 4 GiB and above it; size 0: none.
    struct Hole {
        std::uint64_t start = 0;
        std::uint64_t size = 0;
    };
    virtual Hole hole_below_4g() const = 0;
    virtual Hole hole_above_4g() const = 0;

  protected:
    ~PcHostBridge() = default;
};

}  // namespace backplane
