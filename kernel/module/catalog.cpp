#include "kernel/module/catalog.h"

#include "kernel/barrier/callee.h"
#include "kernel/barrier/plugin_map.h"
#include "kernel/barrier/rescue.h"
#include "kernel/module/init_list.h"
#include "kernel/object/history.h"
#include "kernel/object/instance.h"
#include <backplane/text.h>

#include <backplane/build_stamp.h>

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <set>
#include <system_error>

namespace backplane::kernel {
namespace fs = std::filesystem;
namespace {

ManifestType core_type(const TypeInfo& info) {
    ManifestType type;
    type.name = info.name;
    type.parent = info.parent ? info.parent : "";
    type.summary = info.summary;
    type.abstract = info.abstract;
    return type;
}

/// The type that an option's word stands for, if it is `type` or one of its versions; else empty.
std::string named_type(const ManifestType& type, std::string_view option) {
    const TextPart name = type.option_name();
    if (option == type.name) return type.name;
    if (option == name || std::ranges::find(type.aliases, option) != type.aliases.end())
        return type.versions.empty() ? type.name : type.version_type(type.versions.front());
    for (const ManifestVersion& version : type.versions)
        if (option == type.version_name(version) ||
            std::ranges::find(version.aliases, option) != version.aliases.end())
            return type.version_type(version);
    return {};
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

const RefusedType* PluginFile::refused_type(std::string_view name) const {
    const auto found = std::ranges::find(refused, name, &RefusedType::name);
    return found == refused.end() ? nullptr : &*found;
}

Catalog::Catalog(const std::vector<fs::path>& options, const Trust& trust, const CoreNames& core)
    : search_path_(make_search_path(options, trust)) {
    for (const TypeInfo& info : core_types()) core_.push_back(core_type(info));
    for (const ManifestType& type : core_) by_name_[type.name] = {&type, nullptr};
    for (const SearchFolder& folder : search_path_)
        if (folder.problem.empty()) scan(folder, trust);
    // The vector is final: entries may be pointed to.
    claim_plugin_names();
    claim_type_names();
    check_types(core);
    types_.set_resolver(
        [this](std::string_view name, Errors& errors) { return load_provider(name, errors); });
}

void Catalog::scan(const SearchFolder& folder, const Trust& trust) {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder.path, error))
        if (entry.path().extension() == ".so") files.push_back(entry.path());
    std::ranges::sort(files);
    for (const fs::path& path : files) {
        PluginFile& file = plugins_.emplace_back();
        file.path = path;
        file.origin = folder.origin;
        ErrorText reason;
        if (file.refusal = trust.refusal_inside(path); !file.refusal.empty())
            file.refusal = path.filename().string() + ": " + file.refusal;
        else if (read_manifest(path, file.manifest, reason)) file.refusal = check_fit(path, file.manifest);
        else file.refusal = path.filename().string() + ": " + reason.text();
    }
}

void Catalog::claim_plugin_names() {
    std::map<std::string_view, const PluginFile*> taken;
    for (PluginFile& file : plugins_) {
        if (!file.refusal.empty()) continue;
        const auto [first, mine] = taken.emplace(file.manifest.plugin, &file);
        if (!mine)
            file.refusal = file.path.filename().string() + ": " + quote(file.path.string()) +
                           " is named plugin " + quote(file.manifest.plugin) + ", as is " +
                           quote(first->second->path.string()) +
                           ", which comes first; remove or rename one of the two";
    }
}

void Catalog::claim_type_names() {
    for (PluginFile& file : plugins_) {
        if (!file.refusal.empty()) continue;
        for (const ManifestType& type : file.manifest.types) {
            const auto is_taken = [&](std::string_view name) {
                return by_name_.contains(name) || versions_.contains(name);
            };
            std::vector<std::string> versions;
            for (const ManifestVersion& version : type.versions)
                versions.push_back(type.version_type(version));
            std::string_view taken;
            if (is_taken(type.name)) taken = type.name;
            else if (const auto first = std::ranges::find_if(versions, is_taken); first != versions.end())
                taken = *first;
            if (!taken.empty()) {
                const PluginFile* owner = provider(taken);
                refuse(file, type,
                       quote(taken) + " is provided by " + (owner ? owner->path.string() : "the core") +
                           " already; remove or rename one of the two");
                continue;
            }
            by_name_[type.name] = {&type, &file};
            for (std::size_t i = 0; i < versions.size(); ++i)
                versions_[std::move(versions[i])] = {&type, &type.versions[i]};
        }
    }
}

/// Whose code has the type, or the board that the type is a version of; null: the core's, or nobody's.
PluginFile* Catalog::provider(std::string_view name) {
    if (const auto version = versions_.find(name); version != versions_.end())
        name = version->second.board->name;
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || !found->second.plugin) return nullptr;
    return &plugins_[std::size_t(found->second.plugin - plugins_.data())];
}

/// What cannot be made is not listed.
void Catalog::check_types(const CoreNames& core) {
    checks_ = std::make_unique<TypeCheck>([this](std::string_view name) { return find_type(name); },
                                          [this](std::string_view name) {
                                              const std::string reason = refused_text(name);
                                              return reason.empty() ? "no plugin on the search path provides"
                                                                    : "is refused: " + reason;
                                          },
                                          core);
    std::vector<std::pair<PluginFile*, const ManifestType*>> refused;
    std::map<std::string, const ManifestType*> defaults;  // by architecture
    for (PluginFile& file : plugins_) {
        if (!file.refusal.empty()) continue;
        for (ManifestType& type : file.manifest.types) {
            if (file.refused_type(type.name)) continue;
            if (!checks_->verdict(type).empty()) {
                refused.emplace_back(&file, &type);
            } else if (type.is_default && is_a(type, "machine")) {
                const ManifestType*& holder = defaults[architecture_of(type)];
                if (holder)
                    file.notes.push_back("type " + quote(type.name) +
                                         " says that it is the default machine, as does " +
                                         quote(holder->name) + ", which is it");
                type.is_default = !holder;
                if (type.is_default) holder = &type;
            }
        }
    }
    // Verdicts look at types that are to go: they go when all are made.
    for (const auto& [file, type] : refused) {
        refuse(*file, *type, checks_->verdict(*type));
        by_name_.erase(type->name);
        for (const ManifestVersion& version : type->versions) versions_.erase(type->version_type(version));
    }
}

void Catalog::refuse(PluginFile& file, const ManifestType& type, const std::string& reason) {
    file.refused.push_back(
        {type.name, file.path.filename().string() + ": type " + quote(type.name) + " is refused: " + reason});
}

std::vector<std::string> Catalog::warnings(const PluginFile& file) const {
    std::vector<std::string> all;
    if (!file.refusal.empty()) return all;
    std::vector<const ManifestType*> types;
    for (const auto& [name, listed] : by_name_) types.push_back(listed.type);
    const auto add = [&](const std::string& text) {
        all.push_back(file.path.filename().string() + ": " + text);
    };
    std::ranges::for_each(file.notes, add);
    for (const ManifestType& type : file.manifest.types)
        if (!file.refused_type(type.name)) std::ranges::for_each(checks_->warnings(type, types), add);
    return all;
}

std::vector<std::string> Catalog::folder_warnings() const {
    std::vector<std::string> all;
    for (const SearchFolder& folder : search_path_)
        if (!folder.problem.empty())
            all.push_back(std::string(origin_text(folder.origin)) + ": " + folder.problem);
    return all;
}

Catalog::ListedVersion Catalog::find_version(std::string_view name) const {
    const auto found = versions_.find(name);
    return found == versions_.end() ? ListedVersion{nullptr, nullptr} : found->second;
}

const ManifestType* Catalog::find_type(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.type;
}

bool Catalog::is_a(const ManifestType& type, std::string_view ancestor) const {
    return checks_->is_a(type, ancestor);
}

std::vector<Catalog::Listed> Catalog::list(std::string_view ancestor, bool include_abstract) const {
    std::vector<Listed> found;
    for (const auto& [name, listed] : by_name_)
        if (listed.plugin && (include_abstract || !listed.type->abstract) && is_a(*listed.type, ancestor) &&
            fits_architecture(*listed.type))
            found.push_back(listed);
    return found;
}

const ManifestType* Catalog::service_that_offers(std::string_view interface_id) const {
    const auto is_it = [&](const TextPart& offered) { return std::string_view(offered) == interface_id; };
    const ManifestType* sole = nullptr;
    for (const auto& [name, listed] : by_name_) {
        // Few list it: what costs more is asked of those alone.
        if (!listed.plugin || std::ranges::none_of(listed.type->interfaces, is_it)) continue;
        if (listed.type->abstract || !listed.type->options.empty() || !is_a(*listed.type, "service") ||
            !fits_architecture(*listed.type))
            continue;
        if (sole) return nullptr;
        sole = listed.type;
    }
    return sole;
}

std::string Catalog::nearest_text(const ManifestType& type, TextPart ManifestType::*text) const {
    for (const ManifestType* at : checks_->ancestry(type))
        if (!(at->*text).empty()) return at->*text;
    return {};
}

bool Catalog::fits_architecture(const ManifestType& type) const {
    if (architecture_.empty()) return true;
    const std::string own = architecture_of(type);
    return own.empty() || own == architecture_;
}

bool Catalog::select_architecture(std::string_view architecture, Errors& errors) {
    architecture_.clear();
    std::set<std::string> known;
    for (const Listed& machine : list("machine")) known.insert(architecture_of(*machine.type));
    known.erase("");
    if (known.contains(std::string(architecture))) {
        architecture_ = architecture;
        return true;
    }
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    errors.fail("no machine of architecture " + quote(architecture) + " is installed; there are " +
                (names.empty() ? "none of any" : names));
    return false;
}

const ManifestType* Catalog::default_machine() const {
    const ManifestType* best = nullptr;
    std::pair<std::size_t, std::string> first;
    for (const Listed& listed : list("machine")) {
        if (!listed.type->is_default) continue;
        const auto folder =
            std::ranges::find(search_path_, listed.plugin->path.parent_path(), &SearchFolder::path);
        const std::pair rank{std::size_t(folder - search_path_.begin()), architecture_of(*listed.type)};
        if (best && first <= rank) continue;
        best = listed.type;
        first = rank;
    }
    return best;
}

std::vector<ManifestDelta> Catalog::defaults_of(const ListedVersion& listed) const {
    std::map<std::pair<std::string_view, std::string_view>, std::string_view> values;
    if (const auto release = Release::parse(listed.version->release))
        for (const auto& [name, type] : by_name_)
            for (const auto& [property, value] : past_values(type.type->history, *release))
                values[{name, property}] = value;
    for (const ManifestVersion& version : listed.board->versions) {
        for (const ManifestDelta& delta : version.deltas) values[{delta.type, delta.property}] = delta.value;
        if (&version == listed.version) break;
    }
    std::vector<ManifestDelta> deltas;
    for (const auto& [what, value] : values) deltas.push_back({what.first, what.second, value});
    return deltas;
}

std::vector<const ManifestProperty*> Catalog::properties(const ManifestType& type) const {
    std::map<std::string_view, const ManifestProperty*> table;
    const auto add_own = [&](const ManifestType& at) {
        for (const ManifestProperty& property : at.properties) table.emplace(property.name, &property);
    };
    const std::vector<const ManifestType*>& line = checks_->ancestry(type);
    for (const ManifestType* at : line) add_own(*at);
    for (const ManifestType* at : line)
        if (const ManifestType* target = at->forwards.empty() ? nullptr : find_type(at->forwards);
            target && target != &type)
            for (const ManifestType* forwarded : checks_->ancestry(*target)) add_own(*forwarded);
    std::vector<const ManifestProperty*> all;
    for (const auto& [name, property] : table) all.push_back(property);
    return all;
}

template <class Row>
std::vector<const Row*> Catalog::inherited(const ManifestType& type,
                                           std::vector<Row> ManifestType::*rows) const {
    std::vector<const Row*> all;
    for (const ManifestType* at : checks_->ancestry(type)) {
        std::vector<const Row*> own;
        for (const Row& row : at->*rows) own.push_back(&row);
        all.insert(all.begin(), own.begin(), own.end());
    }
    return all;
}

std::vector<const ManifestRegion*> Catalog::regions(const ManifestType& type) const {
    return inherited(type, &ManifestType::regions);
}

std::vector<const ManifestWire*> Catalog::wires(const ManifestType& type) const {
    return inherited(type, &ManifestType::wires);
}

std::string Catalog::resolve_option(std::string_view option, std::string_view ancestor, std::string_view what,
                                    Errors& errors) const {
    std::vector<std::string> names;
    for (const Listed& listed : list(ancestor)) {
        const ManifestType& type = *listed.type;
        if (std::string found = named_type(type, option); !found.empty()) return found;
        std::ranges::copy(type.option_names(), std::back_inserter(names));
    }
    // The words that users, and tools that look for them, know.
    const std::string_view complaint = what == "CPU model" ? "unable to find " : "unsupported ";
    const std::string message = std::string(complaint) + std::string(what) + " " + quote(option);
    if (const std::string reason = refused_option_text(option, ancestor); !reason.empty()) {
        errors.fail(message + ": " + reason);
    } else if (const std::string other = other_architecture_text(option, ancestor); !other.empty()) {
        errors.fail(message + ": " + other);
    } else {
        const std::string near = nearest(option, names);
        errors.fail(message + (near.empty() ? "" : "; did you mean '" + near + "'?") + " (" +
                    searched_text() + ")");
    }
    return {};
}

/// What a program of another architecture would take the name for; empty: nothing.
std::string Catalog::other_architecture_text(std::string_view option, std::string_view ancestor) const {
    for (const auto& [name, listed] : by_name_) {
        const ManifestType& type = *listed.type;
        if (listed.plugin && !type.abstract && is_a(type, ancestor) && !fits_architecture(type) &&
            !named_type(type, option).empty())
            return "it is for " + architecture_of(type) + ", and this program was started by its name for " +
                   architecture_;
    }
    return {};
}

/// Where was looked, and what was passed over there.
std::string Catalog::searched_text() const {
    std::string text = "searched";
    for (const SearchFolder& folder : search_path_)
        if (folder.problem.empty() && !folder.missing) text += " " + folder.path.string();
    for (const std::string& warning : folder_warnings()) text += "; skipped " + warning;
    for (const PluginFile& file : plugins_)
        if (!file.refusal.empty()) text += "; skipped " + file.refusal;
    return text;
}

/// Who has a type of that name and is not used, or was not used for it; empty when nobody has.
std::string Catalog::refused_text(std::string_view name) const {
    for (const PluginFile& file : plugins_) {
        if (const RefusedType* refused = file.refused_type(name)) return refused->reason;
        if (!file.refusal.empty() &&
            std::ranges::find(file.manifest.types, name, &ManifestType::name) != file.manifest.types.end())
            return file.refusal;
    }
    return {};
}

/// The same for what users call it.
std::string Catalog::refused_option_text(std::string_view option, std::string_view ancestor) const {
    for (const PluginFile& file : plugins_)
        for (const ManifestType& type : file.manifest.types) {
            const RefusedType* refused = file.refused_type(type.name);
            if (file.refusal.empty() && !refused) continue;
            const std::vector<std::string> names = type.option_names();
            const bool named = type.name == option || std::ranges::find(names, option) != names.end();
            if (named && (!find_type(type.parent) || is_a(type, ancestor)))
                return refused ? refused->reason : file.refusal;
        }
    return {};
}

std::string Catalog::explain_unknown(std::string_view name, std::string_view what) const {
    const std::string asked = quote(name) + " is not a valid " + std::string(what) + " name";
    if (const std::string reason = refused_text(name); !reason.empty()) return asked + ": " + reason;
    std::vector<std::string> names;
    for (const auto& [known, listed] : by_name_)
        if (listed.plugin && !listed.type->abstract) names.emplace_back(known);
    const std::string near = nearest(name, names);
    return asked +
           (near.empty() ? ""
                         : "; did you mean '" + near + "' (plugin " +
                               by_name_.find(near)->second.plugin->manifest.plugin + ")?") +
           " (" + searched_text() + ")";
}

bool Catalog::load_provider(std::string_view name, Errors& errors) {
    if (types_.known(name)) return true;
    if (PluginFile* file = provider(name); file && file->refusal.empty())
        return file->loaded || load(*file, errors);
    errors.fail(explain_unknown(name, "type"));
    return false;
}

/// Its code maps and its constructors queue; then its initialisers run. Its types' parents are loaded when those are used.
bool Catalog::load(PluginFile& file, Errors& errors) {
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
        file.refusal = file.path.filename().string() + ": cannot be loaded: " + reason.text();
        errors.fail(file.refusal);
        return false;
    }
    note_plugin(base, file.manifest.plugin, file.path.string());
    file.loaded = register_types(file, callee, base, errors);
    return file.loaded;
}

bool Catalog::register_types(PluginFile& file, const Callee& callee, const void* base, Errors& errors) {
    std::set<std::string, std::less<>> refused;
    for (const RefusedType& type : file.refused) refused.insert(type.name);
    types_.set_registering_plugin(file.manifest.plugin, std::move(refused));
    ErrorText reason;
    bool registered = true;
    for (const ModuleInitNode* node : initialisers_of(base))
        registered = registered && refusable(callee, "an initialiser", reason,
                                             [&](Errors& refusal) { return node->run(types_, refusal); });
    types_.set_registering_plugin("");
    if (registered) return true;
    types_.forget_plugin(file.manifest.plugin);
    file.refusal = file.path.filename().string() + ": " +
                   (reason.failed() ? reason.text() : "its initialiser failed without a reason");
    errors.fail(file.refusal);
    return false;
}

}  // namespace backplane::kernel
