// Introspection: the rows of commands and events as a list of types, in the form of QEMU's public QAPI documentation
// (docs/devel/qapi-code-gen, "Client JSON Protocol introspection"). Each type is named once and refers to others by
// name.
#include "kernel/management/command.h"

#include <map>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

class Schema {
  public:
    Schema() {
        for (const auto& [name, kind] : {std::pair{"str", "string"},
                                         {"int", "int"},
                                         {"number", "number"},
                                         {"bool", "boolean"},
                                         {"null", "null"},
                                         {"any", "value"}})
            add(name, {{"meta-type", "builtin"}, {"json-type", kind}});
        object("empty", {});
        object("HumanReadableText", {{.name = "human-readable-text"}});
    }

    void add_command(const Command& command) {
        const ManifestCommand& row = command.row;
        if (row.name.empty()) return;
        add(row.name,
            {{"meta-type", "command"},
             {"arg-type", row.arguments.empty() ? "empty" : object(row.name + "-arg", row.arguments)},
             {"ret-type", result(command)}});
    }
    void add_event(const ManifestEvent& event) {
        add(event.name,
            {{"meta-type", "event"},
             {"arg-type", event.members.empty() ? "empty" : object(event.name + "-arg", event.members)}});
    }
    Json list() const {
        Json list = Json::array();
        for (const auto& [name, entry] : entries_) list.push_back(entry);
        return list;
    }

  private:
    /// The first of a name stays.
    std::string add(const std::string& name, Json entry) {
        entry["name"] = name;
        entries_.try_emplace(name, std::move(entry));
        return name;
    }
    std::string array(const std::string& element) {
        return add("[" + element + "]", {{"meta-type", "array"}, {"element-type", element}});
    }
    std::string object(const std::string& name, const std::vector<ManifestArgument>& members) {
        Json list = Json::array();
        for (const ManifestArgument& member : members) {
            Json row{{"name", member.name}, {"type", type_of(name, member)}};
            if (!member.required) row["default"] = nullptr;
            list.push_back(std::move(row));
        }
        return add(name, {{"meta-type", "object"}, {"members", std::move(list)}});
    }
    std::string type_of(const std::string& owner, const ManifestArgument& member) {
        switch (member.kind) {
        case ArgumentKind::Number:
        case ArgumentKind::Integer: return "int";
        case ArgumentKind::Flag: return "bool";
        case ArgumentKind::Value:
        case ArgumentKind::Object: return "any";
        case ArgumentKind::Array: return array("any");
        default: break;
        }
        const std::vector<TextPart> choices = choices_of(member);
        if (choices.empty()) return "str";
        Json members = Json::array();
        for (const TextPart choice : choices) members.push_back({{"name", choice}});
        return add(owner + "-" + member.name,
                   {{"meta-type", "enum"}, {"members", std::move(members)}, {"values", choices}});
    }
    /// "" is nothing, "[X]" a list of X; what is not built in is an object.
    std::string result(const Command& command) {
        const TextPart returns = command.row.returns;
        if (returns.empty()) return "empty";
        const bool list = returns.starts_with('[') && returns.ends_with(']');
        const std::string element = std::string(returns.substr(list, returns.size() - 2 * list));
        if (!entries_.contains(element)) object(element, command.results);
        return list ? array(element) : element;
    }

    std::map<std::string, Json> entries_;
};

}  // namespace

Json schema_of(const std::vector<Command>& commands, const std::vector<ManifestEvent>& events) {
    Schema schema;
    for (const Command& command : commands) schema.add_command(command);
    for (const ManifestEvent& event : events) schema.add_event(event);
    return schema.list();
}

}  // namespace backplane::kernel
