// One user-mode instruction, executed by the host's own processor: registers, flags, x87, vectors and memory loaded before,
// and stored behind it; what it raises comes as a signal.
#pragma once

#include "processor.h"

namespace backplane::x86::testing {

struct HostState {
    std::uint64_t gpr[16];
    std::uint64_t flags;
    std::uint64_t target;
    std::uint64_t back;
    std::uint64_t host_stack;
    alignas(64) std::uint8_t area[512];
    alignas(32) std::uint8_t vectors[16][32];
};

/// The memory at kMemoryBase is the host's while it lives; the page in front of it and the one behind it are not there.
class Host {
  public:
    Host();
    /// Executes the bytes. Nothing, or the signal that came.
    std::optional<int> run(const std::uint8_t* code, unsigned length);
    std::uint8_t* memory() const { return reinterpret_cast<std::uint8_t*>(kMemoryBase); }
    /// For a page that is read-only, and for none (0).
    void protect(std::uint64_t page);
    HostState& state();

  private:
    std::uint8_t* code_ = nullptr;
    std::uint64_t protected_ = 0;
};

}  // namespace backplane::x86::testing
