// Instances of types, and the tree that they stand in.
#pragma once

#include "kernel/barrier/callee.h"
#include "kernel/object/property_text.h"
#include "kernel/object/type_store.h"
#include <backplane/text.h>

#include <backplane/object.h>

#include <optional>
#include <set>

namespace backplane::kernel {

class ObjectTree;
class Instance;

/// The host's side of one object, which gives the parts their context (a device's, a board's, a backend's): made
/// before the parts, gone after them.
class InstanceHost {
  public:
    virtual ~InstanceHost() = default;
    /// The host's interface of that id for this object, or null.
    virtual void* query(Str interface_id) = 0;
    virtual bool realize(Instance& instance, Errors& errors) = 0;
    virtual void unrealize(Instance& instance) = 0;
    /// The object's code threw where it may not, and is called no more; `message` says all of it.
    virtual void broke(const std::string& message) = 0;
};

/// One object. Owner: its parent. Thread: as <backplane/object.h> says.
class Instance final : public Object {
  public:
    Instance(ObjectTree& tree, const Type& type, std::string name, Instance* parent);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    Str name() const override { return name_; }
    Str type_name() const override { return type_.name(); }
    void path(TextSink& out) const override;
    Str id() const override { return id_; }
    void* query(Str interface_id) override;
    void* part(Str type_name) override;
    bool is_a(Str type_name) const override { return type_.is_a(type_name); }
    Object* parent() const override { return parent_; }
    Object* child(Str name) const override;
    std::size_t child_count() const override { return children_.size(); }
    Object* child_at(std::size_t index) const override { return children_.at(index).get(); }
    Object* create_child(Str type, Str name, Errors& errors) override;
    bool realize_child(Object& child, Errors& errors) override;
    void destroy_child(Object& child) override;
    bool set_property(Str name, Str value, Errors& errors) override;
    bool set_link(Str name, Object* target, Errors& errors) override;
    bool get_property(Str name, TextSink& out, Errors& errors) override;
    void forward_properties(Object& child) override;

    const Type& type() const { return type_; }
    /// Of its own, or one that it forwards.
    bool has_property(std::string_view name) const {
        return type_.find_property(name) || forward_target(name);
    }
    std::string path_text() const;
    void set_id(std::string id) { id_ = std::move(id); }
    bool realized() const { return realized_; }
    bool realize(Errors& errors);
    void unrealize();
    Instance* parent_instance() const { return parent_; }
    const std::vector<std::unique_ptr<Instance>>& children() const { return children_; }
    const std::vector<Instance*>& forwarded() const { return forwarded_; }
    InstanceHost* host() { return host_.get(); }
    /// What every call into its parts goes through.
    Callee& callee() { return callee_; }
    ObjectTree& tree() { return tree_; }
    /// How many link properties point here: what is in use is not to be removed by a user. The links that still
    /// point here when it goes are set to null.
    std::size_t users() const { return users_.size(); }
    /// An object that is not below this one, and has a link to this one or to what is below it; or null.
    const Instance* user_outside() const;
    /// Calls `visit` with each part that offers the interface, parents first.
    template <class Interface, class Visit>
    void for_each_part(Visit visit) {
        for (const Part& part : parts_)
            if (void* found = cast(part, Interface::kId)) visit(*static_cast<Interface*>(found));
    }

  private:
    friend class ObjectTree;
    struct Part {
        const Type* type;
        void* object;
    };
    struct User {
        Instance* holder;
        const Type::PropertyEntry* property;
        bool operator==(const User&) const = default;
    };
    struct Link {
        Instance* target;
        const Type::PropertyEntry* property;
    };
    void drop_incoming_links();
    static void* cast(const Part& part, Str interface_id);
    bool initialise(Errors& errors);
    bool apply(const Type::PropertyEntry& entry, std::string_view text, Errors& errors);
    void* part_of(const Type& owner) const;
    Instance* forward_target(std::string_view property) const;
    bool assign(const Type::PropertyEntry& entry, const PropertyValue& value, Errors& errors);
    bool require_settable(const Type::PropertyEntry& entry, Errors& errors) const;
    std::string property_not_found(std::string_view name) const;
    bool leads_to(const Instance& other) const;

    ObjectTree& tree_;
    const Type& type_;
    std::string name_;
    std::string id_;
    Instance* parent_;
    Callee callee_;
    std::unique_ptr<InstanceHost> host_;
    std::vector<Part> parts_;
    std::vector<std::unique_ptr<Instance>> children_;
    std::vector<Instance*> forwarded_;
    std::map<std::string, Link, std::less<>> links_;  ///< by property
    std::set<std::string, std::less<>> set_;          ///< properties that were given a value
    std::vector<User> users_;                         ///< links that point here
    bool realized_ = false;
};

/// The tree of one machine's objects, with the defaults that hold in it.
class ObjectTree {
  public:
    using HostMaker = std::function<std::unique_ptr<InstanceHost>(Instance&)>;

    ObjectTree(TypeStore& types, HostMaker make_host);
    ~ObjectTree();

    TypeStore& types() { return types_; }
    Instance& root() { return *root_; }
    /// Makes an object of a type below `parent`; an empty name gives "device[N]".
    Instance* create(std::string_view type, std::string name, Instance& parent, Errors& errors);
    void destroy(Instance& instance);

    /// A path ("/machine/peripheral/disk0"), or an id; null when there is none.
    Instance* find(std::string_view path_or_id);
    Instance* find_path(std::string_view path);
    Instance* find_id(std::string_view id);
    /// Calls `visit` for every instance below and including `from`, parents first.
    void walk(Instance& from, const std::function<void(Instance&)>& visit);

    /// Defaults of the machine version, then of -global, in the order given.
    void set_compat(std::vector<PropertyDefault> compat) { compat_ = std::move(compat); }
    /// The release whose past the types' histories show; empty: the present.
    void set_release(std::string release) { release_ = std::move(release); }
    void add_global(PropertyDefault global) { globals_.push_back({std::move(global), false}); }
    /// The -global entries that no object took, for a warning.
    std::vector<PropertyDefault> unused_globals() const;

    /// Called when an object is about to go (the machine drops what it holds of it).
    void set_destroy_hook(std::function<void(Instance&)> hook) { destroy_hook_ = std::move(hook); }

  private:
    static Instance* child_of(Instance& parent, std::string_view name);
    friend class Instance;
    static void unrealize_all(Instance& from);
    bool destroy_unused(Instance& container);
    struct Global {
        PropertyDefault value;
        bool used;
    };
    TypeStore& types_;
    HostMaker make_host_;
    std::function<void(Instance&)> destroy_hook_;
    std::vector<PropertyDefault> compat_;
    std::string release_;
    std::vector<Global> globals_;
    std::unique_ptr<Instance> root_;
};

}  // namespace backplane::kernel
