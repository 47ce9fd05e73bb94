// How a module's types reach the host: its constructors queue initialisers, and the host runs them after the gate.
// A plugin's author writes BACKPLANE_PLUGIN (<backplane/plugin.h>), which does this.
#pragma once

#include <backplane/type.h>

namespace backplane {

/// Phases of the registry's init lists, run in this order after the gate. Default: Late.
enum class ModuleInit : std::uint8_t { Qom, Late };

class TypeRegistry {
  public:
    /// Stores the rows. False and a reason for a duplicate name (naming both plugins) or a malformed entry.
    virtual bool register_types(const TypeTable& table, Errors& errors) = 0;

  protected:
    ~TypeRegistry() = default;
};

/// A queued initialiser. Static storage in the plugin; the host links it and never frees it. Fixed.
struct ModuleInitNode {
    ModuleInitNode* next;
    ModuleInit phase;
    /// May throw nothing across; false and a reason refuses the plugin.
    bool (*run)(TypeRegistry& registry, Errors& errors);
};

}  // namespace backplane

/// The one symbol that a plugin takes from the host: links a node into the list for its phase. Called by
/// constructors only; allocates nothing.
extern "C" BACKPLANE_EXPORT void backplane_module_queue(backplane::ModuleInitNode* node) noexcept;
