// The firmware configuration device in memory: data, selector and DMA registers, all big-endian.
#pragma once

#include "fw_cfg_device.h"

namespace backplane::fw_cfg {

class FwCfgMem final : public FwCfgDevice {
  public:
    static const PropertyInfo kProperties[];

    explicit FwCfgMem(Object& object) : FwCfgDevice(object) {
        MemoryFactory& memory = context_.memory();
        context_.export_region(
            "data",
            memory.io("fwcfg.data", 8, data_, {.maximum = 8, .implemented_max = 8, .endian = Endian::Big}));
        context_.export_region("selector", memory.io("fwcfg.ctl", 2, selector_,
                                                     {.minimum = 2,
                                                      .maximum = 2,
                                                      .implemented_min = 2,
                                                      .implemented_max = 2,
                                                      .endian = Endian::Big}));
        export_dma();
    }

  private:
    class Data final : public IoHandler {
      public:
        explicit Data(FwCfgMem& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned size, Access& access) override {
            return owner_.core_.read_data(size, access.debug());
        }
        void write(Offset, std::uint64_t, unsigned, Access& access) override {
            if (!access.debug())
                owner_.context_.log().guest_error("data", "write to the data register: ignored");
        }

      private:
        FwCfgMem& owner_;
    };
    class Selector final : public IoHandler {
      public:
        explicit Selector(FwCfgMem& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) owner_.core_.select(std::uint16_t(value));
        }

      private:
        FwCfgMem& owner_;
    };
    Data data_{*this};
    Selector selector_{*this};
};

inline constexpr PropertyInfo FwCfgMem::kProperties[] = {
    kSlotsProperty,
};

inline constexpr RegionInfo kMemoryRegions[] = {
    {.name = "data", .summary = "the selected item's next bytes", .size = 8},
    {.name = "selector", .summary = "which item", .size = 2},
    kDmaRegion,
};

inline constexpr TypeInfo kMemoryDevice = device_type<FwCfgMem>({
    .name = "fw_cfg_mem",
    .summary = "firmware configuration device in memory",
    .category = "Misc",
    .interfaces = kFwCfgInterfaces<FwCfgMem>,
    .properties = FwCfgMem::kProperties,
    .regions = kMemoryRegions,
});

}  // namespace backplane::fw_cfg
