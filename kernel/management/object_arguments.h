// What commands that make objects read of their arguments.
#pragma once

#include "kernel/management/command.h"
#include "kernel/object/property_list.h"
#include "kernel/vocabulary/json_kinds.h"

#include <backplane/text.h>

#include <initializer_list>

namespace backplane::kernel {

/// Throws CommandError with what is in `errors`, unless all went well.
void expect(bool ok, const ErrorText& errors, const char* error_class = "GenericError");
/// A scalar member as text; empty when it is missing.
std::string member_text(const Json& arguments, const char* name);
/// The `id` that a command must name, by the rule that the command line has.
std::string required_id(const Json& arguments);
/// Removes a backend, when it is one of the kind that the command is for.
Json remove_backend(const Call& call, std::string_view container);

/// chardev-add and chardev-remove, whose rows stand among those of objects.
Json chardev_add(const Call& call);
Json chardev_remove(const Call& call);

/// The members of a call as properties of a type. What a program wrote as something that a property does not take is
/// refused; people write everything as text. Refers to the call.
class JsonProperties {
  public:
    JsonProperties(const Call& call, const std::string& type);
    /// Nested ones as "a.b".
    PropertyList members_but(std::initializer_list<const char*> taken) const;
    /// Adds `value`, which stands as `shown` in the call, as `property`.
    void add(const Json& value, const std::string& property, const std::string& shown,
             PropertyList& out) const;

  private:
    const Call& call_;
    PropertyKinds kinds_;
};

}  // namespace backplane::kernel
