#include "kernel/vocabulary/json_kinds.h"

#include "kernel/module/catalog.h"

#include <algorithm>

namespace backplane::kernel {

PropertyKinds::PropertyKinds(const Catalog& catalog, std::string_view type) {
    if (const ManifestType* listed = catalog.find_type(type)) properties_ = catalog.properties(*listed);
}

const JsonKind* PropertyKinds::other_than(std::optional<JsonKind> found, std::string_view property) const {
    static constexpr JsonKind kText = JsonKind::Text, kNumber = JsonKind::Number, kFlag = JsonKind::Flag;
    const auto listed = std::ranges::find(properties_, property, &ManifestProperty::name);
    if (listed == properties_.end()) return nullptr;
    const std::string& kind = (*listed)->kind;
    // A size is also what people write: "1G".
    if (kind == "size" && found == kText) return nullptr;
    const bool number = kind == "int" || kind == "uint" || kind == "size";
    const JsonKind& wanted = number ? kNumber : kind == "bool" ? kFlag : kText;
    return found == wanted ? nullptr : &wanted;
}

}  // namespace backplane::kernel
