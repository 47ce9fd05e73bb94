// A chip with registers of slots on a bench, and four slots in which a board would have devices.
#pragma once

#include "plugins/devices/acpi-hotplug/slot_reports.h"

#include <backplane/acpi.h>
#include <backplane/slots.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace backplane::testing {

class Slots : public ::testing::Test, protected AcpiSlotOwner, protected AcpiEvents {
  protected:
    static constexpr std::uint32_t kCount = 4;

    Slots(std::string_view type, Properties properties) {
        properties.push_back({"slots", std::to_string(kCount)});
        Object& chip = bench.add(type, "chip", properties);
        bench.focus(chip);
        slots = query<AcpiSlots>(chip);
        slots->set_owner(*this, *this);
        bench.reset();
    }
    Json report(std::uint32_t number) { return query<hotplug::SlotReports>(bench.device())->report(number); }
    /// Any object is as good as a device here.
    void fill(std::uint32_t number) { there[number].device = &bench.device(); }

    AcpiSlot slot(std::uint32_t number) const override {
        AcpiSlot slot = there.at(number);
        if (slot.number == 0) slot.number = 100 + number;
        return slot;
    }
    void let_go(std::uint32_t number) override { let_go_of.push_back(number); }
    void raise(unsigned event) override { raised |= 1u << event; }

    DeviceBench bench;
    AcpiSlots* slots = nullptr;
    std::array<AcpiSlot, kCount> there{};
    std::vector<std::uint32_t> let_go_of;
    unsigned raised = 0;
};

}  // namespace backplane::testing
