// Properties as users give them: names and texts, in order; a name may stand more than once.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace backplane::kernel {

using PropertyList = std::vector<std::pair<std::string, std::string>>;

}  // namespace backplane::kernel
