// Where exceptions come from.
#pragma once

namespace backplane::kernel {

struct MappedPlugin;

/// The plugin whose code the calling thread's last exception was thrown from; null: from no plugin's. The catching
/// frame alone cannot tell: a device that a backend called is another plugin than the one that the host called.
const MappedPlugin* last_throw_plugin() noexcept;

}  // namespace backplane::kernel
