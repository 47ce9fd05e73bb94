#include "kernel/vocabulary/log_items.h"

#include "kernel/object/property_text.h"

#include <algorithm>

namespace backplane::kernel {

Slice<const LogItem> log_items() {
    static constexpr LogItem kItems[] = {
        {"in_asm", "the guest's code, as it is translated"},
        {"op", "the translator's intermediate code"},
        {"out_asm", "the host's code that is made of it"},
        {"int", "interrupts and exceptions that a CPU takes"},
        {"exec", "each translated block as it is entered"},
        {"cpu", "the CPU's registers before each translated block"},
        {"mmu", "address translation"},
        {"guest_errors", "what a guest does and should not, once each"},
        {"unimp", "what a guest uses and the model has not, once each"},
        {"all", "everything"},
    };
    return kItems;
}

bool known_log_item(const Catalog& catalog, const std::string& name, Errors& errors) {
    std::vector<std::string> names;
    for (const LogItem& item : log_items()) names.emplace_back(item.name);
    for (const PluginFile& file : catalog.plugins()) {
        names.push_back(file.manifest.plugin);
        for (const ManifestType& type : file.manifest.types) names.push_back(type.name);
    }
    if (std::ranges::find(names, name) != names.end()) return true;
    const std::string near = nearest(name, names);
    errors.fail(and_then("there is no such log item" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
                         "-d help lists them"));
    return false;
}

}  // namespace backplane::kernel
