// What was asked of a machine before it was built, as plain data.
#pragma once

#include "kernel/object/property_list.h"

#include <backplane/board.h>
#include <backplane/numa_performance.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace backplane::kernel {

class Instance;

/// The drives that are meant for a board, and which of them it took.
class DriveTable {
  public:
    using Place = std::pair<std::string, unsigned>;  ///< interface and index

    void add(Place place, const BoardDrive& drive) { drives_[std::move(place)] = drive; }
    /// Without a node when there is none at that place.
    BoardDrive take(const Place& place) {
        const auto found = drives_.find(place);
        if (found == drives_.end()) return {};
        taken_.insert(place);
        return found->second;
    }
    std::vector<Place> unused() const {
        std::vector<Place> unused;
        for (const auto& [place, drive] : drives_)
            if (!taken_.contains(place)) unused.push_back(place);
        return unused;
    }

  private:
    std::map<Place, BoardDrive> drives_;
    std::set<Place> taken_;
};

struct NumaConfiguration {
    struct Node {
        Instance* backend = nullptr;  ///< null: a part of the machine's memory
        std::uint64_t memory = 0;     ///< bytes
        std::uint32_t initiator = NumaPerformance::kNone;
    };
    std::vector<Node> nodes;
    std::vector<std::uint32_t> node_of_cpu;  ///< for each CPU that there may be
    std::vector<std::uint32_t> distances;    ///< nodes times nodes, from the first; empty: nobody gave any
    std::vector<MemoryPerformance> performances;
    std::vector<MemorySideCache> caches;
};

struct MachineConfiguration {
    Topology topology;
    NumaConfiguration numa;
    std::uint64_t ram_size = 0;  ///< bytes
    std::uint32_t memory_slots = 0;
    std::uint64_t maximum_ram = 0;  ///< bytes, with what is plugged in; 0: as much as there is
    std::vector<Instance*>
        ram_backends;  ///< whose memory follows one another; none: memory of the machine's own
    std::string cpu_type;
    PropertyList cpu_features;
    std::vector<Instance*> serials;
    std::vector<Instance*> parallels;
    DriveTable drives;
    bool default_devices = true;
    std::vector<std::string> firmware_path;
};

}  // namespace backplane::kernel
