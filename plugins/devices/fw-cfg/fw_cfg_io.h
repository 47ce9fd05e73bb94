// The firmware configuration device at I/O ports, as PCs have it: the selector and data at two ports, and the DMA
// register (big-endian) behind them. Bytes are read at either port; a 16-bit write to the first one selects.
#pragma once

#include "fw_cfg_device.h"

namespace backplane::fw_cfg {

class FwCfgIo final : public FwCfgDevice {
  public:
    static const PropertyInfo kProperties[];

    explicit FwCfgIo(Object& object) : FwCfgDevice(object) {
        context_.export_region("ports",
                               context_.memory().io("fwcfg", 2, ports_,
                                                    {.maximum = 2, .implemented_max = 2, .unaligned = true}));
        export_dma();
    }

    bool realize(Errors& errors) override {
        core_.set_dma(dma_enabled_);
        return FwCfgDevice::realize(errors);
    }

    bool dma_enabled_ = true;

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

    Ports ports_{*this};
};

inline constexpr PropertyInfo FwCfgIo::kProperties[] = {
    property<&FwCfgIo::dma_enabled_>(
        {.name = "dma_enabled", .summary = "has the DMA register", .default_text = "on"}),
    kSlotsProperty,
};

/// What this device was in older releases.
inline constexpr HistoryRow kPortHistory[] = {
    {.release = "2.8", .property = "x-file-slots", .value = "16"},
    {.release = "2.4", .property = "dma_enabled", .value = "off"},
};

inline constexpr RegionInfo kPortRegions[] = {
    {.name = "ports", .summary = "the selector, and the selected item's next byte", .size = 2},
    kDmaRegion,
};

inline constexpr TypeInfo kPortDevice = device_type<FwCfgIo>({
    .name = "fw_cfg_io",
    .summary = "firmware configuration device at I/O ports",
    .category = "Misc",
    .interfaces = kFwCfgInterfaces<FwCfgIo>,
    .properties = FwCfgIo::kProperties,
    .regions = kPortRegions,
    .history = kPortHistory,
});

}  // namespace backplane::fw_cfg
