#include "kernel/management/processor_places.h"

#include "kernel/machine/machine_configuration.h"
#include "kernel/machine/topology_levels.h"

#include <lib/json.h>

namespace backplane::kernel {
namespace {

/// In the order of kTopologyLevels.
constexpr std::int32_t ProcessorPlace::*kNumbers[] = {&ProcessorPlace::socket,  &ProcessorPlace::die,
                                                      &ProcessorPlace::cluster, &ProcessorPlace::module,
                                                      &ProcessorPlace::core,    &ProcessorPlace::thread};
static_assert(std::size(kNumbers) == kTopologyLevelCount);

}  // namespace

ProcessorPlace processor_place(Machine& machine, std::uint32_t number) {
    if (const auto* places = backplane::query<ProcessorPlaces>(machine.machine_object()))
        return places->place(number);
    ProcessorPlace place;
    const auto numbers = place_of(machine.topology(), number);
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i) {
        // Clusters are shown also where there is one.
        const bool shown = kTopologyLevels[i].optional == 0 ||
                           kTopologyLevels[i].optional == topology_level::kClusters ||
                           machine.topology().*kTopologyLevels[i].count > 1;
        if (shown) place.*kNumbers[i] = std::int32_t(numbers[i]);
    }
    if (const NumaConfiguration& numa = machine.numa(); !numa.nodes.empty())
        place.node = std::int32_t(numa.node_of_cpu.at(number));
    return place;
}

Json place_json(const ProcessorPlace& place) {
    Json json = Json::object();
    if (place.node >= 0) json["node-id"] = place.node;
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i)
        if (place.*kNumbers[i] >= 0) json[kTopologyLevels[i].id] = place.*kNumbers[i];
    return json;
}

}  // namespace backplane::kernel
