// What both forms of the configuration device have: the core, the DMA register, and how many files there may be.
#pragma once

#include "dma_register.h"
#include "fw_cfg_core.h"

#include <backplane/device.h>
#include <backplane/property.h>

namespace backplane::fw_cfg {

class FwCfgDevice : public DeviceBase {
  public:
    explicit FwCfgDevice(Object& object) : context_(device_context(object)), core_(context_) {}

    bool realize(Errors&) override {
        core_.set_slots(slots_);
        return true;
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) core_.reset();
    }
    void before_save() override { core_.before_save(); }
    bool after_load(Errors& errors) override { return core_.after_load(errors); }

    FwCfgCore& core() { return core_; }

    std::uint32_t slots_ = 32;

  protected:
    ~FwCfgDevice() = default;

    /// Behind the regions that the form has of its own.
    void export_dma() {
        context_.export_region(
            "dma", context_.memory().io("fwcfg.dma", 8, dma_, {.implemented_max = 8, .endian = Endian::Big}));
    }

    DeviceContext& context_;
    FwCfgCore core_;

  private:
    DmaRegister dma_{core_};
};

inline constexpr PropertyInfo kSlotsProperty =
    property<&FwCfgDevice::slots_>({.name = "x-file-slots",
                                    .summary = "how many files there may be",
                                    .default_text = "32",
                                    .maximum = 0x3fe0,
                                    .minimum = 1});
inline constexpr RegionInfo kDmaRegion{.name = "dma", .summary = "the address of a DMA request", .size = 8};

template <class T>
inline constexpr InterfaceInfo kFwCfgInterfaces[] = {
    offers<T, Device>(),
    {FwCfg::kId, [](void* part) -> void* { return static_cast<FwCfg*>(&static_cast<T*>(part)->core()); }},
};

}  // namespace backplane::fw_cfg
