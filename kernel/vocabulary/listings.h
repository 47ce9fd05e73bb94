// Listings, all from manifests: no plugin is mapped to make one.
#pragma once

#include "kernel/module/catalog.h"

namespace backplane::kernel {

/// A listing that is asked for instead of a machine.
struct HelpTopic {
    enum class Kind {
        Usage,
        Version,
        LogItems,
        Machines,
        MachineProperties,
        Cpus,
        Accelerators,
        Devices,
        Objects,
        Chardevs,
        Netdevs,
        BlockDrivers,
        TypeProperties,  ///< of `name`, an option name below `ancestor`
        Text,            ///< which is `name`
    } kind = Kind::Usage;
    std::string ancestor;
    std::string name;
};

/// The text that answers `topic`, of any kind but Usage. Throws UserError for a name that is not known.
std::string help_text(const HelpTopic& topic, const Catalog& catalog);

}  // namespace backplane::kernel
