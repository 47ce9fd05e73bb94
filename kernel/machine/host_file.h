// Reading files of the host, without exceptions: 0, or the errno that says why not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace backplane::kernel {

/// All of a regular file. EISDIR for a directory, EFBIG for more than `limit` bytes, ENOMEM when it does not fit.
int read_whole_file(const std::string& path, std::uint64_t limit, std::vector<std::uint8_t>& bytes);
/// Opens one for reading, as read_whole_file() does before it reads: its descriptor and size; -1 and errno.
int open_regular_file(const std::string& path, std::uint64_t limit, std::uint64_t& size);
/// As many bytes as `bytes` has; EIO when there are fewer.
int read_start_of_file(const std::string& path, std::vector<std::uint8_t>& bytes);

}  // namespace backplane::kernel
