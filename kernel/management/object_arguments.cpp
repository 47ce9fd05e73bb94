#include "kernel/management/object_arguments.h"

#include "kernel/machine/machine.h"
#include "kernel/vocabulary/suboptions.h"
#include "kernel/vocabulary/user_error.h"

#include <algorithm>
#include <lib/json.h>

namespace backplane::kernel {

void expect(bool ok, const ErrorText& errors, const char* error_class) {
    if (ok) return;
    fail_command(errors.failed() ? errors.text() : "it was refused, and no reason was given", error_class);
}

std::string member_text(const Json& arguments, const char* name) {
    const auto found = arguments.find(name);
    return found == arguments.end() ? "" : text_value(*found, name);
}

std::string required_id(const Json& arguments) {
    const std::string id = member_text(arguments, "id");
    try {
        if (!arguments.contains("id")) fail_command("Parameter 'id' is missing");
        check_id(id);
    } catch (const UserError& error) {
        fail_command(error.what());
    }
    return id;
}

Json remove_backend(const Call& call, std::string_view container) {
    ErrorText errors;
    const std::string id = call.text("id");
    Instance* found = call.machine.objects().find_id(id);
    if (!found || !found->parent_instance() || found->parent_instance()->path_text() != container)
        fail_command("object '" + id + "' not found");
    expect(call.machine.destroy_backend(id, errors), errors);
    return Json::object();
}

JsonProperties::JsonProperties(const Call& call, const std::string& type)
    : call_(call), kinds_(call.machine.catalog(), type) {}

PropertyList JsonProperties::members_but(std::initializer_list<const char*> taken) const {
    PropertyList out;
    for (const auto& [name, value] : call_.arguments.items())
        if (std::ranges::find(taken, name) == taken.end()) add(value, name, name, out);
    return out;
}

void JsonProperties::add(const Json& value, const std::string& property, const std::string& shown,
                         PropertyList& out) const {
    if (value.is_object()) {
        for (const auto& [name, member] : value.items())
            add(member, property + "." + name, shown + "." + name, out);
        return;
    }
    std::optional<JsonKind> found;
    if (value.is_string()) found = JsonKind::Text;
    else if (value.is_boolean()) found = JsonKind::Flag;
    else if (value.is_number_integer()) found = JsonKind::Number;
    const bool as_typed = value.is_string() && call_.face == Face::People;
    constexpr const char* kNames[] = {"string", "integer", "boolean"};
    if (const JsonKind* wanted = as_typed ? nullptr : kinds_.other_than(found, property))
        fail_command("Invalid parameter type for '" + shown + "', expected: " + kNames[int(*wanted)]);
    out.emplace_back(property, text_value(value, shown));
}

}  // namespace backplane::kernel
