// Typed properties from a pointer to the member that holds them:
//   constexpr PropertyInfo kProperties[] = {   // below the class: the members must be public, the class complete
//       property<&Blinker::period_>({.name = "period", .summary = "ms between blinks", .default_text = "1000"}),
//   };
// bool → Bool, signed → Int, unsigned → UInt (with the member's range), std::string → String, an interface
// pointer → Link to an object that offers it. Sizes and choices say so: size_property, enum_property.
// A value that is in range and still wrong is refused by a check of the author's:
//       property<&Blinker::period_, &Blinker::check_period>({…}),   // bool check_period(std::uint64_t, Errors&)
#pragma once

#include <backplane/object.h>
#include <backplane/type.h>

#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace backplane {

template <auto Member>
struct MemberOf;
template <class Owner_, class Value_, Value_ Owner_::*Pointer>
struct MemberOf<Pointer> {
    using Owner = Owner_;
    using Value = Value_;
};

/// Stores `value` unless the author's check refuses it: a member function bool(value, Errors&) of the part, or a free
/// function bool(const Part&, value, Errors&). The value comes as it was parsed: bool, std::int64_t, std::uint64_t,
/// std::string_view. A refusal gives the reason without the property's name, which the host adds.
template <auto Member, auto Check, class Value>
bool set_checked(void* part, const Value& value, Errors& errors) {
    using Stored = typename MemberOf<Member>::Value;
    auto& owner = *static_cast<typename MemberOf<Member>::Owner*>(part);
    if constexpr (std::is_member_function_pointer_v<decltype(Check)>) {
        if (!(owner.*Check)(value, errors)) return false;
    } else if constexpr (!std::is_null_pointer_v<decltype(Check)>) {
        if (!Check(std::as_const(owner), value, errors)) return false;
    }
    owner.*Member = Stored(value);
    return true;
}

template <auto Member, auto Check = nullptr>
constexpr PropertyInfo property(PropertyInfo info) {
    using Owner = typename MemberOf<Member>::Owner;
    using Value = typename MemberOf<Member>::Value;
    if constexpr (std::is_same_v<Value, bool>) {
        info.kind = PropertyKind::Bool;
        info.set = [](void* part, const PropertyValue& v, Errors& errors) {
            return set_checked<Member, Check>(part, v.boolean, errors);
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.boolean = static_cast<const Owner*>(part)->*Member;
        };
    } else if constexpr (std::is_integral_v<Value> && std::is_signed_v<Value>) {
        info.kind = PropertyKind::Int;
        if (info.maximum > std::uint64_t(std::numeric_limits<Value>::max()))
            info.maximum = std::uint64_t(std::numeric_limits<Value>::max());
        info.set = [](void* part, const PropertyValue& v, Errors& errors) {
            return set_checked<Member, Check>(part, v.integer, errors);
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.integer = static_cast<const Owner*>(part)->*Member;
        };
    } else if constexpr (std::is_integral_v<Value>) {
        info.kind = PropertyKind::UInt;
        if (info.maximum > std::numeric_limits<Value>::max())
            info.maximum = std::numeric_limits<Value>::max();
        info.set = [](void* part, const PropertyValue& v, Errors& errors) {
            return set_checked<Member, Check>(part, v.number, errors);
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.number = static_cast<const Owner*>(part)->*Member;
        };
    } else if constexpr (std::is_same_v<Value, std::string>) {
        info.kind = PropertyKind::String;
        info.set = [](void* part, const PropertyValue& v, Errors& errors) {
            return set_checked<Member, Check>(part, v.text.view(), errors);
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.text = static_cast<const Owner*>(part)->*Member;
        };
    } else {
        static_assert(std::is_pointer_v<Value>,
                      "a property is bool, an integer, std::string or an interface pointer");
        static_assert(std::is_null_pointer_v<decltype(Check)>, "realize() is where a link is looked at");
        using Target = std::remove_pointer_t<Value>;
        info.kind = PropertyKind::Link;
        if constexpr (!std::is_same_v<Target, Object>) info.choices = Target::kId;
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            if constexpr (std::is_same_v<Target, Object>) static_cast<Owner*>(part)->*Member = v.object;
            else static_cast<Owner*>(part)->*Member = v.object ? query<Target>(*v.object) : nullptr;
            return true;
        };
        // What a link shows is kept by the host.
    }
    return info;
}

/// An unsigned member that takes k, M, G, T suffixes on the command line. In bytes.
template <auto Member, auto Check = nullptr>
constexpr PropertyInfo size_property(PropertyInfo info) {
    info = property<Member, Check>(info);
    info.kind = PropertyKind::Size;
    return info;
}

/// An unsigned or enum-class member that holds the index into `choices` ("on|off|auto").
template <auto Member, auto Check = nullptr>
constexpr PropertyInfo enum_property(PropertyInfo info) {
    using Owner = typename MemberOf<Member>::Owner;
    info.kind = PropertyKind::Enum;
    info.set = [](void* part, const PropertyValue& v, Errors& errors) {
        return set_checked<Member, Check>(part, v.number, errors);
    };
    info.get = [](const void* part, PropertyValue& v) {
        v.number = std::uint64_t(static_cast<const Owner*>(part)->*Member);
    };
    return info;
}

}  // namespace backplane
