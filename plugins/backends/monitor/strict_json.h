// JSON that means one thing: no member stands twice, and every number is one.
#pragma once

#include <string>

#include <lib/json.h>

namespace backplane::monitor {

struct StrictJson {
    Json value;
    std::string problem;  ///< empty: `value` is what the text says
};
StrictJson parse_strictly(const std::string& text);

}  // namespace backplane::monitor
