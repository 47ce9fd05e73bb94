// Properties from text, as the command line gives them.
#pragma once

#include <backplane/type.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

class ObjectTree;

/// Parses a property's text into a value, checking kind and range. Links are resolved in `tree`, among the objects
/// that are realized.
bool parse_property(const PropertyInfo& info, std::string_view owner, std::string_view text, ObjectTree& tree,
                    PropertyValue& value, Errors& errors);
/// Would parse_property() take the text? What a link names is not looked at.
bool check_property_text(const PropertyInfo& info, std::string_view owner, std::string_view text,
                         Errors& errors);
/// "512M", "1G", "0x1000": bytes. A bare number is in units of `unit` bytes.
std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit = 1);
/// The candidate nearest to `name`, when at most a third of its letters (at least one) are wrong, missing or too many;
/// two neighbours that changed places count as one. Empty when there is none.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);
/// A sentence and what follows from it: "it is not there; -x help lists them", or "did you mean 'y'? -x help lists them".
std::string and_then(std::string sentence, std::string_view more);

}  // namespace backplane::kernel
