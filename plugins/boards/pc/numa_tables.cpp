// Follows ACPI 6.4, 5.2.16 "System Resource Affinity Table" and 5.2.17 "System Locality Distance Information Table".
#include "acpi.h"

#include <lib/acpi_tables.h>

namespace backplane::pc {
namespace {

using acpi::TableFile;

constexpr std::uint32_t kEnabled = 1, kHotPluggable = 2;

void add_processor(TableFile& file, std::uint32_t apic_id, std::uint32_t node) {
    if (apic_id <= kLargestXapicId) {
        file.byte(0);
        file.byte(16);
        file.byte(std::uint8_t(node));
        file.byte(std::uint8_t(apic_id));
        file.number(kEnabled, 4);
        file.number(0, 4);  // no local SAPIC; the domain's upper bytes
        file.number(0, 4);
        return;
    }
    file.byte(2);
    file.byte(24);
    file.number(0, 2);
    file.number(node, 4);
    file.number(apic_id, 4);
    file.number(kEnabled, 4);
    file.number(0, 8);  // clock domain
}

void add_memory(TableFile& file, const AcpiNode::Memory& memory, std::uint32_t node, std::uint32_t flags) {
    file.byte(1);
    file.byte(40);
    file.number(node, 4);
    file.number(0, 2);
    file.number(memory.base, 8);
    file.number(memory.size, 8);
    file.number(0, 4);
    file.number(memory.size != 0 ? flags : 0, 4);
    file.number(0, 8);
}

}  // namespace

std::uint32_t add_srat(acpi::TableFile& file, const AcpiContents& contents) {
    file.begin("SRAT", 1);
    file.number(1, 4);
    file.number(0, 8);
    for (std::uint32_t cpu = 0; cpu < contents.processors.size(); ++cpu)
        add_processor(file, contents.processors[cpu].apic_id, contents.node_of_cpu.at(cpu));
    // As many entries whatever the memory: two nodes at most lie about a hole.
    std::size_t entries = contents.nodes.size() + 2;
    for (std::uint32_t node = 0; node < contents.nodes.size(); ++node)
        for (const AcpiNode::Memory& memory : contents.nodes[node].memory) {
            add_memory(file, memory, node, kEnabled);
            --entries;
        }
    for (; entries > 0; --entries) add_memory(file, {}, 0, kEnabled);
    // Whatever node a module belongs to, which its device in the DSDT says.
    if (contents.module_room != 0)
        add_memory(file, {contents.module_base, contents.module_room},
                   std::uint32_t(contents.nodes.size() - 1), kEnabled | kHotPluggable);
    return file.end();
}

std::uint32_t add_slit(acpi::TableFile& file, const AcpiContents& contents) {
    file.begin("SLIT", 1);
    file.number(contents.nodes.size(), 8);
    for (const AcpiNode& node : contents.nodes)
        for (const std::uint8_t distance : node.distances) file.byte(distance);
    return file.end();
}

}  // namespace backplane::pc
