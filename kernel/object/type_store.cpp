#include "kernel/object/type_store.h"

#include "kernel/barrier/callee.h"

#include <backplane/text.h>

#include <algorithm>
#include <cstring>

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

const void* Type::class_data() const {
    for (const Type* type = this; type; type = type->parent_)
        if (type->info_.class_data) return type->info_.class_data;
    return nullptr;
}

namespace {

std::string plugin_label(const std::string& plugin) {
    return plugin.empty() ? "the core" : "plugin '" + plugin + "'";
}

/// What a third party's constant data may get wrong; empty when nothing is.
std::string malformed(const TypeInfo& info) {
    if (!info.name || !*info.name) return "a type without a name";
    const std::string name = "type '" + std::string(info.name) + "'";
    if (!info.parent && std::string_view(info.name) != "object") return name + " has no parent";
    if (info.instance_init && !info.instance_finalize) return name + " makes a part but does not free it";
    for (const InterfaceInfo& interface : info.interfaces)
        if (!interface.id || !interface.cast) return name + " has an incomplete interface row";
    if (!info.interfaces.empty() && !info.instance_init) return name + " offers interfaces but has no part";
    for (const PropertyInfo& property : info.properties) {
        if (!property.name || !*property.name) return name + " has a property without a name";
        const std::string which = name + ", property '" + property.name + "'";
        if (property.set && !info.instance_init) return which + ": the type has no part to hold it";
        if (property.kind == PropertyKind::Enum && (!property.choices || !*property.choices))
            return which + " has no choices";
    }
    return {};
}

}  // namespace

TypeStore::TypeStore() {
    ErrorText errors;
    for (const TypeInfo& info : core_types()) register_type(info, errors);
}

TypeStore::~TypeStore() = default;

namespace {

/// A row that was built with `size` bytes, at this host's size: what it does not have keeps its default.
template <class Row>
Row read_row(const void* rows, std::size_t index, std::uint32_t size) {
    Row row;
    std::memcpy(static_cast<void*>(&row), static_cast<const char*>(rows) + index * size,
                std::min<std::size_t>(size, sizeof row));
    return row;
}

}  // namespace

template <class Row>
Slice<const Row> TypeStore::grown_rows(Slice<const Row> rows, std::uint32_t size) {
    if (size == sizeof(Row) || rows.empty()) return rows;
    auto kept = std::make_shared<std::vector<Row>>();
    for (std::size_t i = 0; i < rows.size; ++i) kept->push_back(read_row<Row>(rows.data, i, size));
    grown_.push_back(kept);
    return {kept->data(), kept->size()};
}

TypeInfo TypeStore::grown(const TypeTable& table, std::size_t index) {
    auto info = read_row<TypeInfo>(table.types, index, table.type_size);
    info.interfaces = grown_rows(info.interfaces, table.interface_size);
    info.properties = grown_rows(info.properties, table.property_size);
    info.versions = grown_rows(info.versions, table.version_size);
    if (table.compat_size == sizeof(CompatProperty) || info.versions.empty()) return info;
    auto versions = std::make_shared<std::vector<MachineVersion>>(info.versions.begin(), info.versions.end());
    for (MachineVersion& version : *versions) version.deltas = grown_rows(version.deltas, table.compat_size);
    grown_.push_back(versions);
    info.versions = {versions->data(), versions->size()};
    return info;
}

bool TypeStore::register_types(const TypeTable& table, Errors& errors) {
    for (std::size_t i = 0; i < table.count; ++i)
        if (!register_type(grown(table, i), errors)) return false;
    return true;
}

bool TypeStore::register_type(const TypeInfo& info, Errors& errors) {
    const std::string problem = malformed(info);
    if (!problem.empty()) {
        errors.fail(plugin_label(registering_) + " registers " + problem);
        return false;
    }
    return store(info, {}, {}, errors) && store_versions(info, errors);
}

bool TypeStore::store(const TypeInfo& info, std::vector<PropertyDefault> compat,
                      std::vector<std::unique_ptr<std::string>> text, Errors& errors) {
    const auto found = papers_.find(std::string_view(info.name));
    if (found != papers_.end()) {
        errors.fail("type '" + std::string(info.name) + "' is registered by " + plugin_label(registering_) +
                    " and already by " + plugin_label(found->second.plugin) +
                    "; remove one of the two plugins");
        return false;
    }
    papers_.emplace(info.name, Paper{info, registering_, std::move(compat), std::move(text)});
    return true;
}

/// A machine version is a child of its board's type that differs in data: the deltas of its own row and of all
/// newer rows, oldest change last so that it wins.
bool TypeStore::store_versions(const TypeInfo& info, Errors& errors) {
    std::vector<PropertyDefault> compat;
    const std::string family = info.option_name ? info.option_name : info.name;
    for (const MachineVersion& row : info.versions) {
        for (const CompatProperty& delta : row.deltas)
            compat.push_back({delta.type, delta.property, delta.value});
        std::vector<std::unique_ptr<std::string>> text;
        text.push_back(std::make_unique<std::string>(family + "-" + row.version));
        text.push_back(std::make_unique<std::string>(*text.front() + "-machine"));
        TypeInfo version;
        version.name = text.back()->c_str();
        version.parent = info.name;
        version.summary = info.summary;
        version.option_name = text.front()->c_str();
        if (!store(version, compat, std::move(text), errors)) return false;
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
    type->compat_ = paper.compat;
    if (std::string_view(paper.info.name) != "object") {
        type->parent_ = find(paper.info.parent, errors);
        if (!type->parent_) return nullptr;
        type->table_ = type->parent_->table_;
    }
    for (const PropertyInfo& property : paper.info.properties)
        type->table_.insert_or_assign(property.name, Type::PropertyEntry{&property, type.get()});

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
