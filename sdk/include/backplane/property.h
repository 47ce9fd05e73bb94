// Typed properties from a pointer to the member that holds them:
//   constexpr PropertyInfo kProperties[] = {   // below the class: the members must be public, the class complete
//       property<&Blinker::period_>({.name = "period", .summary = "ms between blinks", .default_text = "1000"}),
//   };
// bool → Bool, signed → Int, unsigned → UInt (with the member's range), std::string → String, an interface
// pointer → Link to an object that offers it. Sizes and choices say so: size_property, enum_property.
#pragma once

#include <backplane/object.h>
#include <backplane/type.h>

#include <limits>
#include <string>
#include <type_traits>

namespace backplane {

template <auto Member>
struct MemberOf;
template <class Owner_, class Value_, Value_ Owner_::*Pointer>
struct MemberOf<Pointer> {
    using Owner = Owner_;
    using Value = Value_;
};

template <auto Member>
constexpr PropertyInfo property(PropertyInfo info) {
    using Owner = typename MemberOf<Member>::Owner;
    using Value = typename MemberOf<Member>::Value;
    if constexpr (std::is_same_v<Value, bool>) {
        info.kind = PropertyKind::Bool;
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            static_cast<Owner*>(part)->*Member = v.boolean;
            return true;
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.boolean = static_cast<const Owner*>(part)->*Member;
        };
    } else if constexpr (std::is_integral_v<Value> && std::is_signed_v<Value>) {
        info.kind = PropertyKind::Int;
        info.maximum = std::uint64_t(std::numeric_limits<Value>::max());
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            static_cast<Owner*>(part)->*Member = Value(v.integer);
            return true;
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.integer = static_cast<const Owner*>(part)->*Member;
        };
    } else if constexpr (std::is_integral_v<Value>) {
        info.kind = PropertyKind::UInt;
        if (info.maximum > std::numeric_limits<Value>::max())
            info.maximum = std::numeric_limits<Value>::max();
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            static_cast<Owner*>(part)->*Member = Value(v.number);
            return true;
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.number = static_cast<const Owner*>(part)->*Member;
        };
    } else if constexpr (std::is_same_v<Value, std::string>) {
        info.kind = PropertyKind::String;
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            static_cast<Owner*>(part)->*Member = v.text.view();
            return true;
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.text = static_cast<const Owner*>(part)->*Member;
        };
    } else {
        static_assert(std::is_pointer_v<Value>,
                      "a property is bool, an integer, std::string or an interface pointer");
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
template <auto Member>
constexpr PropertyInfo size_property(PropertyInfo info) {
    info = property<Member>(info);
    info.kind = PropertyKind::Size;
    return info;
}

/// An unsigned or enum-class member that holds the index into `choices` ("on|off|auto").
template <auto Member>
constexpr PropertyInfo enum_property(PropertyInfo info) {
    using Owner = typename MemberOf<Member>::Owner;
    using Value = typename MemberOf<Member>::Value;
    info.kind = PropertyKind::Enum;
    info.set = [](void* part, const PropertyValue& v, Errors&) {
        static_cast<Owner*>(part)->*Member = Value(v.number);
        return true;
    };
    info.get = [](const void* part, PropertyValue& v) {
        v.number = std::uint64_t(static_cast<const Owner*>(part)->*Member);
    };
    return info;
}

}  // namespace backplane
