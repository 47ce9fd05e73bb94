// Draft: needs the exact host build. Semihosting: calls that a guest makes to the host by an instruction sequence of its
// architecture. What the calls mean is the host's (a service offers it); how one is made is the CPU's.
//
// Numbers and parameter blocks follow "Semihosting for AArch32 and AArch64", release 2024Q3, in its 64-bit form, as
// "RISC-V Semihosting" 1.0 takes it.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>

namespace backplane {

/// The CPU that calls. Thread: the CPU's.
class SemihostingCaller {
  public:
    /// Guest memory by virtual address, as the CPU sees it. False when not all of it is there.
    virtual bool read(std::uint64_t address, MutableBytes to) = 0;
    virtual bool write(std::uint64_t address, Bytes from) = 0;
    virtual std::uint64_t now_ns() const = 0;  ///< the virtual clock
    virtual std::int64_t wall_seconds() = 0;   ///< since 1970 UTC
    /// Ends the program with this exit status, once the CPU stands.
    virtual void exit(int status) = 0;
    /// The call is to be made again. Thread: any, holding the machine lock.
    virtual void retry() = 0;

  protected:
    ~SemihostingCaller() = default;
};

struct SemihostingResult {
    bool done =
        true;  ///< false: nothing can be said yet; the CPU waits until retry(), and makes the call again
    std::uint64_t value = 0;
};

/// Offered by the service. Thread: a CPU's, without the machine lock; several at a time.
class Semihosting {
  public:
    static constexpr const char* kId = "backplane.semihosting/draft";
    /// Are calls served, in user mode as well as in more privileged ones? Else the sequence is what it is without
    /// semihosting.
    virtual bool serves(bool user_mode) const = 0;
    virtual SemihostingResult call(SemihostingCaller& caller, std::uint64_t number,
                                   std::uint64_t parameter) = 0;
    /// `caller` goes away.
    virtual void forget(SemihostingCaller& caller) = 0;

  protected:
    ~Semihosting() = default;
};

}  // namespace backplane
