// Where this installation's own files are: beside the library that this code is in, whichever program uses it.
#pragma once

#include <filesystem>

namespace backplane::kernel {

/// libbackplane's own file.
std::filesystem::path library_file();
/// The installation's plugins, or the build's.
std::filesystem::path installed_plugins();
/// The installation's firmware and other data; it need not exist.
std::filesystem::path installed_data();

}  // namespace backplane::kernel
