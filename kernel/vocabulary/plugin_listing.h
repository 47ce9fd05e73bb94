// The command `plugin`: what is on the search path, from manifests alone.
#pragma once

#include <string>
#include <vector>

namespace backplane::kernel {

class Catalog;
struct CoreNames;

struct PluginAnswer {
    std::string text;
    bool refused = false;  ///< something that was asked about is not used: the exit status is 1
};

/// What "plugin list" shows.
PluginAnswer plugin_list(const Catalog& catalog);
/// "list", "info NAME" or "why NAME", with "--json" and "--plugin-dir FOLDER". Throws UserError.
PluginAnswer answer_plugin_command(const std::vector<std::string>& arguments, const CoreNames& core);

}  // namespace backplane::kernel
