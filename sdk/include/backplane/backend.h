// Host backends (chardev, netdev, block nodes, -object): what they implement, and what they are given.
#pragma once

#include <backplane/event_loop.h>
#include <backplane/log.h>
#include <backplane/object.h>
#include <backplane/type.h>

namespace backplane {

/// Implemented by the part of a backend or a user-creatable object. Thread: main, or holding the machine lock.
class Completable {
  public:
    static constexpr const char* kId = "backplane.completable/1";
    /// All properties are set. False and a reason that names the property at fault.
    virtual bool complete(Errors& errors) = 0;
    /// The object is about to go; nothing may be in use.
    virtual void shut_down() = 0;

  protected:
    ~Completable() = default;
};

/// What the host gives to such an object. Owner: the host, for the object's life.
class BackendContext {
  public:
    static constexpr const char* kId = "backplane.backend-context/1";
    virtual Object& object() = 0;
    virtual EventLoop& loop() = 0;
    virtual Log& log() = 0;
    /// Asks the machine to end, as a user would (the escape key of a multiplexer, a closed window).
    virtual void request_quit() = 0;
    virtual void emit_event(Str name, Str json) = 0;
    /// Another object by its id, or null.
    virtual Object* find(Str id) = 0;
    virtual void* host_interface(Str interface_id) = 0;

  protected:
    ~BackendContext() = default;
};

/// The context of an object that is neither a device nor a board. Throws for those, which the host reports with the
/// type's name.
inline BackendContext& backend_context(Object& object) { return require<BackendContext>(object, "backend"); }

/// A TypeInfo for a backend of class T (constructor T(Object&)).
template <class T>
constexpr TypeInfo backend_type(TypeInfo info) {
    info.user_creatable = !info.abstract;
    info.instance_init = make_part<T>;
    info.instance_finalize = free_part<T>;
    return info;
}

}  // namespace backplane
