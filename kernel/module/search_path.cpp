#include "kernel/module/search_path.h"

#include "kernel/module/install.h"

#include <algorithm>
#include <cstdlib>

namespace backplane::kernel {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> environment_folders() {
    std::vector<fs::path> folders;
    const char* variable = secure_getenv("BACKPLANE_PLUGIN_PATH");
    std::string_view rest = variable ? variable : "";
    while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        if (colon != 0) folders.emplace_back(rest.substr(0, colon));
        rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    return folders;
}

/// "XDG Base Directory Specification" 0.8: a relative XDG_DATA_HOME is not to be taken.
fs::path user_folder() {
    const char* data = secure_getenv("XDG_DATA_HOME");
    if (data && *data == '/') return fs::path(data) / "backplane/plugins";
    const char* home = secure_getenv("HOME");
    return home && *home == '/' ? fs::path(home) / ".local/share/backplane/plugins" : fs::path();
}

void add(std::vector<SearchFolder>& path, const fs::path& folder, FolderOrigin origin, const Trust& trust) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(folder, error);
    const fs::path& shown = error ? folder : real;
    if (std::ranges::find(path, shown, &SearchFolder::path) != path.end()) return;
    SearchFolder found{shown, origin, {}, !fs::exists(folder, error)};
    if (found.missing) found.problem = "'" + folder.string() + "' does not exist";
    else if (!fs::is_directory(folder, error)) found.problem = "'" + folder.string() + "' is no directory";
    else found.problem = trust.refusal(folder);
    path.push_back(std::move(found));
}

}  // namespace

std::vector<SearchFolder> make_search_path(const std::vector<fs::path>& options, const Trust& trust) {
    std::vector<SearchFolder> path;
    add(path, installed_plugins(), FolderOrigin::Install, trust);
    for (const fs::path& folder : options) add(path, folder, FolderOrigin::Option, trust);
    for (const fs::path& folder : environment_folders()) add(path, folder, FolderOrigin::Environment, trust);
    if (const fs::path folder = user_folder(); !folder.empty()) {
        add(path, folder, FolderOrigin::User, trust);
        // Nobody has to have one.
        SearchFolder& last = path.back();
        if (last.origin == FolderOrigin::User && last.missing) last.problem.clear();
    }
    return path;
}

const char* origin_text(FolderOrigin origin) {
    switch (origin) {
    case FolderOrigin::Install: return "the installation";
    case FolderOrigin::Option: return "--plugin-dir";
    case FolderOrigin::Environment: return "BACKPLANE_PLUGIN_PATH";
    case FolderOrigin::User: return "the user's data folder";
    }
    return "";
}

}  // namespace backplane::kernel
