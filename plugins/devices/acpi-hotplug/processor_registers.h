// The registers by which a guest hears of processors that come and go: those of one selected slot. Guests of old machines
// have a bitmap of what is there in their place, by local APIC id, until they write 0 to its first 32 bits.
//
// Follows docs/specs/acpi_cpu_hotplug of QEMU, whose tables are those that guests have. Not modelled: firmware that ejects
// in the system's place.
#pragma once

#include "slot_registers.h"

namespace backplane::hotplug {

class ProcessorRegisters final : public SlotRegisters {
  public:
    explicit ProcessorRegisters(Object& object);

    bool asks() const override { return !bitmap_; }
    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

    // Properties
    bool bitmap_ = false;

  private:
    const char* kind() const override { return "CPU"; }
    void describe_registers(StateTable& state) override;
    MemoryRegion& make_ports() override;
    bool by_slot() const { return !bitmap_ || switched_; }
    std::uint8_t bitmap(std::uint64_t byte) const;
    void select_next();
    std::uint32_t data(bool upper) const;
    void set_data(std::uint32_t value);

    bool switched_ = false;  ///< from the bitmap to the registers of a slot
    std::uint8_t command_ = 0;
};

}  // namespace backplane::hotplug
