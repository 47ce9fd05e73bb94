// Waiting, for backends: what must be there before the machine starts, and that nobody waits once it is to end.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// A host interface. Owner: the host.
class Lifetime {
  public:
    static constexpr const char* kId = "backplane.lifetime/1";
    /// The host loop runs: nobody may hold it up, so wait_for() must not be called. Before that a machine is put
    /// together, and its parts may wait for others.
    virtual bool running() const = 0;
    /// Default: Ending.
    enum class Outcome : std::uint8_t {
        Ready,  ///< the descriptor is readable or writable
        Ending  ///< the program was asked to end, or the loop runs: give up, with an error
    };
    /// Waits for a descriptor. Other descriptors, timers and signals are served meanwhile. Thread: the main thread,
    /// holding the machine lock.
    virtual Outcome wait_for(int fd, bool readable, bool writable) = 0;
    /// Was the program told to end by its user? What is under way can be left undone. Thread: any.
    virtual bool ending() const = 0;

  protected:
    ~Lifetime() = default;
};

}  // namespace backplane
