#include "kernel/machine/firmware_files_host.h"

#include <unistd.h>

namespace backplane::kernel {

bool FirmwareFilesHost::find_firmware(Str name, TextSink& path) const {
    const std::string own(name.view());
    const auto there = [&](const std::string& candidate) {
        if (::access(candidate.c_str(), F_OK) != 0) return false;
        path.append(candidate);
        return true;
    };
    if (own.empty()) return false;
    if (own.front() == '/') {
        path.append(own);
        return true;
    }
    if (there(own)) return true;
    for (const std::string& directory : directories_)
        if (there(directory + "/" + own)) return true;
    return false;
}

}  // namespace backplane::kernel
