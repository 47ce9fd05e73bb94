// The host bridge as processors see it: the configuration ports, and the spaces behind them.
#pragma once

#include "i440fx.h"

#include <backplane/pc.h>

#include <string>

namespace backplane::i440fx {

class Host final : public DeviceBase, public PciBridge, public PcHostBridge {
  public:
    static const PropertyInfo kProperties[];
    static constexpr unsigned kLines = 4;

    explicit Host(Object& object);

    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;

    // PciBridge; pci_memory() is PcHostBridge's as well
    MemoryRegion& pci_memory() override { return memory_; }
    MemoryRegion& pci_io() override { return *ports_; }
    unsigned interrupt_line(unsigned device, unsigned pin) const override;
    void set_interrupt_line(unsigned line, int level) override;
    bool delivers_messages() const override { return true; }
    DmaPort* dma(std::uint8_t) override { return nullptr; }

    // PcHostBridge
    bool connect(MemoryRegion& system, MemoryRegion& ports, MemoryRegion& ram, Errors& errors) override;
    MemoryRegion& smram() override;
    Hole hole_below_4g() const override;
    Hole hole_above_4g() const override;

  private:
    /// CF8h: CONFADD, which takes accesses of 32 bits only (3.1.1).
    class AddressPort final : public IoHandler {
      public:
        explicit AddressPort(Host& host) : host_(host) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        Host& host_;
    };
    /// CFCh: CONFDATA, a window onto four bytes of a function's configuration space (3.1.2).
    class DataPort final : public IoHandler {
      public:
        explicit DataPort(Host& host) : host_(host) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        Host& host_;
    };
    /// What no device claims: the master aborts, reads are ones (PCI 2.1, 3.3.3.1).
    class Unclaimed final : public IoHandler {
      public:
        std::uint64_t read(Offset, unsigned, Access&) override { return ~std::uint64_t{0}; }
        void write(Offset, std::uint64_t, unsigned, Access&) override {}
    };
    bool configured() const;
    PciAddress target() const;
    unsigned register_of(Offset offset) const;
    static bool no_bypass(const Host&, bool value, Errors& errors);

    DeviceContext& context_;
    MemoryRegion& memory_;
    MemoryRegion* ports_;
    AddressPort address_port_{*this};
    DataPort data_port_{*this};
    Unclaimed unclaimed_;
    PciBus* bus_ = nullptr;
    MemoryController* controller_ = nullptr;
    bool connected_ = false;
    std::uint32_t address_ = 0;
    int levels_[kLines] = {};

    std::string function_type_;
    std::uint64_t hole64_size_ = 0;
    std::uint64_t below_4g_ = 0;
    std::uint64_t above_4g_ = 0;
    bool hole64_always_ = true;
    bool save_address_ = true;
    bool bypass_iommu_ = false;
};

}  // namespace backplane::i440fx
