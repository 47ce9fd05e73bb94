// What executes the guest's code: what was asked for, or all that there is.
#include "kernel/launch/build_site.h"
#include "kernel/object/property_text.h"
#include "kernel/vocabulary/user_error.h"

namespace backplane::kernel {
namespace {

/// What is marked as the default works anywhere. Where nothing is: everything in the catalogue that executes code, by name.
std::vector<AcceleratorChoice> default_accelerators(const Catalog& catalog) {
    constexpr std::string_view kTestCategory = "Test";
    std::vector<AcceleratorChoice> all, anywhere;
    for (const Catalog::Listed& listed : catalog.list("accelerator")) {
        const TextPart name = listed.type->option_name();
        if (catalog.category_of(*listed.type) == kTestCategory) continue;
        all.push_back({name, {}});
        if (listed.type->is_default) anywhere.push_back({name, {}});
    }
    return anywhere.empty() ? all : anywhere;
}

}  // namespace

std::vector<AcceleratorChoice> accelerators(const BuildSite& site) {
    std::vector<AcceleratorChoice> choices;
    for (const AcceleratorPlan& a : site.plan.accelerators) choices.push_back({a.name, a.properties});
    if (!choices.empty()) return choices;
    return default_accelerators(site.catalog);
}

std::string accelerator_type(const Catalog& catalog, const AcceleratorChoice& choice) {
    IgnoredErrors unknown;
    return catalog.resolve_option(choice.name, "accelerator", "accelerator", unknown);
}

void open_accelerator(BuildSite& site) {
    std::vector<AcceleratorChoice> choices = accelerators(site);
    for (AcceleratorChoice& choice : choices)
        for (const auto& property : site.accelerator_properties)
            if (find_listed(site.catalog, accelerator_type(site.catalog, choice), property.first))
                choice.properties.insert(choice.properties.begin(), property);
    if (site.machine.open_accelerator(choices, site.errors)) return;
    const std::string text = site.errors.text();
    if (choices.empty()) throw UserError(text);
    ErrorText unknown;
    const AcceleratorChoice& last = choices.back();
    const std::string type = site.catalog.resolve_option(last.name, "accelerator", "accelerator", unknown);
    if (type.empty()) throw UserError(and_then(text, "-accel help lists them"));
    site.check(false, "", type, last.properties, "-accel " + last.name + ",help");
}

}  // namespace backplane::kernel
