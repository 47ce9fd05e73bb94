// The 82441FX: memory controller and host bridge, PCI function 0 of device 0.
//
// Follows Intel, "82441FX PCI and Memory Controller (PMC) and 82442FX Data Bus Accelerator (DBX)", 290549-001, 3.2. Not
// modelled: DRAM timing and sizing, parity, error reporting (their registers keep what is written), D_CLS, which tells
// code from data in SMRAM, and the cache attributes of PAM.
#pragma once

#include "shadow_memory.h"

#include <backplane/pci.h>
#include <backplane/sleep.h>

#include <array>

namespace backplane::i440fx {

/// What the host bridge asks of its function 0.
class MemoryController {
  public:
    static constexpr const char* kId = "backplane.i440fx-memory-controller/1";
    virtual bool connect(MemoryRegion& system, MemoryRegion& pci, MemoryRegion& ram, Errors& errors) = 0;
    virtual MemoryRegion* smram() = 0;

  protected:
    ~MemoryController() = default;
};

class I440fx final : public DeviceBase, public MemoryController, private PciConfigObserver {
  public:
    explicit I440fx(Object& object) : object_(object), context_(device_context(object)) {}

    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;
    bool connect(MemoryRegion& system, MemoryRegion& pci, MemoryRegion& ram, Errors& errors) override;
    MemoryRegion* smram() override { return memory_.smram(); }

  private:
    static constexpr unsigned kPamRegisters = 7;

    void config_reading(unsigned, unsigned, const Access&) override {}
    void config_written(unsigned offset, unsigned size, const Access& access) override;
    bool waking() const;
    void lock_smram();
    void show();

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    std::array<std::uint8_t, kPamRegisters> shown_{};  ///< PAM0 to PAM6, as they were last looked at
    ShadowMemory memory_;
};

}  // namespace backplane::i440fx
