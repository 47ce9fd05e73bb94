// Launch plan → machine: backends first, then the machine, its accelerator and chips, then what is plugged in.
//
// The plan names types as their options do; here they become types of the catalogue. Everything that depends on
// the machine (the interface of a drive, the model of a NIC, how many serial ports there are) is decided here,
// from the machine's traits.
#include "kernel/launch/build.h"

#include "kernel/launch/boot_files.h"
#include "kernel/launch/build_site.h"
#include "kernel/machine/log_hub.h"
#include "kernel/module/install.h"
#include "kernel/module/value_check.h"
#include "kernel/object/property_text.h"
#include "kernel/vocabulary/absent.h"
#include "kernel/vocabulary/json_kinds.h"
#include "kernel/vocabulary/user_error.h"

#include <backplane/draft/snapshot.h>

#include <algorithm>
#include <mutex>

namespace backplane::kernel {
namespace {

constexpr const char* kFirmwareDirectories[] = {"/usr/local/share/backplane", "/usr/share/backplane",
                                                "/usr/share/qemu", "/usr/share/seabios",
                                                "/usr/lib/ipxe/qemu"};

/// "-cpu NAME" of "-cpu NAME,x=on".
std::string first_word(const std::string& option) { return option.substr(0, option.find(',')); }

/// Is there a CPU that the board made and could not finish?
bool half_made_cpu(Machine& machine) {
    bool found = false;
    machine.objects().walk(machine.objects().root(), [&](Instance& instance) {
        found = found || (!instance.realized() && query<Cpu>(instance));
    });
    return found;
}

/// A board's error, with the option that it is about before it.
void check_board(BuildSite& site, bool ok) {
    if (ok) return;
    const auto [option, message] = read_board_error(site.plan, site.errors.text());
    if (!option.empty() || message != site.errors.text())
        throw UserError((option.empty() ? site.machine_option() : option) + ": " + message);
    if (!half_made_cpu(site.machine)) return site.check(ok, site.machine_option());
    site.check(ok, site.cpu_option, site.cpu_type, site.plan.cpu ? site.plan.cpu->features : PropertyList{},
               first_word(site.cpu_option) + ",help");
}

/// A value that no object could take is wrong whether or not there will be one.
void check_globals(const LaunchPlan& plan, const Catalog& catalog) {
    for (const GlobalPlan& global : plan.globals) {
        const ManifestProperty* property = find_listed(catalog, global.type, global.property);
        const std::string problem = property ? value_problem(*property, global.type, global.value) : "";
        if (!problem.empty()) throw UserError(global.option + ": " + problem);
    }
}

/// One whose type there is, and who has the property, is for an object that this machine has not.
void warn_of_unused_globals(Machine& machine) {
    const Catalog& catalog = machine.catalog();
    for (const PropertyDefault& unused : machine.objects().unused_globals()) {
        if (find_listed(catalog, unused.type, unused.property)) continue;
        const bool type = catalog.find_type(unused.type) != nullptr;
        machine.log().write(LogLevel::Warning, "global",
                            "-global " + unused.type + "." + unused.property + "=" + unused.value + ": " +
                                (type ? "type '" + unused.type + "' has no such property"
                                      : "there is no type '" + unused.type + "'"));
    }
}

Snapshots& snapshots_of(Machine& machine) {
    return *static_cast<Snapshots*>(machine.host_interface(Snapshots::kId));
}

std::string option_of_machine(const LaunchPlan& plan, const std::string& name) {
    return plan.machine_option.empty() ? "-machine " + name : plan.machine_option;
}

}  // namespace

const ManifestProperty* find_listed(const Catalog& catalog, const std::string& type,
                                    const std::string& property) {
    const ManifestType* listed = catalog.find_type(type);
    if (!listed) return nullptr;
    for (const ManifestProperty* each : catalog.properties(*listed))
        if (each->name == property) return each;
    return nullptr;
}

void BuildSite::check(bool ok, const std::string& option) {
    if (ok) return;
    const std::string text = errors.failed() ? errors.text() : "failed without a reason";
    errors.clear();
    throw UserError(option.empty() ? text : option + ": " + text);
}

void BuildSite::check(bool ok, const std::string& option, const std::string& type,
                      const PropertyList& properties, const std::string& help) {
    if (ok) return;
    const bool unknown = std::ranges::any_of(
        properties, [&](const auto& property) { return !find_listed(catalog, type, property.first); });
    if (!unknown || !errors.failed()) return check(false, option);
    const std::string text = and_then(errors.text(), help + " lists them");
    errors.clear();
    errors.fail(text);
    check(false, option);
}

std::string BuildSite::machine_option() const { return option_of_machine(plan, machine_name); }

std::string resolve_type(const Catalog& catalog, const std::string& option, const std::string& name,
                         std::string_view ancestor, std::string_view what, const std::string& listing) {
    ErrorText errors;
    std::string type = catalog.resolve_option(name, ancestor, what, errors);
    if (!type.empty()) return type;
    if (const std::string instead = absent_reason(catalog, name, ancestor); !instead.empty())
        throw UserError(option + ": " + instead);
    throw UserError(option + ": " + errors.text() + "; " + listing + " help lists them");
}

void check_json_kinds(const Catalog& catalog, const std::string& option, const std::string& type,
                      const JsonKinds& kinds) {
    constexpr const char* kNames[] = {"a text in quotes", "a number", "true or false"};
    const PropertyKinds properties(catalog, type);
    for (const auto& [name, found] : kinds)
        if (const JsonKind* wanted = properties.other_than(found, name))
            throw UserError(option + ": JSON member '" + name + "' must be " + kNames[int(*wanted)] +
                            ", not " + kNames[int(found)]);
}

std::string machine_name(const LaunchPlan& plan, const Catalog& catalog) {
    if (!plan.machine.empty()) return plan.machine;
    if (const ManifestType* type = catalog.default_machine()) return type->option_name();
    throw UserError("no machine specified, and there is no default; use -machine help to list the machines");
}

std::vector<std::string> firmware_path(const LaunchPlan& plan) {
    std::vector<std::string> path = plan.firmware_path;
    path.push_back(installed_data().string());
    path.insert(path.end(), std::begin(kFirmwareDirectories), std::end(kFirmwareDirectories));
    return path;
}

void check_machine_type(const LaunchPlan& plan, const Catalog& catalog) {
    const std::string name = machine_name(plan, catalog);
    resolve_type(catalog, option_of_machine(plan, name), name, "machine", "machine type", "-machine");
}

void build_machine(const LaunchPlan& plan, Machine& machine) {
    const std::lock_guard guard(machine.lock());
    BuildSite site(plan, machine);
    for (const std::string& warning : plan.warnings)
        machine.log().write(LogLevel::Warning, "launch", warning);
    if (plan.seed) machine.set_seed(*plan.seed);
    check_globals(plan, site.catalog);
    for (const GlobalPlan& g : plan.globals) machine.objects().add_global({g.type, g.property, g.value});
    site.machine_name = machine_name(plan, site.catalog);
    const std::string type = resolve_type(site.catalog, site.machine_option(), site.machine_name, "machine",
                                          "machine type", "-machine");
    if (awaits_state(site)) snapshots_of(machine).expect();
    make_backends(site);
    configure_machine(site, type);
    DrivePlaces drives(site);
    drives.place();
    open_accelerator(site);
    check_boot_files(plan, firmware_path(plan));
    check_board(site, machine.build(site.errors));
    add_display(site);
    for (const DevicePlan& device : plan.devices) add_device(site, device);
    add_nics(site);
    drives.plug();
    make_monitors(site);
    check_board(site, machine.finish(site.errors));
    drives.expect_used();
    make_services(site);
    warn_of_unused_globals(machine);
}

}  // namespace backplane::kernel
