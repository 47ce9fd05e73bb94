// How much memory a machine may have, as its board asks for it.
#pragma once

#include "kernel/machine/machine_configuration.h"

#include <backplane/slots.h>

#include <algorithm>

namespace backplane::kernel {

class MemoryRoomHost final : public MemoryRoom {
  public:
    explicit MemoryRoomHost(const MachineConfiguration& configuration) : configuration_(configuration) {}
    std::uint32_t slots() const override { return configuration_.memory_slots; }
    std::uint64_t maximum() const override {
        return std::max(configuration_.maximum_ram, configuration_.ram_size);
    }

  private:
    const MachineConfiguration& configuration_;
};

}  // namespace backplane::kernel
