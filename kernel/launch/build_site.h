// A machine in the making: what its builders share, and the steps, each in a file named for what it builds.
#pragma once

#include "kernel/launch/plan.h"
#include "kernel/machine/machine.h"

#include <backplane/text.h>

#include <map>

namespace backplane::kernel {

struct BuildSite {
    BuildSite(const LaunchPlan& plan_, Machine& machine_)
        : plan(plan_), machine(machine_), catalog(machine_.catalog()) {}

    const LaunchPlan& plan;
    Machine& machine;
    Catalog& catalog;
    ErrorText errors;
    std::string machine_name;  ///< as its option names it
    std::string cpu_option;    ///< "-cpu MODEL", said or not
    std::string cpu_type;
    PropertyList accelerator_properties{};  ///< that were said of the machine

    /// Throws what the last call left in `errors`, unless it went well.
    void check(bool ok, const std::string& option);
    /// The same of a call that set `properties` of a `type`: `help` is what lists those that there are.
    void check(bool ok, const std::string& option, const std::string& type, const PropertyList& properties,
               const std::string& help);
    std::string machine_option() const;
};

/// The type that `name` stands for; `listing` is the option that lists them. Throws UserError.
std::string resolve_type(const Catalog& catalog, const std::string& option, const std::string& name,
                         std::string_view ancestor, std::string_view what, const std::string& listing);
/// Throws UserError when a property was written as what it is not: a number as a path, a text as a number.
void check_json_kinds(const Catalog& catalog, const std::string& option, const std::string& type,
                      const JsonKinds& kinds);
/// Null: the type has no such property.
const ManifestProperty* find_listed(const Catalog& catalog, const std::string& type,
                                    const std::string& property);
/// The machine that is asked for, or the default one. Throws UserError.
std::string machine_name(const LaunchPlan& plan, const Catalog& catalog);
std::vector<std::string> firmware_path(const LaunchPlan& plan);

/// What the machine's switches say of the memory of backends that do not say it themselves, as their properties.
PropertyList memory_defaults(const LaunchPlan& plan);
/// Objects, character devices, block nodes, networks.
void make_backends(BuildSite& site);
void make_object(BuildSite& site, const ObjectPlan& object);
/// The machine object and all that it is told ahead of its chips.
void configure_machine(BuildSite& site, const std::string& type);
/// What was asked for, else what there is; in turn.
std::vector<AcceleratorChoice> accelerators(const BuildSite& site);
/// Empty: there is none of that name.
std::string accelerator_type(const Catalog& catalog, const AcceleratorChoice& choice);
void open_accelerator(BuildSite& site);

void add_device(BuildSite& site, const DevicePlan& device);
void add_nics(BuildSite& site);
/// The graphics adapter that was asked for.
void add_display(BuildSite& site);
/// Does the user add a device of one of these types ('|' between them; null: of none)? It takes the place of one that the
/// machine would have.
bool user_adds(const LaunchPlan& plan, const char* types);
void make_monitors(BuildSite& site);
void make_services(BuildSite& site);
/// Is there a service among those of the plan that a saved machine comes from?
bool awaits_state(const BuildSite& site);

/// Where drives go: to chips of the board, or as devices into its buses.
class DrivePlaces {
  public:
    explicit DrivePlaces(BuildSite& site) : site_(site) {}
    void place();
    void plug();
    /// Throws UserError for a drive that the board has no place for.
    void expect_used();

  private:
    void add_empty(const DefaultDrive& drive);

    BuildSite& site_;
    std::vector<DevicePlan> plugged_;
    std::map<std::pair<std::string, unsigned>, std::string>
        on_board_;  ///< its option, by interface and index
};

}  // namespace backplane::kernel
