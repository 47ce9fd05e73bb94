// The names by which users know a device or an object.
#pragma once

#include "kernel/machine/machine.h"

namespace backplane::kernel {

/// The row of that name; null when there is none.
const ShortName* find_short_name(Slice<const ShortName> names, std::string_view name);
/// The type that -device or device_add means by `name`: a type, or a short name of this board's. Empty and a reason
/// that suggests the nearest.
std::string device_type_name(Machine& machine, std::string_view name, Errors& errors);
/// The same for -nic model=, which has short names of its own.
std::string nic_type_name(Machine& machine, std::string_view name, Errors& errors);

/// The type that -object or object-add means by `name`: one that users make, and no device. Empty and a reason.
std::string object_type_name(const Catalog& catalog, std::string_view name, Errors& errors);

}  // namespace backplane::kernel
