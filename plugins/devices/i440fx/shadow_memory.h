// What the memory below 1 MiB shows: RAM, or what lies behind the bridge. The switches that PAM and SMRAM registers are.
//
// Follows Intel, "82441FX PCI and Memory Controller (PMC)", 290549-001, 3.2.19 (PAM) and 3.2.21 (SMRAM).
#pragma once

#include <backplane/device.h>

#include <array>

namespace backplane::i440fx {

class ShadowMemory {
  public:
    /// F0000h and 64 KiB; then 16 KiB each from C0000h.
    static constexpr unsigned kSegments = 13;

    /// Puts the switches over `system`, at priority 1, all of them towards `pci`. Once.
    bool connect(DeviceContext& context, MemoryRegion& system, MemoryRegion& pci, MemoryRegion& ram,
                 Errors& errors);
    bool connected() const { return smram_ != nullptr; }
    /// Which accesses to the segment go to RAM.
    void set_segment(unsigned segment, bool reads, bool writes);
    /// `open`: everybody sees the RAM at A0000h. `enabled`: who is in system management mode does.
    void set_smram(bool open, bool enabled);
    MemoryRegion* smram() { return smram_; }

  private:
    /// A segment whose writes alone go to RAM: firmware copies a ROM onto its own addresses.
    class WritesToRam final : public IoHandler {
      public:
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;
        GuestAddress base;
        DmaPort* pci = nullptr;
        MemoryRegion* ram = nullptr;
    };
    struct Segment {
        MemoryRegion* pci = nullptr;
        MemoryRegion* rom = nullptr;    ///< reads from RAM, writes are lost
        MemoryRegion* ram = nullptr;    ///< both
        MemoryRegion* write = nullptr;  ///< writes to RAM, reads from PCI
        WritesToRam handler;
    };
    DmaPort& pci_port();
    bool add_segment(Segment& segment, std::uint64_t base, std::uint64_t size, Errors& errors);

    DeviceContext* context_ = nullptr;
    MemoryRegion* system_ = nullptr;
    MemoryRegion* pci_ = nullptr;
    MemoryRegion* ram_ = nullptr;
    DmaPort* pci_port_ = nullptr;
    std::array<Segment, kSegments> segments_;
    MemoryRegion* smram_ = nullptr;
    MemoryRegion* smram_ram_ = nullptr;
    MemoryRegion* smram_pci_ = nullptr;
};

}  // namespace backplane::i440fx
