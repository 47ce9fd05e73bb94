// What is wrong with types as their manifests have them: found before anything is loaded, so that what is listed is
// what can be made.
#pragma once

#include "kernel/module/manifest.h"

#include <functional>
#include <unordered_map>

namespace backplane::kernel {

/// What the core offers to users itself: no plugin takes a name of it.
struct CoreNames {
    std::vector<std::string> options{};  ///< without dashes
    std::vector<ManifestCommand> commands{};
    std::vector<ManifestEvent> events{};
};

class TypeCheck {
  public:
    using Find = std::function<const ManifestType*(std::string_view name)>;
    using Explain = std::function<std::string(std::string_view name)>;
    /// `find`: the type of a name. `missing`: what is known of a type that `find` does not have ("no plugin … has").
    TypeCheck(Find find, Explain missing, const CoreNames& core = {});

    /// Why the type cannot be made; empty when it can. Looks at its ancestors first. A command or an option is the core's
    /// or that of the one type that is asked for first; an event may come from several, if it has the same members.
    const std::string& verdict(const ManifestType& type);
    /// The type and its ancestors, nearest first; ends where one is missing or comes again. Found once per type.
    const std::vector<const ManifestType*>& ancestry(const ManifestType& type) const;
    bool is_a(const ManifestType& type, std::string_view ancestor) const;
    /// What does not keep it from being made, and is hardly meant; for a type with an empty verdict.
    std::vector<std::string> warnings(const ManifestType& type,
                                      const std::vector<const ManifestType*>& all) const;

  private:
    using Check = std::string (TypeCheck::*)(const ManifestType&) const;
    std::string problem(const ManifestType& type);
    std::string ancestry_problem(const ManifestType& type) const;
    std::string property_problem(const ManifestType& type) const;
    std::string history_problem(const ManifestType& type) const;
    std::string interface_problem(const ManifestType& type) const;
    std::string outside_problem(const ManifestType& type) const;
    std::string version_problem(const ManifestType& type) const;
    std::string claim(const ManifestType& type);
    std::string claim_events(const ManifestType& type);
    std::string delta_warning(const ManifestDelta& delta, const std::vector<const ManifestType*>& all) const;
    const ManifestProperty* find_property(const ManifestType& type, std::string_view name) const;

    Find find_;
    Explain missing_;
    std::unordered_map<const ManifestType*, std::string> verdicts_;
    mutable std::unordered_map<const ManifestType*, std::vector<const ManifestType*>> ancestries_;
    /// Whose is what users name, by what it is ("option '-vnc'"); null: the core's.
    std::unordered_map<std::string, const ManifestType*> owners_;
    struct EventOwner {
        std::string text;
        std::vector<ManifestArgument> members;
    };
    std::unordered_map<std::string, EventOwner> event_owners_;
};

}  // namespace backplane::kernel
