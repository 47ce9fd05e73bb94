#include "kernel/vocabulary/plugin_listing.h"

#include "kernel/module/catalog.h"
#include "kernel/object/property_text.h"
#include "kernel/vocabulary/manifest_text.h"
#include "kernel/vocabulary/user_error.h"

#include <lib/json.h>

#include <algorithm>

namespace backplane::kernel {
namespace {

constexpr const char* kUsage =
    "plugin: say 'plugin list', 'plugin info PLUGIN' or 'plugin why NAME'; --json and --plugin-dir FOLDER go with each";

struct Question {
    std::string what;
    std::string name;
    bool json = false;
    std::vector<std::filesystem::path> folders;
};

Question read_question(const std::vector<std::string>& arguments) {
    Question question;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word == "--json" || word == "-json") {
            question.json = true;
        } else if (word == "--plugin-dir" || word == "-plugin-dir") {
            if (++i == arguments.size()) throw UserError("plugin: --plugin-dir: name a folder");
            question.folders.emplace_back(arguments[i]);
        } else if (word.starts_with('-')) {
            throw UserError("plugin: there is no option " + word + "; " + kUsage);
        } else {
            words.push_back(word);
        }
    }
    const bool list = words.size() == 1 && words[0] == "list";
    const bool named = words.size() == 2 && (words[0] == "info" || words[0] == "why");
    if (!list && !named) throw UserError(kUsage);
    question.what = words[0];
    if (named) question.name = words[1];
    return question;
}

Json plugin_json(const Catalog& catalog, const PluginFile& file) {
    const Manifest& m = file.manifest;
    Json json{{"file", file.path.string()}, {"origin", origin_text(file.origin)}};
    if (!m.plugin.empty()) {
        json["plugin"] = m.plugin;
        json["version"] = m.version;
        json["vendor"] = m.vendor;
        json["sdk"] = std::to_string(m.sdk_major) + "." + std::to_string(m.sdk_minor);
        json["draft"] = m.draft;
        json["build"] = m.build;
        json["compiler"] = m.compiler;
        for (const ManifestType& type : m.types) json["types"].push_back(type.name);
    }
    if (!file.refusal.empty()) json["refusal"] = file.refusal;
    for (const RefusedType& type : file.refused)
        json["refused-types"].push_back({{"type", type.name}, {"reason", type.reason}});
    for (const std::string& warning : catalog.warnings(file)) json["warnings"].push_back(warning);
    return json;
}

Json type_json(const ManifestType& type) {
    Json json{{"name", type.name}, {"parent", type.parent}, {"abstract", type.abstract}};
    if (!type.summary.empty()) json["summary"] = type.summary;
    for (const TextPart id : type.interfaces) json["interfaces"].push_back(id);
    for (const ManifestProperty& p : type.properties) {
        Json property{{"name", p.name}, {"kind", kind_text(p)}, {"summary", p.summary}};
        if (p.has_default) property["default"] = p.default_text;
        json["properties"].push_back(std::move(property));
    }
    for (const ManifestRegion& region : type.regions) {
        Json row{{"name", region.name}, {"summary", region.summary}, {"optional", region.optional}};
        if (region.size) row["size"] = region.size;
        json["regions"].push_back(std::move(row));
    }
    for (const ManifestWire& wire : type.wires) {
        Json row{{"name", wire.name},
                 {"direction", wire.direction},
                 {"summary", wire.summary},
                 {"optional", wire.optional}};
        if (wire.count) row["count"] = wire.count;
        json["wires"].push_back(std::move(row));
    }
    for (const ManifestVersion& version : type.versions)
        json["versions"].push_back(type.version_name(version));
    for (const ManifestHistoryRow& row : type.history)
        json["history"].push_back(
            {{"release", row.release}, {"property", row.property}, {"value", row.value}});
    for (const ManifestOption& option : type.options) json["options"].push_back(option.name);
    for (const ManifestCommand& command : type.commands)
        json["commands"].push_back(command.name.empty() ? command.human : command.name);
    for (const ManifestEvent& event : type.events) json["events"].push_back(event.name);
    return json;
}

bool is_refused(const PluginFile& file) { return !file.refusal.empty() || !file.refused.empty(); }

std::string answer_text(const Json& json) { return json_text(json, 2) + "\n"; }

PluginAnswer list(const Catalog& catalog, bool as_json) {
    std::vector<const PluginFile*> files;
    for (const PluginFile& file : catalog.plugins()) files.push_back(&file);
    std::ranges::stable_sort(files, {}, [](const PluginFile* file) { return file->manifest.plugin; });
    PluginAnswer answer;
    answer.refused = !catalog.folder_warnings().empty() ||
                     std::ranges::any_of(files, [](const PluginFile* file) { return is_refused(*file); });
    if (as_json) {
        Json json{{"plugins", Json::array()}, {"folders", Json::array()}};
        for (const PluginFile* file : files) json["plugins"].push_back(plugin_json(catalog, *file));
        for (const SearchFolder& folder : catalog.search_path()) {
            Json entry{{"path", folder.path.string()}, {"origin", origin_text(folder.origin)}};
            if (!folder.problem.empty()) entry["problem"] = folder.problem;
            json["folders"].push_back(std::move(entry));
        }
        answer.text = answer_text(json);
        return answer;
    }
    std::string refused, warnings;
    for (const PluginFile* file : files) {
        for (const RefusedType& type : file->refused) refused += "refused: " + type.reason + "\n";
        for (const std::string& warning : catalog.warnings(*file)) warnings += "warning: " + warning + "\n";
        if (!file->refusal.empty()) {
            refused += "refused: " + file->refusal + "\n";
            continue;
        }
        const Manifest& m = file->manifest;
        answer.text += padded(m.plugin, 24) + padded(m.version, 10) + padded(m.vendor, 20) +
                       std::to_string(m.types.size()) + (m.types.size() == 1 ? " type   " : " types  ") +
                       file->path.string() + "\n";
    }
    for (const std::string& warning : catalog.folder_warnings()) refused += "refused: " + warning + "\n";
    answer.text += refused + warnings + "searched:";
    for (const SearchFolder& folder : catalog.search_path()) answer.text += " " + folder.path.string();
    answer.text += "\n";
    return answer;
}

std::string type_text(const ManifestType& type) {
    std::string text =
        "\ntype " + type.name + " (a kind of " + type.parent + (type.abstract ? ", abstract" : "") + ")\n";
    if (!type.summary.empty()) text += "  " + type.summary + "\n";
    for (const ManifestProperty& p : type.properties)
        text += "  " + padded(p.name + "=<" + kind_text(p) + ">", 30) + "- " + p.summary + "\n";
    for (const ManifestRegion& region : type.regions)
        text += "  region " + padded(region_text(region), 23) + "- " + region.summary + "\n";
    for (const ManifestWire& wire : type.wires)
        text += "  wire " + padded(wire_text(wire), 25) + "- " + wire.summary + "\n";
    for (const ManifestVersion& version : type.versions)
        text += "  version " + type.version_name(version) +
                (version.deprecated.empty() ? "" : " (deprecated: " + version.deprecated + ")") + "\n";
    for (const ManifestHistoryRow& row : type.history)
        text += "  until " + row.release + ": " + row.property + "=" + row.value + "\n";
    for (const ManifestOption& option : type.options) text += "  option -" + option.name + "\n";
    for (const ManifestCommand& command : type.commands)
        text += "  command " + (command.name.empty() ? command.human : command.name) + "\n";
    for (const ManifestEvent& event : type.events) text += "  event " + event.name + "\n";
    return text;
}

const PluginFile* find_plugin(const Catalog& catalog, const std::string& name) {
    for (const PluginFile& file : catalog.plugins())
        if (file.manifest.plugin == name || file.path.filename() == name ||
            file.path.filename() == name + ".so")
            return &file;
    return nullptr;
}

PluginAnswer info(const Catalog& catalog, const std::string& name, bool as_json) {
    const PluginFile* file = find_plugin(catalog, name);
    if (!file) {
        std::vector<std::string> names;
        for (const PluginFile& each : catalog.plugins()) names.push_back(each.manifest.plugin);
        const std::string near = nearest(name, names);
        throw UserError(and_then("plugin info " + name + ": there is no such plugin" +
                                     (near.empty() ? "" : "; did you mean '" + near + "'?"),
                                 "plugin list lists them"));
    }
    PluginAnswer answer{"", is_refused(*file)};
    const Manifest& m = file->manifest;
    if (as_json) {
        Json json = plugin_json(catalog, *file);
        json["types"] = Json::array();
        for (const ManifestType& type : m.types) json["types"].push_back(type_json(type));
        answer.text = answer_text(json);
        return answer;
    }
    answer.text = "plugin:   " + m.plugin + " " + m.version + "\nvendor:   " + m.vendor +
                  "\nfile:     " + file->path.string() + "\nSDK:      " + std::to_string(m.sdk_major) + "." +
                  std::to_string(m.sdk_minor) + (m.draft ? ", with draft interfaces" : "") +
                  "\ncompiler: " + m.compiler + "\n";
    if (!m.build.empty()) answer.text += "build:    " + m.build + "\n";
    answer.text += file->refusal.empty() ? "fits:     yes\n" : "fits:     no: " + file->refusal + "\n";
    for (const RefusedType& type : file->refused) answer.text += "refused:  " + type.reason + "\n";
    for (const std::string& warning : catalog.warnings(*file)) answer.text += "warning:  " + warning + "\n";
    for (const ManifestType& type : m.types) answer.text += type_text(type);
    return answer;
}

/// The type that a user means, by its own name or by one that an option takes; null when no plugin in use has it.
const ManifestType* find_named(const Catalog& catalog, const std::string& name) {
    if (const ManifestType* type = catalog.find_type(name)) return type;
    for (const Catalog::Listed& listed : catalog.list("object")) {
        const std::vector<std::string> names = listed.type->option_names();
        if (std::ranges::find(names, name) != names.end()) return listed.type;
    }
    return nullptr;
}

std::string lineage(const Catalog& catalog, const ManifestType& type) {
    std::string text;
    for (const ManifestType* at = catalog.find_type(type.parent); at; at = catalog.find_type(at->parent))
        text += (text.empty() ? "" : ", ") + at->name;
    return text;
}

/// Why a name means what it means, or means nothing.
PluginAnswer why(const Catalog& catalog, const std::string& name, bool as_json) {
    Json json{{"name", name}, {"usable", true}};
    std::string text;
    if (const ManifestType* type = find_named(catalog, name)) {
        const PluginFile* owner = nullptr;
        for (const Catalog::Listed& listed : catalog.list("object", true))
            if (listed.type == type) owner = listed.plugin;
        const std::string file = owner ? owner->path.string() : "the core";
        json["type"] = type->name;
        json["file"] = file;
        text = "'" + name + "' is type '" + type->name + "' of " +
               (owner ? "plugin '" + owner->manifest.plugin + "', " + file + " (found by " +
                            origin_text(owner->origin) + ")"
                      : file) +
               "; it derives from " + lineage(catalog, *type);
    } else if (const PluginFile* file = find_plugin(catalog, name); file && !is_refused(*file)) {
        json["plugin"] = file->manifest.plugin;
        json["file"] = file->path.string();
        text = "'" + name + "' is plugin '" + file->manifest.plugin + "', " + file->path.string() +
               " (found by " + origin_text(file->origin) + "), and is used";
    } else {
        json["usable"] = false;
        text = file ? (file->refusal.empty() ? file->refused.front().reason : file->refusal)
                    : catalog.explain_unknown(name, "type, option or plugin");
    }
    json["reason"] = text;
    return {as_json ? answer_text(json) : text + "\n", !json["usable"].get<bool>()};
}

}  // namespace

PluginAnswer plugin_list(const Catalog& catalog) { return list(catalog, false); }

PluginAnswer answer_plugin_command(const std::vector<std::string>& arguments, const CoreNames& core) {
    const Question question = read_question(arguments);
    const Catalog catalog(question.folders, Trust(), core);
    if (question.what == "list") return list(catalog, question.json);
    if (question.what == "info") return info(catalog, question.name, question.json);
    return why(catalog, question.name, question.json);
}

}  // namespace backplane::kernel
