#include "kernel/machine/json_text.h"

#include <lib/json.h>

namespace backplane::kernel {

std::string json_quoted(std::string_view text) { return json_text(text); }

}  // namespace backplane::kernel
