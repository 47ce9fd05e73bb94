// What a property takes of JSON: a number is no text, and a text no number. One rule for options and for commands.
#pragma once

#include "kernel/vocabulary/json_options.h"

#include <optional>
#include <string_view>
#include <vector>

namespace backplane::kernel {

class Catalog;
struct ManifestProperty;

/// The listed properties of one type. Refers to the catalogue.
class PropertyKinds {
  public:
    /// A type that is not listed has none, and takes anything.
    PropertyKinds(const Catalog& catalog, std::string_view type);
    /// What the property should have been written as, where `found` (nothing: a list, a fraction) is wrong. Null: it is
    /// right, or the property is not listed.
    const JsonKind* other_than(std::optional<JsonKind> found, std::string_view property) const;

  private:
    std::vector<const ManifestProperty*> properties_;
};

}  // namespace backplane::kernel
