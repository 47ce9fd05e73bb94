// Where a machine's RAM comes from: -object memory-backend-ram, memory-backend-memfd, memory-backend-file.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// What there is to map. The descriptor is the backend's and stays open while it is in use. Sized.
struct MemoryDescription {
    std::uint32_t struct_size = sizeof(MemoryDescription);
    int fd = -1;                     ///< -1: anonymous memory
    std::uint64_t offset = 0;        ///< in the descriptor, bytes
    std::uint64_t size = 0;          ///< bytes
    std::uint64_t page_size = 4096;  ///< bytes; of the host pages behind it
    /// Do stores go to the descriptor, where another process sees them? Else they stay in this process.
    bool shared = true;
    bool read_only = false;
    bool prealloc = false;      ///< all pages are taken now, and that can fail
    bool merge = true;          ///< equal pages may be shared with other machines (KSM)
    bool dump = true;           ///< is part of a core dump
    bool reserve = true;        ///< swap space is reserved
    std::uint32_t threads = 1;  ///< that touch pages for `prealloc`
};

/// Offered by the part of a type derived from "memory-backend". Thread: main, holding the machine lock.
class MemoryBackend {
  public:
    static constexpr const char* kId = "backplane.memory-backend/1";
    /// Valid from complete() on.
    virtual const MemoryDescription& memory() const = 0;
    /// Claims it for one user: false and a reason when another has it.
    virtual bool claim(Str user, Errors& errors) = 0;
    virtual void release() = 0;

  protected:
    ~MemoryBackend() = default;
};

}  // namespace backplane
