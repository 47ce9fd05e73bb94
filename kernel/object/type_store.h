// Registered types and the classes made from them.
#pragma once

#include "kernel/object/grown_rows.h"

#include <backplane/module.h>
#include <backplane/type.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

/// The value that a machine version, -global or a class gives to a property of a type and its descendants.
struct PropertyDefault {
    std::string type;
    std::string property;
    std::string value;
};

/// A class: made on first use, parents first.
class Type final : public Class {
  public:
    struct PropertyEntry {
        const PropertyInfo* info;
        const Type* owner;
    };

    Str name() const override { return info_.name; }
    void set_default(Str property, Str value) override;

    const TypeInfo& info() const { return info_; }
    const Type* parent() const { return parent_; }
    /// The plugin that registered it; empty for the core's own.
    const std::string& plugin() const { return plugin_; }
    bool is_a(std::string_view type_name) const;
    /// The nearest non-null `bus`, `category` of this type and its ancestors.
    const char* bus() const;
    /// Own and inherited properties, the most derived first; an overriding one hides its ancestor's.
    std::vector<PropertyEntry> properties() const;
    const PropertyEntry* find_property(std::string_view name) const;
    /// The default's text after class initialisers; null when there is none.
    const char* default_of(const PropertyEntry& entry) const;
    /// The class_data of the most derived type that has one.
    const void* class_data() const;
    /// For a versioned machine type: what its row and the newer ones change, and the release whose past its objects show
    /// (empty: the present).
    const std::vector<PropertyDefault>& compat() const { return compat_; }
    const std::string& release() const { return release_; }
    /// For a versioned machine type: why it should not be used any more, and what instead; empty: it may.
    const std::string& deprecated() const { return deprecated_; }

    struct PastDefault {
        const PropertyEntry* entry;
        std::string_view value;
    };
    /// The defaults that differed in `release`, by this type's history and its ancestors'.
    std::vector<PastDefault> past_defaults(std::string_view release) const;

  private:
    friend class TypeStore;
    TypeInfo info_{};
    std::string plugin_;
    const Type* parent_ = nullptr;
    std::map<std::string, PropertyEntry, std::less<>> table_;
    std::map<std::string, std::string, std::less<>> defaults_;
    std::vector<PropertyDefault> compat_;
    std::string release_;
    std::string deprecated_;
};

/// The registry of one process's machines. Thread: main.
class TypeStore final : public TypeRegistry {
  public:
    TypeStore();
    ~TypeStore();
    TypeStore(const TypeStore&) = delete;
    TypeStore& operator=(const TypeStore&) = delete;

    bool register_types(const TypeTable& table, Errors& errors) override;
    bool register_type(const TypeInfo& info, Errors& errors);
    /// Registration from here on is on behalf of this plugin ("" is the core), whose types of the names `refused` are
    /// passed over.
    void set_registering_plugin(std::string plugin, std::set<std::string, std::less<>> refused = {}) {
        registering_ = std::move(plugin);
        refused_ = std::move(refused);
    }
    /// Forgets the papers of a plugin that was refused while registering.
    void forget_plugin(std::string_view plugin);

    bool known(std::string_view name) const { return papers_.contains(name); }
    /// The class, made now if it was not; null and a reason. Asks the resolver for a name that nobody registered.
    const Type* find(std::string_view name, Errors& errors);
    /// Registered types below `ancestor`, by name.
    std::vector<const Type*> list(std::string_view ancestor, bool include_abstract);
    /// Called to have a plugin loaded that provides `name`; false and a reason when none does.
    void set_resolver(std::function<bool(std::string_view name, Errors&)> resolver) {
        resolver_ = std::move(resolver);
    }

  private:
    /// What makes a type a machine version.
    struct Version {
        std::vector<PropertyDefault> compat;
        std::string release;
        std::string deprecated;
        std::vector<std::unique_ptr<std::string>> owned_text;
    };
    struct Paper {
        TypeInfo info{};
        std::string plugin;
        Version version;
    };
    bool store(const TypeInfo& info, Version version, Errors& errors);
    bool store_versions(const TypeInfo& info, Errors& errors);
    const Type* make(const Paper& paper, Errors& errors);
    bool check_history(const Type& type, Errors& errors) const;

    std::map<std::string, Paper, std::less<>> papers_;
    std::map<std::string, std::unique_ptr<Type>, std::less<>> classes_;
    std::vector<std::string> in_progress_;
    std::function<bool(std::string_view, Errors&)> resolver_;
    std::string registering_;
    std::set<std::string, std::less<>> refused_;
    GrownRows grown_;
};

/// The core's own abstract types: object, device, cpu, machine, bus, accelerator and the kinds of backends.
Slice<const TypeInfo> core_types();

}  // namespace backplane::kernel
