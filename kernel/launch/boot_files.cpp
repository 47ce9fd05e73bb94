// The files that a machine starts from. A board reads them by the names of its properties; the user typed options,
// and an error has to begin with those.
#include "kernel/launch/boot_files.h"

#include "kernel/vocabulary/user_error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

constexpr std::string_view kFirmware = "firmware";
constexpr std::string_view kFileProperties[] = {kFirmware, "kernel", "initrd", "dtb"};

/// The value that is in force; empty when there is none.
std::string value_of(const LaunchPlan& plan, std::string_view name) {
    std::string value;
    for (const auto& [property, text] : plan.machine_properties)
        if (property == name) value = text;
    return value;
}

/// Values of the property that are no file names.
bool is_choice(std::string_view name, const std::string& value) {
    return value.empty() || (name == kFirmware && (value == "none" || value == "default"));
}

/// Some kernels have modules, "FILE TEXT,FILE TEXT": which files these are is the board's to know.
bool is_list(std::string_view name, const std::string& value) {
    return name == "initrd" && value.find_first_of(", ") != std::string::npos;
}

/// Why `path` cannot be read; empty when it can.
std::string why_unreadable(const std::string& path) {
    // A pipe without a writer must not hold the program up.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return std::strerror(errno);
    struct stat status {};
    const int error = fstat(fd, &status) == 0 ? 0 : errno;
    close(fd);
    if (error != 0) return std::strerror(error);
    if (S_ISDIR(status.st_mode)) return "it is a directory";
    return S_ISREG(status.st_mode) ? "" : "it is not a regular file";
}

/// Why no file of that name can be read, on a path of directories.
std::string why_unreadable(const std::string& name, const std::vector<std::string>& directories) {
    std::string reason = why_unreadable(name);
    if (reason.empty() || name.starts_with('/')) return reason;
    for (const std::string& directory : directories) {
        const std::string found = why_unreadable(directory + "/" + name);
        if (found.empty()) return {};
        // A file that is there and cannot be had says more than one that is not there.
        if (reason == std::strerror(ENOENT)) reason = found;
    }
    if (directories.empty()) return reason;
    reason += " (searched";
    for (const std::string& directory : directories) reason += " " + directory;
    return reason + ")";
}

}  // namespace

std::string option_of_property(const LaunchPlan& plan, std::string_view name, std::string_view value) {
    for (const auto& [property, option] : plan.property_options)
        if (property == name) return option;
    return "-machine " + std::string(name) + "=" + std::string(value);
}

void check_boot_files(const LaunchPlan& plan, const std::vector<std::string>& firmware_path) {
    const bool kernel = !value_of(plan, "kernel").empty();
    for (const char* name : {"initrd", "append"}) {
        const std::string value = value_of(plan, name);
        if (!kernel && !value.empty())
            throw UserError(option_of_property(plan, name, value) + ": -" + name +
                            " is only allowed with the -kernel option");
    }
    for (const std::string_view name : kFileProperties) {
        const std::string value = value_of(plan, name);
        if (is_choice(name, value) || is_list(name, value)) continue;
        const std::string reason =
            why_unreadable(value, name == kFirmware ? firmware_path : std::vector<std::string>{});
        if (!reason.empty())
            throw UserError(option_of_property(plan, name, value) + ": could not open " + std::string(name) +
                            " '" + value + "': " + reason);
    }
}

std::pair<std::string, std::string> read_board_error(const LaunchPlan& plan, const std::string& message) {
    constexpr std::string_view kBegin = "property '", kEnd = "': ";
    const std::size_t end = message.find(kEnd);
    if (!message.starts_with(kBegin) || end == std::string::npos) return {{}, message};
    const std::string name = message.substr(kBegin.size(), end - kBegin.size());
    const std::string value = value_of(plan, name);
    return {value.empty() ? std::string() : option_of_property(plan, name, value),
            message.substr(end + kEnd.size())};
}

}  // namespace backplane::kernel
