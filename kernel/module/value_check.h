// A value for a property that is known from its manifest alone.
#pragma once

#include <string>
#include <string_view>

namespace backplane::kernel {

struct ManifestProperty;

/// Why the property of `owner` does not take the text; empty: it does, as far as that can be told before it is made.
std::string value_problem(const ManifestProperty& property, std::string_view owner, std::string_view text);

}  // namespace backplane::kernel
