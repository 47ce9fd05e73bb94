// JSON that means one thing: no member stands twice, and every number is one.
#pragma once

#include <string>
#include <nlohmann/json.hpp>

namespace backplane::monitor {

using Json = nlohmann::ordered_json;

struct StrictJson {
    Json value;
    std::string problem;  ///< empty: `value` is what the text says
};
StrictJson parse_strictly(const std::string& text);

}  // namespace backplane::monitor
