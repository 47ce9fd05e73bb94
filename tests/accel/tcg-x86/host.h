// User-mode code, executed by the host's own processor: registers, flags, x87, vectors and memory loaded before, and stored
// behind it; what it raises comes as a signal, and then the state is what stood when it came.
#pragma once

#include "processor.h"

namespace backplane::x86::testing {

struct HostState {
    std::uint64_t gpr[16];
    std::uint64_t flags;
    std::uint64_t target;
    std::uint64_t back;
    std::uint64_t host_stack;
    std::uint64_t pc;  ///< where it came to an end, or what raised
    alignas(64) std::uint8_t area[512];
    alignas(32) std::uint8_t vectors[16][32];
};

/// A process of its own, which has nothing else at low addresses: what the code does elsewhere than in its memory faults.
/// The memory at kMemoryBase is shared with it; the page in front of it and the one behind it are not there.
class Host {
  public:
    static constexpr std::size_t kLongestCode = 4000;
    Host();
    Host(const Host&) = delete;
    ~Host();
    /// Executes the bytes, at most kLongestCode. Nothing, or the signal that came.
    std::optional<int> run(const std::uint8_t* code, unsigned length);
    std::uint8_t* memory() const { return reinterpret_cast<std::uint8_t*>(kMemoryBase); }
    /// What the next run starts from, and what the last one left.
    HostState& state() { return shared_->state; }
    /// How far into the bytes the last run came.
    std::uint64_t offset() { return state().pc - state().target; }

  private:
    struct Shared {
        HostState state;
        unsigned length;
        int signal;
    };
    [[noreturn]] void serve();

    std::uint8_t* code_ = nullptr;
    Shared* shared_ = nullptr;
    int child_ = -1;
    int channel_ = -1;
};

}  // namespace backplane::x86::testing
