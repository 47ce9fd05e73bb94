// An option's value as a JSON object: {"driver": "raw", "file": {"driver": "file", "filename": "a"}}.
#pragma once

#include "kernel/object/property_list.h"

#include <map>
#include <string>
#include <string_view>

namespace backplane::kernel {

/// What a member was written as. A property takes one of them and no other: 5 is no path, and "5" no number.
enum class JsonKind { Text, Number, Flag };
using JsonKinds = std::map<std::string, JsonKind, std::less<>>;

struct JsonOptions {
    PropertyList members;  ///< nested ones as "file.filename", of lists as "list.0"
    JsonKinds kinds;
};

/// Throws UserError when it is no object of texts, whole numbers, flags, objects and lists of them, names a member
/// twice, or is nested too deep. Texts may stand in single quotes.
JsonOptions read_json_options(std::string_view text);

}  // namespace backplane::kernel
