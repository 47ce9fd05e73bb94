#include "kernel/vocabulary/absent.h"

#include <algorithm>

namespace backplane::kernel {

std::string absent_reason(const Catalog& catalog, std::string_view name, std::string_view ancestor) {
    for (const Catalog::Listed& listed : catalog.list(ancestor, true)) {
        const ManifestType& type = *listed.type;
        const std::vector<std::string> names = type.option_names();
        if (std::ranges::find(names, name) != names.end() && catalog.category_of(type) == "Absent")
            return type.summary;
    }
    return {};
}

}  // namespace backplane::kernel
