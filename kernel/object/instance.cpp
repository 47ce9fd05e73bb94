#include "kernel/object/instance.h"

#include <algorithm>

namespace backplane::kernel {

Instance::Instance(ObjectTree& tree, const Type& type, std::string name, Instance* parent)
    : tree_(tree),
      type_(type),
      name_(std::move(name)),
      parent_(parent),
      callee_(type.plugin(), std::string(type.name().view()), path_text()) {}

Instance::~Instance() {
    unrealize();
    while (!children_.empty()) children_.pop_back();
    drop_incoming_links();
    for (const auto& [name, link] : links_) std::erase(link.target->users_, User{this, link.property});
    links_.clear();
    for (auto it = parts_.rbegin(); it != parts_.rend(); ++it)
        last_call(callee_, "instance_finalize()",
                  [&] { it->type->info().instance_finalize(*this, it->object); });
}

/// Those who hold a pointer to this object's interfaces forget it while the object is whole.
void Instance::drop_incoming_links() {
    while (!users_.empty()) {
        const User user = users_.back();
        users_.pop_back();
        user.holder->links_.erase(user.property->info->name);
        PropertyValue nothing;
        nothing.kind = PropertyKind::Link;
        last_call(user.holder->callee_, "set()", [&] {
            IgnoredErrors unused;
            user.property->info->set(user.holder->part_of(*user.property->owner), nothing, unused);
        });
    }
}

const Instance* Instance::user_outside() const {
    const auto outside = [this](const Instance* object) {
        while (object && object != this) object = object->parent_;
        return object == nullptr;
    };
    std::vector<const Instance*> todo{this};
    while (!todo.empty()) {
        const Instance* at = todo.back();
        todo.pop_back();
        for (const User& user : at->users_)
            if (outside(user.holder)) return user.holder;
        for (const auto& child : at->children_) todo.push_back(child.get());
    }
    return nullptr;
}

/// Parts parents first, then defaults: the class's own, its past's, the machine version's, -global's.
bool Instance::initialise(Errors& errors) {
    std::vector<const Type*> ancestry;
    for (const Type* type = &type_; type; type = type->parent()) ancestry.push_back(type);
    std::ranges::reverse(ancestry);
    for (const Type* type : ancestry) {
        if (!type->info().instance_init) continue;
        void* part = nullptr;
        const auto make = [&](Errors& reason) {
            part = type->info().instance_init(*this, type_.class_data(), reason);
            return part != nullptr;
        };
        if (!refusable(callee_, "instance_init()", errors, make)) return false;
        parts_.push_back({type, part});
    }
    for (const Type::PropertyEntry& entry : type_.properties())
        if (const char* text = type_.default_of(entry);
            text && entry.info->set && !apply(entry, text, errors))
            return false;
    for (const Type::PastDefault& past : type_.past_defaults(tree_.release_))
        if (!apply(*past.entry, past.value, errors)) return false;
    for (const PropertyDefault& compat : tree_.compat_)
        if (const auto* entry = type_.find_property(compat.property); entry && type_.is_a(compat.type))
            if (!apply(*entry, compat.value, errors)) return false;
    for (ObjectTree::Global& global : tree_.globals_) {
        if (!type_.is_a(global.value.type)) continue;
        global.used = true;
        ErrorText reason;
        if (set_property(global.value.property, global.value.value, reason)) continue;
        errors.fail("can't apply global " + global.value.type + "." + global.value.property + "=" +
                    global.value.value + ": " + reason.text());
        return false;
    }
    return refusable(callee_, "instance_post_init()", errors, [&](Errors&) {
        for (const Part& part : parts_)
            if (part.type->info().instance_post_init)
                part.type->info().instance_post_init(*this, part.object);
        return true;
    });
}

void Instance::path(TextSink& out) const { out.append(path_text()); }

std::string Instance::path_text() const {
    if (!parent_) return "/";
    std::string above = parent_->path_text();
    if (above != "/") above += "/";
    return above + name_;
}

void* Instance::cast(const Part& part, Str interface_id) {
    for (const InterfaceInfo& interface : part.type->info().interfaces)
        if (interface_id == Str(interface.id)) return interface.cast(part.object);
    return nullptr;
}

void* Instance::query(Str interface_id) {
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part)
        if (void* found = cast(*part, interface_id)) return found;
    return host_ ? host_->query(interface_id) : nullptr;
}

void* Instance::part(Str type_name) {
    for (const Part& part : parts_)
        if (part.type->name() == type_name) return part.object;
    return nullptr;
}

void* Instance::part_of(const Type& owner) const {
    for (const Part& part : parts_)
        if (part.type == &owner) return part.object;
    // A property may be declared by a type whose part is a descendant's or an ancestor's business: a model that
    // is data only has its family's part.
    for (const Type* type = owner.parent(); type; type = type->parent())
        for (const Part& part : parts_)
            if (part.type == type) return part.object;
    return nullptr;
}

Object* Instance::child(Str name) const {
    for (const auto& child : children_)
        if (name == Str(child->name_)) return child.get();
    return nullptr;
}

Object* Instance::create_child(Str type, Str name, Errors& errors) {
    return tree_.create(type, std::string(name.view()), *this, errors);
}

bool Instance::realize_child(Object& child, Errors& errors) {
    return static_cast<Instance&>(child).realize(errors);
}

void Instance::destroy_child(Object& child) { tree_.destroy(static_cast<Instance&>(child)); }

bool Instance::realize(Errors& errors) {
    if (realized_) return true;
    for (const Type::PropertyEntry& entry : type_.properties()) {
        if (!entry.info->required || set_.contains(entry.info->name)) continue;
        errors.fail(std::string(entry.info->name) + " property not set");
        return false;
    }
    if (host_ && !host_->realize(*this, errors)) return false;
    realized_ = true;
    return true;
}

void Instance::unrealize() {
    if (!realized_) return;
    realized_ = false;
    if (host_) host_->unrealize(*this);
}

Instance* Instance::forward_target(std::string_view property) const {
    for (Instance* target : forwarded_)
        if (target->type_.find_property(property) || target->forward_target(property)) return target;
    return nullptr;
}

std::string Instance::property_not_found(std::string_view name) const {
    std::vector<std::string> names;
    for (const auto& entry : type_.properties()) names.emplace_back(entry.info->name);
    for (const Instance* target : forwarded_)
        for (const auto& entry : target->type_.properties()) names.emplace_back(entry.info->name);
    const std::string near = nearest(name, names);
    return "Property '" + std::string(type_.info().name) + "." + std::string(name) + "' not found" +
           (near.empty() ? "" : "; did you mean '" + near + "'?");
}

bool Instance::require_settable(const Type::PropertyEntry& entry, Errors& errors) const {
    const std::string which = "Property '" + std::string(type_.info().name) + "." + entry.info->name + "'";
    if (!entry.info->set) {
        errors.fail(which + " is read-only");
        return false;
    }
    if (realized_ && !entry.info->settable_when_realized) {
        errors.fail(which + " cannot be changed once the " +
                    (is_a("device") ? "device is realized" : "object is in use"));
        return false;
    }
    return true;
}

bool Instance::set_property(Str name, Str value, Errors& errors) {
    const Type::PropertyEntry* entry = type_.find_property(name);
    if (entry) return require_settable(*entry, errors) && apply(*entry, value, errors);
    if (Instance* target = forward_target(name)) return target->set_property(name, value, errors);
    errors.fail(property_not_found(name));
    return false;
}

bool Instance::apply(const Type::PropertyEntry& entry, std::string_view text, Errors& errors) {
    PropertyValue value;
    return parse_property(*entry.info, type_.info().name, text, tree_, value, errors) &&
           assign(entry, value, errors);
}

bool Instance::assign(const Type::PropertyEntry& entry, const PropertyValue& value, Errors& errors) {
    void* part = part_of(*entry.owner);
    if (!part || !entry.info->set) {
        errors.fail("Property '" + std::string(type_.info().name) + "." + entry.info->name +
                    "' cannot be set");
        return false;
    }
    if (auto* target = static_cast<Instance*>(value.object); target && target->leads_to(*this)) {
        errors.fail("Property '" + std::string(type_.info().name) + "." + entry.info->name + "': '" +
                    target->path_text() + "' leads back to '" + path_text() +
                    "'; what uses another cannot be used by it");
        return false;
    }
    ErrorText reason;
    if (!refusable(callee_, "set()", reason,
                   [&](Errors& refusal) { return entry.info->set(part, value, refusal); })) {
        errors.fail("property '" + std::string(type_.info().name) + "." + entry.info->name +
                    "': " + reason.text());
        return false;
    }
    set_.emplace(entry.info->name);
    if (entry.info->kind != PropertyKind::Link) return true;
    if (const auto old = links_.find(entry.info->name); old != links_.end()) {
        std::erase(old->second.target->users_, User{this, old->second.property});
        links_.erase(old);
    }
    if (auto* target = static_cast<Instance*>(value.object)) {
        const Type::PropertyEntry* kept = type_.find_property(entry.info->name);
        links_[entry.info->name] = {target, kept};
        target->users_.push_back({this, kept});
    }
    return true;
}

/// Is `other` this object, or what its links lead to?
bool Instance::leads_to(const Instance& other) const {
    std::set<const Instance*> seen;
    std::vector<const Instance*> todo{this};
    while (!todo.empty()) {
        const Instance* at = todo.back();
        todo.pop_back();
        if (at == &other) return true;
        if (!seen.insert(at).second) continue;
        for (const auto& [name, link] : at->links_) todo.push_back(link.target);
    }
    return false;
}

bool Instance::set_link(Str name, Object* target, Errors& errors) {
    const Type::PropertyEntry* entry = type_.find_property(name);
    if (!entry) {
        if (Instance* forward = forward_target(name)) return forward->set_link(name, target, errors);
        errors.fail(property_not_found(name));
        return false;
    }
    if (entry->info->kind != PropertyKind::Link) {
        errors.fail("Property '" + std::string(type_.info().name) + "." + std::string(name.view()) +
                    "' is not a link");
        return false;
    }
    if (target && entry->info->choices && !target->query(entry->info->choices)) {
        errors.fail("'" + std::string(target->type_name().view()) + "' does not offer " +
                    entry->info->choices + ", which property '" + std::string(name.view()) + "' needs");
        return false;
    }
    PropertyValue value;
    value.kind = PropertyKind::Link;
    value.object = target;
    return require_settable(*entry, errors) && assign(*entry, value, errors);
}

bool Instance::get_property(Str name, TextSink& out, Errors& errors) {
    const Type::PropertyEntry* entry = type_.find_property(name);
    if (!entry) {
        if (Instance* target = forward_target(name)) return target->get_property(name, out, errors);
        errors.fail(property_not_found(name));
        return false;
    }
    if (entry->info->kind == PropertyKind::Link) {
        const auto link = links_.find(name.view());
        if (link != links_.end()) link->second.target->path(out);
        return true;
    }
    void* part = part_of(*entry->owner);
    if (!entry->info->get || !part) {
        errors.fail("Property '" + std::string(type_.info().name) + "." + entry->info->name +
                    "' cannot be read");
        return false;
    }
    PropertyValue value;
    value.kind = entry->info->kind;
    if (!refusable(callee_, "get()", errors, [&](Errors&) {
            entry->info->get(part, value);
            return true;
        }))
        return false;
    switch (value.kind) {
    case PropertyKind::Bool: out.append(value.boolean ? "on" : "off"); break;
    case PropertyKind::Int: out.append(std::to_string(value.integer)); break;
    case PropertyKind::UInt:
    case PropertyKind::Size: out.append(std::to_string(value.number)); break;
    case PropertyKind::String: out.append(value.text); break;
    case PropertyKind::Enum: {
        std::string_view rest = entry->info->choices;
        for (std::uint64_t i = 0; i < value.number && !rest.empty(); ++i) {
            const std::size_t bar = rest.find('|');
            rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
        }
        out.append(rest.substr(0, rest.find('|')));
        break;
    }
    case PropertyKind::Link: break;
    }
    return true;
}

void Instance::forward_properties(Object& child) { forwarded_.push_back(static_cast<Instance*>(&child)); }

ObjectTree::ObjectTree(TypeStore& types, HostMaker make_host)
    : types_(types), make_host_(std::move(make_host)) {
    ErrorText errors;
    root_ = std::make_unique<Instance>(*this, *types_.find("container", errors), "", nullptr);
}

/// Later objects use earlier ones, so they go first; but what has a link goes before what it points to.
ObjectTree::~ObjectTree() {
    while (!root_->children_.empty())
        if (!destroy_unused(*root_)) destroy(*root_->children_.back());
}

/// One round over a folder and the folders in it: true when something went.
bool ObjectTree::destroy_unused(Instance& container) {
    bool any = false;
    for (std::size_t i = container.children_.size(); i-- > 0;) {
        if (i >= container.children_.size()) continue;
        Instance& child = *container.children_[i];
        const bool folder = child.type_name() == Str("container") && !child.children_.empty();
        if (folder) {
            any |= destroy_unused(child);
        } else if (!child.user_outside()) {
            destroy(child);
            any = true;
        }
    }
    return any;
}

Instance* ObjectTree::create(std::string_view type_name, std::string name, Instance& parent, Errors& errors) {
    const Type* type = types_.find(type_name, errors);
    if (!type) return nullptr;
    if (type->info().abstract) {
        errors.fail("type '" + std::string(type_name) +
                    "' is abstract: it cannot be made, only what derives from it");
        return nullptr;
    }
    if (name.empty()) {
        unsigned number = 0;
        while (parent.child(name = "device[" + std::to_string(number) + "]")) ++number;
    }
    if (parent.child(name)) {
        errors.fail("'" + parent.path_text() + "' has a child named '" + name + "' already");
        return nullptr;
    }
    parent.children_.push_back(std::make_unique<Instance>(*this, *type, std::move(name), &parent));
    Instance* instance = parent.children_.back().get();
    if (make_host_) instance->host_ = make_host_(*instance);
    if (InstanceHost* host = instance->host())
        instance->callee_.on_failure([host](const std::string& message) { host->broke(message); });
    if (instance->initialise(errors)) return instance;
    std::erase_if(parent.children_, [&](const auto& child) { return child.get() == instance; });
    return nullptr;
}

/// What was made last goes first; all of it before anything that it uses (its memory) is taken away.
void ObjectTree::unrealize_all(Instance& from) {
    for (std::size_t i = from.children_.size(); i-- > 0;) unrealize_all(*from.children_[i]);
    from.unrealize();
}

void ObjectTree::destroy(Instance& instance) {
    unrealize_all(instance);
    if (destroy_hook_) walk(instance, destroy_hook_);
    Instance* parent = instance.parent_;
    std::erase(parent->forwarded_, &instance);
    // Out of the list first, so that nobody finds a half-destroyed object; children go later first.
    const auto it =
        std::ranges::find_if(parent->children_, [&](const auto& child) { return child.get() == &instance; });
    const std::unique_ptr<Instance> going = std::move(*it);
    parent->children_.erase(it);
}

Instance* ObjectTree::find(std::string_view path_or_id) {
    if (path_or_id.starts_with('/')) return find_path(path_or_id);
    return find_id(path_or_id);
}

/// What is on a bus is found below the bus's device as well: paths that users know leave buses out.
Instance* ObjectTree::child_of(Instance& parent, std::string_view name) {
    if (Object* own = parent.child(name)) return static_cast<Instance*>(own);
    for (const auto& bus : parent.children_)
        if (Object* found = bus->is_a("bus") ? bus->child(name) : nullptr)
            return static_cast<Instance*>(found);
    return nullptr;
}

Instance* ObjectTree::find_path(std::string_view path) {
    Instance* at = root_.get();
    while (!path.empty()) {
        if (path.front() == '/') {
            path.remove_prefix(1);
            continue;
        }
        const std::size_t slash = path.find('/');
        at = child_of(*at, path.substr(0, slash));
        if (!at) return nullptr;
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
    }
    return at;
}

Instance* ObjectTree::find_id(std::string_view id) {
    Instance* found = nullptr;
    if (!id.empty())
        walk(*root_, [&](Instance& instance) {
            if (!found && instance.id_ == id) found = &instance;
        });
    return found;
}

void ObjectTree::walk(Instance& from, const std::function<void(Instance&)>& visit) {
    visit(from);
    for (std::size_t i = 0; i < from.children_.size(); ++i) walk(*from.children_[i], visit);
}

std::vector<PropertyDefault> ObjectTree::unused_globals() const {
    std::vector<PropertyDefault> unused;
    for (const Global& global : globals_)
        if (!global.used) unused.push_back(global.value);
    return unused;
}

}  // namespace backplane::kernel
