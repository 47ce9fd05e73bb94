// The file that an expansion ROM is read from.
#pragma once

#include <backplane/device.h>

#include <string>
#include <vector>

namespace backplane::pci {

/// The path of the file that `name` means, where firmware's files are as well; empty: there is none.
std::string find_rom_file(DeviceContext& context, const std::string& name);
/// All of it. False and a reason that names it.
bool read_rom_file(DeviceContext& context, const std::string& path, std::vector<std::uint8_t>& bytes,
                   Errors& errors);

}  // namespace backplane::pci
