// Objects as a plugin sees them: an instance of a registered type, with properties, children and a path.
//
// An instance is a list of *parts*, one per type of its ancestry that has an instance_init, parents first. A
// part is the plugin's own C++ object; the shell around it (name, properties, children) is the host's. What a
// part can do for others it offers as interfaces by id, so that no header of a plugin is needed to use it.
#pragma once

#include <backplane/abi.h>

#include <stdexcept>
#include <string>

namespace backplane {

/// Owner: the host. Thread: the main thread or a thread that holds the machine lock, unless said otherwise.
class Object {
  public:
    /// The last component of path(), e.g. "serial0". Valid for the object's life.
    virtual Str name() const = 0;
    /// The name of the type that the object was made from. Valid for ever.
    virtual Str type_name() const = 0;
    /// The canonical path, e.g. "/machine/serial0".
    virtual void path(TextSink& out) const = 0;
    /// The object's `id=` of the command line; empty when it has none. Valid for the object's life.
    virtual Str id() const = 0;

    /// The interface `id` of the most derived part that offers it; null when none does.
    virtual void* query(Str interface_id) = 0;
    /// The checked cast by name: the part that `type_name` contributed. Null when the object is no such type, or
    /// when that type has no part.
    virtual void* part(Str type_name) = 0;
    /// Is the object's type `type_name`, or derived from it?
    virtual bool is_a(Str type_name) const = 0;

    virtual Object* parent() const = 0;
    /// The child of that name; null when there is none.
    virtual Object* child(Str name) const = 0;
    virtual std::size_t child_count() const = 0;
    virtual Object* child_at(std::size_t index) const = 0;

    /// Makes an object of `type` below this one. Null and a reason on failure (unknown type, abstract type, name in
    /// use, a plugin that does not load). A device made so is realized when its creator calls realize_child().
    virtual Object* create_child(Str type, Str name, Errors& errors) = 0;
    /// Realizes a child device (and completes other objects): its properties are final from here on.
    virtual bool realize_child(Object& child, Errors& errors) = 0;
    /// Finalizes and frees the child, its children first.
    virtual void destroy_child(Object& child) = 0;

    /// Sets a property from its text form, as the command line would.
    virtual bool set_property(Str name, Str value, Errors& errors) = 0;
    /// Sets a link property to an object.
    virtual bool set_link(Str name, Object* target, Errors& errors) = 0;
    /// Writes the property's text form.
    virtual bool get_property(Str name, TextSink& out, Errors& errors) = 0;
    /// Properties that this object does not have are looked up in `child` (a proxy for its backend).
    virtual void forward_properties(Object& child) = 0;

  protected:
    ~Object() = default;
};

/// The interface `Interface` of `object`, found by `Interface::kId`; null when the object does not offer it.
template <class Interface>
Interface* query(Object& object) {
    return static_cast<Interface*>(object.query(Interface::kId));
}

/// The same where it cannot be missing but by a mistake of the type's author: throws what that was, within the plugin.
template <class Interface>
Interface& require(Object& object, const char* what) {
    if (auto* found = query<Interface>(object)) return *found;
    throw std::logic_error("type '" + std::string(object.type_name().view()) + "' is no " + what +
                           ": it does not offer " + Interface::kId + "; is its parent the right one?");
}

/// The root of the tree that `object` is in.
inline Object& root_of(Object& object) {
    Object* root = &object;
    while (root->parent()) root = root->parent();
    return *root;
}

/// Calls `visit` with `object` and with all below it, parents first.
template <class Visit>
void for_each_below(Object& object, const Visit& visit) {
    visit(object);
    for (std::size_t i = 0; i < object.child_count(); ++i) for_each_below(*object.child_at(i), visit);
}

/// The interface of the first of them that offers it; null when none does.
template <class Interface>
Interface* find_below(Object& object) {
    if (auto* found = query<Interface>(object)) return found;
    for (std::size_t i = 0; i < object.child_count(); ++i)
        if (auto* found = find_below<Interface>(*object.child_at(i))) return found;
    return nullptr;
}

}  // namespace backplane
