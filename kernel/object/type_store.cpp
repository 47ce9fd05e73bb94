#include "kernel/object/type_store.h"

#include "kernel/barrier/callee.h"
#include "kernel/object/history.h"
#include "kernel/object/property_text.h"

#include <backplane/text.h>

#include <algorithm>

namespace backplane::kernel {

void Type::set_default(Str property, Str value) { defaults_[std::string(property.view())] = value.view(); }

bool Type::is_a(std::string_view type_name) const {
    for (const Type* type = this; type; type = type->parent_)
        if (type_name == type->info_.name) return true;
    return false;
}

const char* Type::bus() const {
    for (const Type* type = this; type; type = type->parent_)
        if (type->info_.bus) return type->info_.bus;
    return nullptr;
}

std::vector<Type::PropertyEntry> Type::properties() const {
    std::vector<PropertyEntry> all;
    for (const auto& [name, entry] : table_) all.push_back(entry);
    return all;
}

const Type::PropertyEntry* Type::find_property(std::string_view name) const {
    const auto found = table_.find(name);
    return found == table_.end() ? nullptr : &found->second;
}

const char* Type::default_of(const PropertyEntry& entry) const {
    for (const Type* type = this; type; type = type->parent_) {
        const auto found = type->defaults_.find(entry.info->name);
        if (found != type->defaults_.end()) return found->second.c_str();
    }
    return entry.info->default_text;
}

std::vector<Type::PastDefault> Type::past_defaults(std::string_view release) const {
    const auto machine = Release::parse(release);
    if (!machine) return {};
    // A descendant's rows say more than its ancestors'.
    std::map<std::string_view, std::string_view> values;
    for (const Type* type = this; type; type = type->parent_)
        values.merge(past_values(type->info_.history, *machine));
    std::vector<PastDefault> defaults;
    for (const auto& [property, value] : values) defaults.push_back({find_property(property), value});
    return defaults;
}

const void* Type::class_data() const {
    for (const Type* type = this; type; type = type->parent_)
        if (type->info_.class_data) return type->info_.class_data;
    return nullptr;
}

namespace {

std::string plugin_label(const std::string& plugin) {
    return plugin.empty() ? "the core" : "plugin '" + plugin + "'";
}

/// What a third party's constant data may get wrong of a type that has a name, as it follows that; empty when nothing is.
std::string malformed(const TypeInfo& info) {
    if (!info.parent && std::string_view(info.name) != "object") return " has no parent";
    if (info.instance_init && !info.instance_finalize) return " makes a part but does not free it";
    for (const InterfaceInfo& interface : info.interfaces)
        if (!interface.id || !interface.cast) return " has an incomplete interface row";
    if (!info.interfaces.empty() && !info.instance_init) return " offers interfaces but has no part";
    std::set<std::string_view> names;
    for (const PropertyInfo& property : info.properties) {
        if (!property.name || !*property.name) return " has a property without a name";
        const std::string which = ", property '" + std::string(property.name) + "'";
        if (!names.insert(property.name).second) return which + " stands there twice";
        if (property.kind > PropertyKind::Link) return which + " is of a kind that this host does not know";
        if (property.set && !info.instance_init) return which + ": the type has no part to hold it";
        if (property.kind == PropertyKind::Enum && (!property.choices || !*property.choices))
            return which + " has no choices";
        ErrorText reason;
        if (property.default_text && !check_property_text(property, info.name, property.default_text, reason))
            return which + " has a default that it does not take: " + reason.text();
    }
    for (const RegionInfo& region : info.regions)
        if (!region.name || !*region.name) return " has a region without a name";
    for (const WireInfo& wire : info.wires)
        if (!wire.name || wire.direction > WireDirection::Input)
            return " has a wire without a name, or of a direction that this host does not know";
    for (const HistoryRow& row : info.history) {
        if (!row.release || !row.property || !row.value) return " has an incomplete history row";
        if (!Release::parse(row.release))
            return std::string(" has a history row of '") + row.release +
                   "', which is no release (\"9.0\", \"acme:2.1\")";
    }
    for (const MachineVersion& row : info.versions) {
        if (!row.version || !*row.version) return " has a version without a name";
        if (row.release && !Release::parse(row.release))
            return std::string(", version ") + row.version + ": '" + row.release + "' is no release";
        for (const CompatProperty& delta : row.deltas)
            if (!delta.type || !delta.property || !delta.value)
                return std::string(", version ") + row.version + " has an incomplete delta";
    }
    return {};
}

}  // namespace

TypeStore::TypeStore() {
    ErrorText errors;
    for (const TypeInfo& info : core_types()) register_type(info, errors);
}

TypeStore::~TypeStore() = default;

bool TypeStore::register_types(const TypeTable& given, Errors& errors) {
    const TypeTable table = read_sized(given);
    for (std::size_t i = 0; i < table.count; ++i) {
        const TypeInfo info = grown_.type(table, i);
        if (info.name && refused_.contains(std::string_view(info.name))) continue;
        if (!register_type(info, errors)) return false;
    }
    return true;
}

bool TypeStore::register_type(const TypeInfo& info, Errors& errors) {
    const bool named = info.name && *info.name;
    if (const std::string problem = named ? malformed(info) : ""; !named || !problem.empty()) {
        errors.fail(plugin_label(registering_) + " registers " +
                    (named ? "type '" + std::string(info.name) + "'" + problem : "a type without a name"));
        return false;
    }
    return store(info, {}, errors) && store_versions(info, errors);
}

bool TypeStore::store(const TypeInfo& info, Version version, Errors& errors) {
    const auto found = papers_.find(std::string_view(info.name));
    if (found != papers_.end()) {
        errors.fail("type '" + std::string(info.name) + "' is registered by " + plugin_label(registering_) +
                    " and already by " + plugin_label(found->second.plugin) +
                    "; remove one of the two plugins");
        return false;
    }
    papers_.emplace(info.name, Paper{info, registering_, std::move(version)});
    return true;
}

/// A machine version is a child of its board's type that differs in data: the deltas of its own row and of all
/// newer rows, oldest change last so that it wins.
bool TypeStore::store_versions(const TypeInfo& info, Errors& errors) {
    if (info.versions.empty()) return true;
    std::vector<PropertyDefault> compat;
    const void* traits = nullptr;
    const std::string family = info.option_name ? info.option_name : info.name;
    for (const MachineVersion& row : info.versions) {
        for (const CompatProperty& delta : row.deltas)
            compat.push_back({delta.type, delta.property, delta.value});
        if (row.traits) traits = row.traits;
        Version version{compat, row.release ? row.release : "", row.deprecated ? row.deprecated : "", {}};
        std::vector<std::unique_ptr<std::string>>& text = version.owned_text;
        text.push_back(std::make_unique<std::string>(family + "-" + row.version));
        text.push_back(std::make_unique<std::string>(*text.front() + "-machine"));
        TypeInfo type;
        type.name = text.back()->c_str();
        type.parent = info.name;
        type.summary = info.summary;
        type.option_name = text.front()->c_str();
        type.class_data = traits;
        if (!store(type, std::move(version), errors)) return false;
    }
    return true;
}

void TypeStore::forget_plugin(std::string_view plugin) {
    std::erase_if(papers_, [&](const auto& item) { return item.second.plugin == plugin; });
}

const Type* TypeStore::find(std::string_view name, Errors& errors) {
    const auto made = classes_.find(name);
    if (made != classes_.end()) return made->second.get();
    auto paper = papers_.find(name);
    if (paper == papers_.end()) {
        if (!resolver_) {
            errors.fail("there is no type '" + std::string(name) + "'");
            return nullptr;
        }
        if (!resolver_(name, errors)) return nullptr;
        paper = papers_.find(name);
        if (paper == papers_.end()) {
            errors.fail("the plugin that lists type '" + std::string(name) + "' did not register it");
            return nullptr;
        }
    }
    if (std::ranges::find(in_progress_, name) != in_progress_.end()) {
        errors.fail("type '" + std::string(name) + "' is its own ancestor");
        return nullptr;
    }
    in_progress_.emplace_back(name);
    const Type* type = make(paper->second, errors);
    in_progress_.pop_back();
    return type;
}

const Type* TypeStore::make(const Paper& paper, Errors& errors) {
    auto type = std::make_unique<Type>();
    type->info_ = paper.info;
    type->plugin_ = paper.plugin;
    type->compat_ = paper.version.compat;
    type->release_ = paper.version.release;
    type->deprecated_ = paper.version.deprecated;
    if (std::string_view(paper.info.name) != "object") {
        ErrorText reason;
        type->parent_ = find(paper.info.parent, reason);
        if (!type->parent_) {
            errors.fail("type '" + std::string(paper.info.name) + "' derives from '" + paper.info.parent +
                        "': " + reason.text());
            return nullptr;
        }
        type->table_ = type->parent_->table_;
    }
    for (const PropertyInfo& property : paper.info.properties)
        type->table_.insert_or_assign(property.name, Type::PropertyEntry{&property, type.get()});
    if (!check_history(*type, errors)) return nullptr;

    std::vector<const Type*> ancestry;
    for (const Type* ancestor = type.get(); ancestor; ancestor = ancestor->parent_)
        ancestry.push_back(ancestor);
    const void* data = type->class_data();
    const Callee callee(plugin_label(paper.plugin) + ", type '" + paper.info.name + "'");
    const bool ready = refusable(callee, "class_init()", errors, [&](Errors&) {
        for (auto it = ancestry.rbegin(); it != ancestry.rend(); ++it)
            if ((*it)->info_.class_base_init) (*it)->info_.class_base_init(*type, data);
        if (paper.info.class_init) paper.info.class_init(*type, data);
        return true;
    });
    if (!ready) return nullptr;

    return classes_.emplace(paper.info.name, std::move(type)).first->second.get();
}

/// A row for a property that is not there would never be missed.
bool TypeStore::check_history(const Type& type, Errors& errors) const {
    for (const HistoryRow& row : type.info().history)
        if (!type.find_property(row.property)) {
            errors.fail("type '" + std::string(type.info().name) + "' has a history of property '" +
                        row.property + "', which it does not have");
            return false;
        }
    return true;
}

std::vector<const Type*> TypeStore::list(std::string_view ancestor, bool include_abstract) {
    std::vector<const Type*> found;
    std::vector<std::string> names;
    for (const auto& [name, paper] : papers_) names.push_back(name);
    for (const std::string& name : names) {
        ErrorText ignored;
        const Type* type = find(name, ignored);
        if (type && type->is_a(ancestor) && (include_abstract || !type->info().abstract))
            found.push_back(type);
    }
    return found;
}

namespace {

constexpr TypeInfo kCoreTypes[] = {
    {.name = "object", .parent = nullptr, .summary = "The root of all types", .abstract = true},
    {.name = "container", .summary = "A folder of the object tree"},
    {.name = "device", .summary = "A device", .abstract = true},
    {.name = "cpu", .parent = "device", .summary = "A CPU", .abstract = true},
    {.name = "bus", .summary = "A bus that devices plug into", .abstract = true},
    {.name = "machine", .summary = "A board", .abstract = true},
    {.name = "accelerator", .summary = "What makes CPUs run", .abstract = true},
    {.name = "chardev", .summary = "A character device of the host", .abstract = true},
    {.name = "block-node", .summary = "Storage of the host", .abstract = true},
    {.name = "netdev", .summary = "A network of the host", .abstract = true},
    {.name = "service", .summary = "What a machine is managed through", .abstract = true},
    {.name = "memory-backend", .summary = "Memory of the host", .abstract = true},
    {.name = "rng-backend", .summary = "A source of entropy", .abstract = true},
};

}  // namespace

Slice<const TypeInfo> core_types() { return kCoreTypes; }

}  // namespace backplane::kernel
