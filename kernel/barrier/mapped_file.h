// Which file the host's memory is mapped from, for last words. Asks the heap for nothing, so that a handler of a signal
// may call it.
#pragma once

#include <cstdint>

namespace backplane::kernel {

struct MappedFile {
    char path[1024]{};      ///< as /proc/self/maps has it; cut when it is longer
    std::uint64_t at = 0;   ///< the byte of the file
    bool has_name() const;  ///< false: memory of the host's own, without a name in a file system
};

/// False when nothing, or no file, is mapped there. One call at a time.
bool find_mapped_file(std::uintptr_t address, MappedFile& file);

}  // namespace backplane::kernel
