#include "strict_json.h"

#include <set>
#include <vector>

namespace backplane::monitor {

StrictJson parse_strictly(const std::string& text) {
    std::vector<std::set<std::string>> members;  // of the objects that are open
    std::string member, problem;
    const auto look = [&](int, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::object_start) members.emplace_back();
        if (event == Json::parse_event_t::object_end) members.pop_back();
        if (event != Json::parse_event_t::key) return true;
        member = parsed.get<std::string>();
        if (!members.back().insert(member).second && problem.empty())
            problem = "JSON parse error, duplicate key '" + member + "'";
        return true;
    };
    try {
        Json value = parse_json_or_throw(text, look);
        return {std::move(value), std::move(problem)};
    } catch (const Json::out_of_range&) {
        return {{}, "Parameter '" + member + "' is a number that is too large"};
    } catch (const Json::exception&) {
        return {{}, "JSON parse error, invalid syntax"};
    }
}

}  // namespace backplane::monitor
