// Where plugins are looked for, in the order in which the first of a name wins.
#pragma once

#include "kernel/module/trust.h"

namespace backplane::kernel {

/// Who named a folder.
enum class FolderOrigin : std::uint8_t {
    Install,      ///< the installation, or the build: nothing that others name takes the place of what it has
    Option,       ///< --plugin-dir
    Environment,  ///< BACKPLANE_PLUGIN_PATH; not in a process that gained privileges
    User,         ///< backplane/plugins below XDG_DATA_HOME (~/.local/share); likewise
};

struct SearchFolder {
    std::filesystem::path path;  ///< links resolved
    FolderOrigin origin = FolderOrigin::Install;
    std::string problem;   ///< why nothing of it is used; empty: it is
    bool missing = false;  ///< it is not there
};

/// All folders, each once. `options`: what --plugin-dir named.
std::vector<SearchFolder> make_search_path(const std::vector<std::filesystem::path>& options,
                                           const Trust& trust);
/// Who that is, for messages: "--plugin-dir", "the installation".
const char* origin_text(FolderOrigin origin);

}  // namespace backplane::kernel
