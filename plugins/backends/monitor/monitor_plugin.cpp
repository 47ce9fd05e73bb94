// The plugin "monitor": the management commands on a character device, for people and for programs.
#include "hmp.h"
#include "qmp.h"

#include <backplane/plugin.h>

namespace backplane::monitor {
namespace {

constexpr InterfaceInfo kHmpInterfaces[] = {offers<HmpMonitor, Completable>()};
constexpr InterfaceInfo kQmpInterfaces[] = {offers<QmpMonitor, Completable>()};

// Only the launcher makes monitors: one that could remove itself would do so under its own feet.
constexpr TypeInfo kTypes[] = {
    {.name = "monitor-hmp",
     .summary = "a monitor for people",
     .interfaces = kHmpInterfaces,
     .properties = HmpMonitor::kProperties,
     .instance_init = make_part<HmpMonitor>,
     .instance_finalize = free_part<HmpMonitor>},
    {.name = "monitor-qmp",
     .summary = "a monitor that speaks JSON",
     .interfaces = kQmpInterfaces,
     .properties = QmpMonitor::kProperties,
     .instance_init = make_part<QmpMonitor>,
     .instance_finalize = free_part<QmpMonitor>},
};

}  // namespace
}  // namespace backplane::monitor

BACKPLANE_PLUGIN("monitor", "1.0", "Backplane", backplane::monitor::kTypes)
