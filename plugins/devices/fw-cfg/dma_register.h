// The DMA register: eight bytes, big-endian, which read as a signature. Writing the second half starts a transfer.
#pragma once

#include "fw_cfg_core.h"

namespace backplane::fw_cfg {

class DmaRegister final : public IoHandler {
  public:
    explicit DmaRegister(FwCfgCore& core) : core_(core) {}
    std::uint64_t read(Offset offset, unsigned size, Access&) override {
        const std::uint64_t signature = core_.has_dma() ? FwCfgCore::kDmaSignature : 0;
        return signature >> 8 * (8 - size - offset.value) & (size == 8 ? ~0ull : (1ull << 8 * size) - 1);
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        if (access.debug() || !core_.has_dma()) return;
        if (size == 8) core_.write_dma_high(std::uint32_t(value >> 32));
        else if (size == 4 && offset.value == 0) core_.write_dma_high(std::uint32_t(value));
        if (size == 8 || (size == 4 && offset.value == 4)) core_.write_dma_low(std::uint32_t(value));
    }

  private:
    FwCfgCore& core_;
};

}  // namespace backplane::fw_cfg
