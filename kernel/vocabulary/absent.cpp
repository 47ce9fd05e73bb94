#include "kernel/vocabulary/absent.h"

#include <algorithm>

namespace backplane::kernel {

std::string absent_reason(const Catalog& catalog, std::string_view name, std::string_view ancestor) {
    for (const Catalog::Listed& listed : catalog.list(ancestor, true)) {
        const ManifestType& type = *listed.type;
        const bool named =
            name == type.option_name() || std::ranges::find(type.aliases, name) != type.aliases.end();
        if (named && catalog.category_of(type) == "Absent") return type.summary;
    }
    return {};
}

}  // namespace backplane::kernel
