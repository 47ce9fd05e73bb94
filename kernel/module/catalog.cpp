#include "kernel/module/catalog.h"

#include "kernel/barrier/callee.h"
#include "kernel/barrier/plugin_map.h"
#include "kernel/barrier/rescue.h"
#include "kernel/module/init_list.h"
#include "kernel/object/instance.h"
#include <backplane/text.h>

#include <backplane/build_stamp.h>

#include <dlfcn.h>
#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

namespace backplane::kernel {
namespace fs = std::filesystem;
namespace {

std::string join(const std::vector<fs::path>& paths) {
    std::string text;
    for (const fs::path& path : paths) text += (text.empty() ? "" : ", ") + path.string();
    return text.empty() ? "(nowhere)" : text;
}

std::vector<fs::path> make_search_path(std::vector<fs::path> path) {
    if (const char* variable = std::getenv("BACKPLANE_PLUGIN_PATH")) {
        std::string_view rest = variable;
        while (!rest.empty()) {
            const std::size_t colon = rest.find(':');
            if (colon != 0) path.emplace_back(rest.substr(0, colon));
            rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
        }
    }
    std::error_code ignored;
    const fs::path prefix = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
    const fs::path built = prefix / "plugins";
    path.push_back(fs::is_directory(built, ignored) ? built : prefix / BACKPLANE_PLUGIN_SUBDIRECTORY);
    std::vector<fs::path> unique;
    for (fs::path& directory : path) {
        const fs::path real = fs::weakly_canonical(directory, ignored);
        if (std::ranges::find(unique, real) == unique.end()) unique.push_back(real);
    }
    return unique;
}

/// Others could have put anything there.
std::string unsafe_permissions(const fs::path& file) {
    for (const fs::path& path : {file, file.parent_path()}) {
        struct stat status {};
        if (stat(path.c_str(), &status) != 0) return "it cannot be read";
        if (status.st_mode & S_IWOTH)
            return "'" + path.string() +
                   "' may be written by anyone; chmod o-w it, or load from another directory";
    }
    return {};
}

ManifestType core_type(const TypeInfo& info) {
    ManifestType type;
    type.name = info.name;
    type.parent = info.parent ? info.parent : "";
    type.summary = info.summary;
    type.abstract = info.abstract;
    return type;
}

}  // namespace

std::string check_fit(const fs::path& file, const Manifest& found) {
    const std::string name = file.filename().string();
    const auto version = [](std::uint64_t major, std::uint64_t minor) {
        return std::to_string(major) + "." + std::to_string(minor);
    };
    const std::string offered = version(BACKPLANE_SDK_MAJOR, BACKPLANE_SDK_MINOR);
    const std::string built = version(found.sdk_major, found.sdk_minor);
    const bool newer = found.sdk_major > BACKPLANE_SDK_MAJOR ||
                       (found.sdk_major == BACKPLANE_SDK_MAJOR && found.sdk_minor > BACKPLANE_SDK_MINOR);
    const bool exact = BACKPLANE_SDK_MAJOR == 0;
    if (newer || found.sdk_major != BACKPLANE_SDK_MAJOR || (exact && found.sdk_minor != BACKPLANE_SDK_MINOR))
        return name + ": built for SDK " + built + ", this host offers " + offered +
               "; rebuild it against SDK " + offered +
               (newer ? ", or install a host that offers " + built : "") +
               (exact ? " (until 1.0 the two must be equal)" : "");
    if (found.draft && found.build != BACKPLANE_BUILD_STAMP)
        return name + ": uses draft interfaces and was built with '" + found.build + "', this host is '" +
               BACKPLANE_BUILD_STAMP + "'; rebuild it with this host";
    return {};
}

Catalog::Catalog(std::vector<fs::path> extra) : search_path_(make_search_path(std::move(extra))) {
    for (const TypeInfo& info : core_types()) core_.push_back(core_type(info));
    for (const ManifestType& type : core_) by_name_[type.name] = {&type, nullptr};
    for (const fs::path& directory : search_path_) scan(directory);
    // The vector is final: entries may be pointed to.
    std::map<std::string_view, const PluginFile*> by_plugin;
    for (PluginFile& file : plugins_) {
        if (!file.refusal.empty()) continue;
        for (const ManifestType& type : file.manifest.types) {
            const auto taken = by_name_.find(type.name);
            if (taken == by_name_.end()) continue;
            const std::string owner = taken->second.plugin ? taken->second.plugin->path.string() : "the core";
            file.refusal = file.path.filename().string() + ": type '" + type.name + "' is provided by " +
                           owner + " already; remove one of the two";
        }
        if (!file.refusal.empty()) continue;
        const auto [taken, first] = by_plugin.emplace(file.manifest.plugin, &file);
        if (!first) {
            file.refusal = file.path.filename().string() + ": '" + file.path.string() +
                           "' is named plugin '" + file.manifest.plugin + "', as is '" +
                           taken->second->path.string() + "'; remove or rename one of the two";
            continue;
        }
        for (const ManifestType& type : file.manifest.types) by_name_[type.name] = {&type, &file};
    }
    types_.set_resolver(
        [this](std::string_view name, Errors& errors) { return load_provider(name, errors); });
}

void Catalog::scan(const fs::path& directory) {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory, error))
        if (entry.path().extension() == ".so") files.push_back(entry.path());
    std::ranges::sort(files);
    for (const fs::path& path : files) {
        PluginFile file;
        file.path = path;
        ErrorText reason;
        file.refusal = unsafe_permissions(path);
        if (!file.refusal.empty()) file.refusal = path.filename().string() + ": " + file.refusal;
        else if (!read_manifest(path, file.manifest, reason))
            file.refusal = path.filename().string() + ": " + reason.text();
        else file.refusal = check_fit(path, file.manifest);
        plugins_.push_back(std::move(file));
    }
}

const ManifestType* Catalog::find_type(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.type;
}

bool Catalog::is_a(const ManifestType& type, std::string_view ancestor) const {
    const ManifestType* at = &type;
    for (std::size_t steps = 0; at && steps <= by_name_.size(); ++steps) {
        if (at->name == ancestor) return true;
        at = find_type(at->parent);
    }
    return false;
}

std::vector<Catalog::Listed> Catalog::list(std::string_view ancestor, bool include_abstract) const {
    std::vector<Listed> found;
    for (const auto& [name, listed] : by_name_)
        if (listed.plugin && (include_abstract || !listed.type->abstract) && is_a(*listed.type, ancestor))
            found.push_back(listed);
    return found;
}

std::string Catalog::bus_of(const ManifestType& type) const {
    const ManifestType* at = &type;
    for (std::size_t steps = 0; at && steps <= by_name_.size(); ++steps, at = find_type(at->parent))
        if (!at->bus.empty()) return at->bus;
    return {};
}

std::string Catalog::category_of(const ManifestType& type) const {
    const ManifestType* at = &type;
    for (std::size_t steps = 0; at && steps <= by_name_.size(); ++steps, at = find_type(at->parent))
        if (!at->category.empty()) return at->category;
    return {};
}

std::vector<const ManifestProperty*> Catalog::properties(const ManifestType& type) const {
    std::map<std::string_view, const ManifestProperty*> table;
    const ManifestType* at = &type;
    std::vector<const ManifestType*> forwards;
    for (std::size_t steps = 0; at && steps <= by_name_.size(); ++steps, at = find_type(at->parent)) {
        for (const ManifestProperty& property : at->properties) table.emplace(property.name, &property);
        if (const ManifestType* target = at->forwards.empty() ? nullptr : find_type(at->forwards);
            target && target != &type)
            forwards.push_back(target);
    }
    for (const ManifestType* target : forwards)
        for (std::size_t steps = 0; target && steps <= by_name_.size();
             ++steps, target = find_type(target->parent))
            for (const ManifestProperty& property : target->properties)
                table.emplace(property.name, &property);
    std::vector<const ManifestProperty*> all;
    for (const auto& [name, property] : table) all.push_back(property);
    return all;
}

std::string Catalog::resolve_option(std::string_view option, std::string_view ancestor, std::string_view what,
                                    Errors& errors) const {
    std::vector<std::string> names;
    for (const Listed& listed : list(ancestor)) {
        const ManifestType& type = *listed.type;
        const std::string& name = type.option_name();
        if (option == name || option == type.name) {
            if (type.versions.empty() || option == type.name) return type.name;
            return type.version_type(type.versions.front());
        }
        names.push_back(name);
        for (const std::string& alias : type.aliases) {
            if (option == alias) return resolve_option(name, ancestor, what, errors);
            names.push_back(alias);
        }
        for (const ManifestVersion& version : type.versions) {
            names.push_back(name + "-" + version.version);
            names.insert(names.end(), version.aliases.begin(), version.aliases.end());
            if (option == name + "-" + version.version ||
                std::ranges::find(version.aliases, option) != version.aliases.end())
                return type.version_type(version);
        }
    }
    std::string message = "unsupported " + std::string(what) + " '" + std::string(option) + "'";
    if (const std::string near = nearest(option, names); !near.empty())
        message += "; did you mean '" + near + "'?";
    errors.fail(message + " (searched " + join(search_path_) + skipped_text() + ")");
    return {};
}

std::string Catalog::skipped_text() const {
    std::string text;
    for (const PluginFile& file : plugins_)
        if (!file.refusal.empty()) text += "; skipped " + file.refusal;
    return text;
}

std::string Catalog::explain_unknown(std::string_view name, std::string_view what) const {
    std::vector<std::string> names;
    for (const auto& [known, listed] : by_name_)
        if (listed.plugin && !listed.type->abstract) names.push_back(known);
    std::string message = "'" + std::string(name) + "' is not a valid " + std::string(what) + " name";
    if (const std::string near = nearest(name, names); !near.empty())
        message += "; did you mean '" + near + "' (plugin " +
                   by_name_.find(near)->second.plugin->manifest.plugin + ")?";
    return message + " Searched " + join(search_path_) + skipped_text();
}

bool Catalog::load_provider(std::string_view name, Errors& errors) {
    if (types_.known(name)) return true;
    // The versions of a machine are registered by the board that lists them.
    for (PluginFile& file : plugins_) {
        if (!file.refusal.empty() || file.loaded) continue;
        for (const ManifestType& type : file.manifest.types) {
            bool provides = type.name == name;
            for (const ManifestVersion& version : type.versions)
                provides |= name == type.version_type(version);
            if (provides) return load(file, errors);
        }
    }
    errors.fail(explain_unknown(name, "type"));
    return false;
}

/// Parents' plugins first, then this one: its code maps and its constructors queue; then its initialisers run.
bool Catalog::load(PluginFile& file, Errors& errors) {
    const std::string name = file.path.filename().string();
    if (std::ranges::find(loading_, file.path) != loading_.end()) {
        errors.fail(name + ": its types and those of another plugin are each other's parents");
        return false;
    }
    loading_.push_back(file.path);
    bool parents = true;
    for (const ManifestType& type : file.manifest.types) {
        const bool own = std::ranges::any_of(
            file.manifest.types, [&](const ManifestType& other) { return other.name == type.parent; });
        if (!own && !load_provider(type.parent, errors)) {
            parents = false;
            break;
        }
    }
    loading_.pop_back();
    if (!parents) return false;

    const Callee callee("plugin '" + file.manifest.plugin + "' (" + file.path.string() + ")");
    ErrorText reason;
    const void* base = nullptr;
    // Its handle is not kept: code is never unloaded.
    const bool opened = refusable(callee, "a constructor of its code", reason, [&](Errors& refusal) {
        void* library = nullptr;
        std::string why;
        if (!outlive_terminate([&] { library = dlopen(file.path.c_str(), RTLD_NOW | RTLD_LOCAL); }, why)) {
            refusal.fail(callee.who() + ": a constructor of its code " + why);
            return false;
        }
        link_map* map = nullptr;
        if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) refusal.fail(dlerror());
        else base = reinterpret_cast<const void*>(map->l_addr);
        return base != nullptr;
    });
    if (!opened) {
        file.refusal = name + ": cannot be loaded: " + reason.text();
        errors.fail(file.refusal);
        return false;
    }
    note_plugin(base, file.manifest.plugin, file.path.string());

    types_.set_registering_plugin(file.manifest.plugin);
    bool registered = true;
    for (const ModuleInitNode* node : initialisers_of(base))
        registered = registered && refusable(callee, "an initialiser", reason,
                                             [&](Errors& refusal) { return node->run(types_, refusal); });
    types_.set_registering_plugin("");
    if (!registered) {
        types_.forget_plugin(file.manifest.plugin);
        file.refusal = name + ": " + reason.text();
        errors.fail(file.refusal);
        return false;
    }
    file.loaded = true;
    return true;
}

}  // namespace backplane::kernel
