// The firmware configuration device at I/O ports, as PCs have it: the selector and data at two ports, and the DMA
// register (big-endian) behind them. Bytes are read at either port; a 16-bit write to the first one selects.
#pragma once

#include "dma_register.h"
#include "fw_cfg_core.h"

#include <backplane/device.h>
#include <backplane/property.h>

namespace backplane::fw_cfg {

class FwCfgIo final : public DeviceBase {
  public:
    static const PropertyInfo kProperties[];

    explicit FwCfgIo(Object& object) : context_(device_context(object)), core_(context_) {
        context_.export_region("ports",
                               context_.memory().io("fwcfg", 2, ports_,
                                                    {.maximum = 2, .implemented_max = 2, .unaligned = true}));
        context_.export_region(
            "dma", context_.memory().io("fwcfg.dma", 8, dma_, {.implemented_max = 8, .endian = Endian::Big}));
    }

    bool realize(Errors&) override {
        core_.set_slots(slots_);
        core_.set_dma(dma_enabled_);
        return true;
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) core_.reset();
    }
    void before_save() override { core_.before_save(); }
    bool after_load(Errors& errors) override { return core_.after_load(errors); }

    FwCfgCore& core() { return core_; }

  private:
    class Ports final : public IoHandler {
      public:
        explicit Ports(FwCfgIo& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned size, Access& access) override {
            return size == 1 ? owner_.core_.read_data(1, access.debug()) : 0;
        }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
            if (!access.debug() && size == 2 && offset.value == 0) owner_.core_.select(std::uint16_t(value));
        }

      private:
        FwCfgIo& owner_;
    };

    DeviceContext& context_;
    FwCfgCore core_;
    std::uint32_t slots_ = 32;
    bool dma_enabled_ = true;
    Ports ports_{*this};
    DmaRegister dma_{core_};
};

inline constexpr PropertyInfo FwCfgIo::kProperties[] = {
    property<&FwCfgIo::dma_enabled_>(
        {.name = "dma_enabled", .summary = "has the DMA register", .default_text = "on"}),
    property<&FwCfgIo::slots_>({.name = "x-file-slots",
                                .summary = "how many files there may be",
                                .default_text = "32",
                                .maximum = 0x3fe0,
                                .minimum = 1}),
};

inline constexpr InterfaceInfo kPortInterfaces[] = {
    offers<FwCfgIo, Device>(),
    {FwCfg::kId,
     [](void* part) -> void* { return static_cast<FwCfg*>(&static_cast<FwCfgIo*>(part)->core()); }},
};

/// What this device was in older releases.
inline constexpr HistoryRow kPortHistory[] = {
    {.release = "2.8", .property = "x-file-slots", .value = "16"},
    {.release = "2.4", .property = "dma_enabled", .value = "off"},
};

inline constexpr RegionInfo kPortRegions[] = {
    {.name = "ports", .summary = "the selector, and the selected item's next byte", .size = 2},
    {.name = "dma", .summary = "the address of a DMA request", .size = 8},
};

inline constexpr TypeInfo kPortDevice = device_type<FwCfgIo>({
    .name = "fw_cfg_io",
    .summary = "firmware configuration device at I/O ports",
    .category = "Misc",
    .interfaces = kPortInterfaces,
    .properties = FwCfgIo::kProperties,
    .regions = kPortRegions,
    .history = kPortHistory,
});

}  // namespace backplane::fw_cfg
