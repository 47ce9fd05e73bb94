// Listings, all from manifests: no plugin is mapped to make one.
#pragma once

#include "kernel/launch/command_line.h"
#include "kernel/module/catalog.h"

namespace backplane::kernel {

/// The text that answers `topic`. Throws LaunchError for a name that is not known.
std::string help_text(const HelpTopic& topic, const Catalog& catalog);

}  // namespace backplane::kernel
