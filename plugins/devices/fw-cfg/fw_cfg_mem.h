// The firmware configuration device in memory: data, selector and DMA registers, all big-endian.
#pragma once

#include "dma_register.h"
#include "fw_cfg_core.h"

#include <backplane/device.h>
#include <backplane/property.h>

namespace backplane::fw_cfg {

class FwCfgMem final : public DeviceBase {
  public:
    static const PropertyInfo kProperties[];

    explicit FwCfgMem(Object& object) : context_(device_context(object)), core_(context_) {
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
        context_.export_region(
            "dma", memory.io("fwcfg.dma", 8, dma_, {.implemented_max = 8, .endian = Endian::Big}));
    }

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
    DeviceContext& context_;
    FwCfgCore core_;
    std::uint32_t slots_ = 32;
    Data data_{*this};
    Selector selector_{*this};
    DmaRegister dma_{core_};
};

inline constexpr PropertyInfo FwCfgMem::kProperties[] = {
    property<&FwCfgMem::slots_>({.name = "x-file-slots",
                                 .summary = "how many files there may be",
                                 .default_text = "32",
                                 .maximum = 0x3fe0,
                                 .minimum = 1}),
};

inline constexpr InterfaceInfo kMemoryInterfaces[] = {
    offers<FwCfgMem, Device>(),
    {FwCfg::kId,
     [](void* part) -> void* { return static_cast<FwCfg*>(&static_cast<FwCfgMem*>(part)->core()); }},
};

inline constexpr RegionInfo kMemoryRegions[] = {
    {.name = "data", .summary = "the selected item's next bytes", .size = 8},
    {.name = "selector", .summary = "which item", .size = 2},
    {.name = "dma", .summary = "the address of a DMA request", .size = 8},
};

inline constexpr TypeInfo kMemoryDevice = device_type<FwCfgMem>({
    .name = "fw_cfg_mem",
    .summary = "firmware configuration device in memory",
    .category = "Misc",
    .interfaces = kMemoryInterfaces,
    .properties = FwCfgMem::kProperties,
    .regions = kMemoryRegions,
});

}  // namespace backplane::fw_cfg
