// The names that plugins cannot take: options, commands and events of the core itself.
#pragma once

#include "kernel/module/type_check.h"

namespace backplane::kernel {

CoreNames core_names();

}  // namespace backplane::kernel
