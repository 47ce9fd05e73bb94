// Commands on the tree of objects, on types, and those that add and remove devices and objects.
#include "kernel/management/management.h"
#include "kernel/management/object_arguments.h"
#include "kernel/vocabulary/device_names.h"

#include <backplane/detail/manifest.h>

#include <lib/json.h>

namespace backplane::kernel {

Json json_value(const std::string& kind, const std::string& text) {
    if (kind == "bool") return text == "on" || text == "true" || text == "yes" || text == "y";
    if (kind == "int" || kind == "uint" || kind == "size") {
        Json number = parse_json(text);
        if (number.is_number()) return number;
    }
    return text;
}

std::string text_value(const Json& value, const std::string& name) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
    if (value.is_number_integer()) return json_text(value);
    fail_command("Invalid parameter type for '" + name + "', expected: string, integer or boolean");
}

namespace {

using Kind = ArgumentKind;

Instance& object_at(const Call& call, const std::string& path) {
    Instance* found = call.machine.objects().find(path);
    if (!found) fail_command("Device '" + path + "' not found", "DeviceNotFound");
    return *found;
}

/// The rows of qom-list: properties first, then children as QMP's users know them.
Json qom_list(const Call& call) {
    Instance& object = object_at(call, call.text("path"));
    Json list = Json::array({{{"name", "type"}, {"type", "string"}}});
    const auto add_properties = [&](const Instance& of) {
        for (const auto& entry : of.type().properties())
            list.push_back({{"name", entry.info->name}, {"type", manifest::kind_name(entry.info->kind)}});
    };
    add_properties(object);
    for (const Instance* forwarded : object.forwarded()) add_properties(*forwarded);
    for (const auto& child : object.children())
        list.push_back({{"name", std::string(child->name().view())},
                        {"type", "child<" + std::string(child->type_name().view()) + ">"}});
    return list;
}

std::string show_qom_list(const Json& result) {
    std::string text;
    for (const Json& row : result)
        text += row["name"].get<std::string>() + " (" + row["type"].get<std::string>() + ")\n";
    return text;
}

const PropertyInfo* find_property(const Instance& object, const std::string& name) {
    if (const auto* entry = object.type().find_property(name)) return entry->info;
    for (const Instance* forwarded : object.forwarded())
        if (const PropertyInfo* found = find_property(*forwarded, name)) return found;
    return nullptr;
}

Json qom_get(const Call& call) {
    Instance& object = object_at(call, call.text("path"));
    const std::string name = call.text("property");
    if (name == "type") return std::string(object.type_name().view());
    ErrorText errors;
    TextBuffer value;
    expect(object.get_property(name, value, errors), errors);
    const PropertyInfo* info = find_property(object, name);
    return json_value(info ? manifest::kind_name(info->kind) : "str", value.text());
}

std::string show_value(const Json& result) { return json_text(result) + "\n"; }

Json qom_set(const Call& call) {
    ErrorText errors;
    const std::string name = call.text("property");
    expect(object_at(call, call.text("path"))
               .set_property(name, text_value(call.arguments["value"], name), errors),
           errors);
    return Json::object();
}

Json qom_list_types(const Call& call) {
    Json list = Json::array();
    const bool abstract = call.flag("abstract");
    for (const Catalog::Listed& listed :
         call.machine.catalog().list(call.text("implements", "object"), abstract)) {
        Json row{{"name", listed.type->name}, {"parent", listed.type->parent}};
        if (listed.type->abstract) row["abstract"] = true;
        list.push_back(std::move(row));
    }
    return list;
}

/// Of a type, from manifests; optionally only of a kind of type.
Json type_properties(const Call& call, const char* ancestor) {
    const std::string name = call.text("typename");
    const Catalog& catalog = call.machine.catalog();
    const ManifestType* type = catalog.find_type(name);
    if (!type) fail_command("Class '" + name + "' not found", "DeviceNotFound");
    if (!catalog.is_a(*type, ancestor)) fail_command("'" + name + "' is not a kind of " + ancestor);
    Json list = Json::array();
    for (const ManifestProperty* property : catalog.properties(*type)) {
        Json row{{"name", property->name}, {"type", property->kind}};
        if (!property->summary.empty()) row["description"] = property->summary;
        if (property->has_default) row["default-value"] = json_value(property->kind, property->default_text);
        list.push_back(std::move(row));
    }
    return list;
}
Json qom_list_properties(const Call& call) { return type_properties(call, "object"); }
Json device_list_properties(const Call& call) { return type_properties(call, "device"); }

Json device_add(const Call& call) {
    ErrorText errors;
    const Json& a = call.arguments;
    const std::string id = a.contains("id") ? required_id(a) : "";
    const std::string type = device_type_name(call.machine, call.text("driver"), errors);
    expect(!type.empty(), errors);
    expect(call.machine.add_device(type, id, member_text(a, "bus"),
                                   JsonProperties(call, type).members_but({"driver", "id", "bus"}), errors),
           errors);
    return Json::object();
}

Json device_del(const Call& call) {
    ErrorText errors;
    const std::string id = call.text("id");
    const bool known = call.machine.objects().find(id) != nullptr;
    expect(call.machine.remove_device(id, errors), errors, known ? "GenericError" : "DeviceNotFound");
    return Json::object();
}

Json object_add(const Call& call) {
    ErrorText errors;
    const std::string id = required_id(call.arguments);
    const std::string type = object_type_name(call.machine.catalog(), call.text("qom-type"), errors);
    expect(!type.empty(), errors);
    expect(call.machine.create_backend(type, id, JsonProperties(call, type).members_but({"qom-type", "id"}),
                                       "objects", errors),
           errors);
    return Json::object();
}

Json object_del(const Call& call) { return remove_backend(call, "/objects"); }

constexpr ArgumentInfo kPath[] = {{.name = "path"}};
constexpr ArgumentInfo kProperty[] = {{.name = "path"}, {.name = "property"}};
constexpr ArgumentInfo kSetting[] = {
    {.name = "path"}, {.name = "property"}, {.name = "value", .kind = Kind::Value}};
constexpr ArgumentInfo kTypeFilter[] = {{.name = "implements", .required = false},
                                        {.name = "abstract", .kind = Kind::Flag, .required = false}};
constexpr ArgumentInfo kTypeName[] = {{.name = "typename"}};
constexpr ArgumentInfo kDriver[] = {{.name = "driver", .kind = Kind::Options}};
constexpr ArgumentInfo kObjectType[] = {{.name = "qom-type", .kind = Kind::Options}};
constexpr ArgumentInfo kId[] = {{.name = "id"}};
constexpr ArgumentInfo kChardev[] = {{.name = "id"}, {.name = "backend", .kind = Kind::Object}};
constexpr const char* kProperties = "[ObjectPropertyInfo]";
constexpr CoreCommand kObjectCommands[] = {
    {{.name = "qom-list",
      .human = "qom-list",
      .summary = "an object's properties and children",
      .arguments = kPath,
      .returns = kProperties},
     qom_list,
     show_qom_list},
    {{.name = "qom-get",
      .human = "qom-get",
      .summary = "a property's value",
      .arguments = kProperty,
      .returns = "any"},
     qom_get,
     show_value},
    {{.name = "qom-set", .human = "qom-set", .summary = "sets a property", .arguments = kSetting}, qom_set},
    {{.name = "qom-list-types",
      .summary = "the types that there are",
      .arguments = kTypeFilter,
      .returns = "[ObjectTypeInfo]"},
     qom_list_types},
    {{.name = "qom-list-properties",
      .summary = "a type's properties",
      .arguments = kTypeName,
      .returns = kProperties},
     qom_list_properties},
    {{.name = "device-list-properties",
      .summary = "a device's properties",
      .arguments = kTypeName,
      .returns = kProperties},
     device_list_properties},
    {{.name = "device_add", .human = "device_add", .summary = "plug a device in", .arguments = kDriver},
     device_add},
    {{.name = "device_del",
      .human = "device_del",
      .summary = "ask for a device to be let go",
      .arguments = kId},
     device_del},
    {{.name = "object-add", .human = "object_add", .summary = "make an object", .arguments = kObjectType},
     object_add},
    {{.name = "object-del", .human = "object_del", .summary = "remove an object", .arguments = kId},
     object_del},
    {{.name = "chardev-add",
      .summary = "make a character device",
      .arguments = kChardev,
      .returns = "ChardevReturn"},
     chardev_add},
    {{.name = "chardev-remove",
      .human = "chardev-remove",
      .summary = "remove a character device",
      .arguments = kId},
     chardev_remove},
};

}  // namespace

Slice<const CoreCommand> object_commands() { return kObjectCommands; }

}  // namespace backplane::kernel
