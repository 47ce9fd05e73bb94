// A file of the host, read whole.
#pragma once

#include <backplane/abi.h>

#include <string>
#include <vector>

namespace backplane {

/// All bytes of a regular file, or of a pipe until its writers are gone. False and "could not read 'PATH': …" when there are
/// more than `most`, or it is anything else.
bool read_file(const std::string& path, std::size_t most, std::vector<std::uint8_t>& bytes, Errors& errors);
/// The same of one that is open, which stays so; `path` is its name in messages.
bool read_file(int descriptor, const std::string& path, std::size_t most, std::vector<std::uint8_t>& bytes,
               Errors& errors);

}  // namespace backplane
