// The ISA bridge of the PIIX3: interrupt routing, the ISA bus, the reset control port.
//
// Follows Intel, "82371FB (PIIX) and 82371SB (PIIX3) PCI ISA IDE Xcelerator", 290550-002: 2.2 (function 0), 2.5.4.4 (RC).
// Not modelled: bus timing, decode enables (XBCS, MBIRQ, MSTAT keep what is written), SMI events, the I/O APIC's chip
// select. The 8259s, 8254, 8237s and the real-time clock that are part of the chip are devices of their own.
#pragma once

#include <backplane/device.h>
#include <backplane/isa.h>
#include <backplane/pci.h>

#include <array>

namespace backplane::piix {

class Piix3 final : public DeviceBase, public IsaBridge, private PciConfigObserver {
  public:
    static constexpr unsigned kPirqs = 4;

    explicit Piix3(Object& object);

    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;

    MemoryRegion& isa_io() override { return pci_->bus().bridge().pci_io(); }
    MemoryRegion& isa_memory() override { return pci_->bus().bridge().pci_memory(); }
    bool join_interrupt(Object& device, std::size_t output, unsigned irq, Errors& errors) override;

  private:
    /// Port CF9h.
    class ResetControl final : public IoHandler {
      public:
        explicit ResetControl(Piix3& bridge) : bridge_(bridge) {}
        std::uint64_t read(Offset, unsigned, Access&) override { return bridge_.reset_control_; }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override;

      private:
        Piix3& bridge_;
    };
    void config_reading(unsigned, unsigned, const Access&) override {}
    void config_written(unsigned offset, unsigned size, const Access& access) override;
    void isa_changed(unsigned irq, int level);
    void pirq_changed(unsigned pirq, int level);
    int routed(unsigned pirq) const;
    void drive(unsigned irq);
    void drive_all();

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    std::array<Wire*, kIsaInterrupts> outputs_{};
    ResetControl reset_port_{*this};
    InputOf<&Piix3::isa_changed> isa_inputs_{*this};
    InputOf<&Piix3::pirq_changed> pirq_inputs_{*this};
    std::array<std::uint8_t, kIsaInterrupts> isa_levels_{};
    std::array<std::uint8_t, kPirqs> pirq_levels_{};
    std::uint8_t reset_control_ = 0;
};

}  // namespace backplane::piix
