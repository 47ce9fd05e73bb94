// The registers by which a guest hears of memory modules that come and go: those of one selected slot.
//
// Follows docs/specs/acpi_mem_hotplug of QEMU, whose tables are those that guests have.
#pragma once

#include "slot_registers.h"

namespace backplane::hotplug {

class MemoryRegisters final : public SlotRegisters {
  public:
    explicit MemoryRegisters(Object& object);

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    const char* kind() const override { return "DIMM"; }
    void describe_registers(StateTable&) override {}
    MemoryRegion& make_ports() override;
};

}  // namespace backplane::hotplug
