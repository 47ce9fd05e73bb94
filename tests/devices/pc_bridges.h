// A host bridge on a bench, with memory and ports of its own: what tests of the chips behind it stand on.
#pragma once

#include <backplane/pc.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

namespace backplane::testing {

struct PcBridges {
    static constexpr std::uint64_t kRam = 4 << 20;

    explicit PcBridges(const Properties& properties = {}) {
        host = &bench.add("i440FX-pcihost", "host", properties);
        DeviceContext& context = device_context(*host);
        MemoryFactory& factory = context.memory();
        system = &factory.container("system", 0);
        ports = &factory.container("io", 0x10000);
        ram = factory.ram("pc.ram", kRam, errors);
        context.export_region("system", *system);
        context.export_region("ports", *ports);
        bridge = query<PcHostBridge>(*host);
        if (!system->add(*ram, Offset(0), 0, errors) || !bridge->connect(*system, *ports, *ram, errors))
            throw std::runtime_error(errors.text());
        context.export_region("smram", bridge->smram());
        bench.reset();
    }

    std::uint64_t load(std::uint64_t address, unsigned size = 1) { return at_host(address, size, "system"); }
    void store(std::uint64_t address, std::uint64_t value, unsigned size = 1) {
        bench.focus(*host);
        bench.write(address, value, size, "system");
    }
    std::uint64_t in(std::uint64_t port, unsigned size = 1) { return at_host(port, size, "ports"); }
    void out(std::uint64_t port, std::uint64_t value, unsigned size = 1) {
        bench.focus(*host);
        bench.write(port, value, size, "ports");
    }
    std::uint64_t at_host(std::uint64_t offset, unsigned size, const char* region) {
        bench.focus(*host);
        return bench.read(offset, size, region);
    }
    void select(unsigned place, unsigned offset) { out(0xcf8, 0x80000000 | place << 8 | (offset & 0xfc), 4); }
    std::uint64_t config(unsigned place, unsigned offset, unsigned size = 1) {
        select(place, offset);
        return in(0xcfc + offset % 4, size);
    }
    void set_config(unsigned place, unsigned offset, std::uint64_t value, unsigned size = 1) {
        select(place, offset);
        out(0xcfc + offset % 4, value, size);
    }

    DeviceBench bench;
    ErrorText errors;
    Object* host = nullptr;
    MemoryRegion* system = nullptr;
    MemoryRegion* ports = nullptr;
    MemoryRegion* ram = nullptr;
    PcHostBridge* bridge = nullptr;
};

}  // namespace backplane::testing
