// Some processors with their local APICs on a bus.
#pragma once

#include "fake_processor.h"

#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <string>

namespace backplane::testing {

struct ApicFixture {
    static constexpr std::uint64_t kWindow = 0xfee00000;
    // Offsets of SDM 3A, table 11-1.
    enum : std::uint32_t {
        kId = 0x20,
        kVersion = 0x30,
        kTpr = 0x80,
        kPpr = 0xa0,
        kEoi = 0xb0,
        kLdr = 0xd0,
        kDfr = 0xe0,
        kSvr = 0xf0,
        kIsr = 0x100,
        kTmr = 0x180,
        kIrr = 0x200,
        kEsr = 0x280,
        kIcrLow = 0x300,
        kIcrHigh = 0x310,
        kLvtTimer = 0x320,
        kLint0 = 0x350,
        kLint1 = 0x360,
        kLvtError = 0x370,
        kInitialCount = 0x380,
        kCurrentCount = 0x390,
        kDivide = 0x3e0,
    };

    explicit ApicFixture(unsigned count, unsigned first_id = 0) {
        bus_object = &bench.add("apic-bus", "bus");
        bench.map(*bus_object, "", GuestAddress(kWindow));
        bus = query<x86::ApicBus>(*bus_object);
        for (unsigned i = 0; i < count; ++i) {
            const std::string number = std::to_string(i);
            Object& processor = bench.add("fake-x86-processor", "cpu" + number,
                                          {{"index", number}, {"apic-id", std::to_string(first_id + i)}});
            processors.push_back(static_cast<FakeProcessor*>(processor.part("fake-x86-processor")));
            chips.push_back(&bench.add("apic", "apic" + number, {{"cpu", "cpu" + number}, {"bus", "bus"}}));
        }
    }
    x86::LocalApic& apic(unsigned cpu = 0) { return *processors[cpu]->local_apic; }
    std::uint32_t get(std::uint32_t offset, unsigned cpu = 0) {
        Access access;
        access.cpu = cpu;
        return apic(cpu).read_register(offset, access);
    }
    void set(std::uint32_t offset, std::uint32_t value, unsigned cpu = 0) {
        Access access;
        access.cpu = cpu;
        apic(cpu).write_register(offset, value, access);
    }
    void switch_on() {
        for (unsigned cpu = 0; cpu < processors.size(); ++cpu) set(kSvr, 0x1ff, cpu);
    }
    bool requested(unsigned vector, unsigned cpu = 0) { return has(kIrr, vector, cpu); }
    bool has(std::uint32_t first, unsigned vector, unsigned cpu = 0) {
        return (get(first + vector / 32 * 16, cpu) >> vector % 32 & 1) != 0;
    }
    void fixed(std::uint8_t vector, unsigned cpu = 0) { apic(cpu).deliver(0, vector, false); }
    void focus(unsigned cpu = 0) { bench.focus(*chips[cpu]); }

    DeviceBench bench;
    Object* bus_object = nullptr;
    x86::ApicBus* bus = nullptr;
    std::vector<FakeProcessor*> processors;
    std::vector<Object*> chips;
};

}  // namespace backplane::testing
