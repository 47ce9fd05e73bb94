// The names by which users know a device.
#pragma once

#include "kernel/machine/machine.h"

namespace backplane::kernel {

/// The type that -device or device_add means by `name`: a type, an alias, or a family whose member fits this
/// machine's buses ("acme-disk" is "acme-disk-device" on a board that plugs such in). Empty and a reason that
/// suggests the nearest.
std::string device_type_name(Machine& machine, std::string_view name, Errors& errors);
/// The same for a network device, which may leave out "-net".
std::string nic_type_name(Machine& machine, std::string_view name, Errors& errors);

}  // namespace backplane::kernel
