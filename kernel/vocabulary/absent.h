// What users of other programs know and this one has not. A plugin has it as abstract types in the category "Absent",
// with what there is instead as their summary; nothing is made of them, and listings do not show them.
#pragma once

#include "kernel/module/catalog.h"

#include <string>
#include <string_view>

namespace backplane::kernel {

/// What there is instead of `name`, an option's name or alias below `ancestor`; empty: nobody knows it as absent.
std::string absent_reason(const Catalog& catalog, std::string_view name, std::string_view ancestor);

}  // namespace backplane::kernel
