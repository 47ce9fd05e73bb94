// What an option takes, read from the same text that -help shows of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

/// An option as it is listed.
struct OptionListing {
    std::string name;      ///< without dashes
    std::string argument;  ///< "[cpus=]N[,maxcpus=N]"; empty: it takes none
    std::string summary;
    std::string type;  ///< the type whose properties are its parameters; empty: those of `argument`
};

struct OptionParameter {
    std::string name;
    std::string value;  ///< as it is shown: "on|off", "N", "SIZE", "FILE"
    /// "boolean", "number", "size" or "string".
    std::string kind() const;
};

/// The parameters that an argument's text names.
std::vector<OptionParameter> parameters_of(std::string_view argument);

/// What a group of parameters is called in configuration files and by programs, where that is not the option's name:
/// "smp-opts" for smp.
std::string_view group_of_option(std::string_view option);
/// And back.
std::string_view option_of_group(std::string_view group);

}  // namespace backplane::kernel
