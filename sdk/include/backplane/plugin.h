// What makes a shared object a plugin: its types, a constructor that queues their registration, and a manifest
// in an ELF note from which the host lists and resolves names without loading the file.
//
//   constexpr backplane::TypeInfo kTypes[] = {…};
//   BACKPLANE_PLUGIN("acme-blinker", "1.0", "Acme Ltd", kTypes)
//
// What includes <backplane/draft/…> in any of its files needs the exact host build; the host sees it by itself.
#pragma once

#include <backplane/detail/manifest.h>

/// Declares the plugin of this shared object. `types` names a constexpr array of TypeInfo. Once per shared object.
#define BACKPLANE_PLUGIN(plugin_name, plugin_version, plugin_vendor, types) \
    BACKPLANE_PLUGIN_IMPLEMENTATION(plugin_name, plugin_version, plugin_vendor, types)

/// Queues one more initialiser of a plugin, bool(TypeRegistry&, Errors&), for what constant data cannot say.
/// `init_phase`: Qom or Late (<backplane/module.h>).
#define BACKPLANE_TYPE_INIT(function, init_phase) BACKPLANE_TYPE_INIT_IMPLEMENTATION(function, init_phase)
