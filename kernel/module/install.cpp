#include "kernel/module/install.h"

#include <dlfcn.h>

#include <system_error>

namespace backplane::kernel {
namespace fs = std::filesystem;
namespace {

constexpr char kPlace = 0;

fs::path find_library() {
    Dl_info info{};
    std::error_code ignored;
    if (dladdr(&kPlace, &info) == 0 || !info.dli_fname) return {};
    return fs::weakly_canonical(info.dli_fname, ignored);
}

}  // namespace

fs::path library_file() {
    static const fs::path file =
        find_library();  // a relative name means something until somebody changes the folder
    return file;
}

fs::path installed_plugins() {
    const fs::path folder = library_file().parent_path();
    const fs::path installed = folder / "backplane" / "plugins";
    const fs::path built = folder.parent_path() / "plugins";
    std::error_code ignored;
    return !fs::is_directory(installed, ignored) && fs::is_directory(built, ignored) ? built : installed;
}

fs::path installed_data() {
    return (library_file().parent_path() / BACKPLANE_DATA_FROM_LIBRARY).lexically_normal();
}

}  // namespace backplane::kernel
