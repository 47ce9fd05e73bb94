// Draft: needs the exact host build. What a monitor reads from and writes to a ring buffer that stands for a
// character device's other end.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>

namespace backplane {

/// Offered by the part of "chardev-ringbuf". Thread: holding the machine lock.
class CharRing {
  public:
    static constexpr const char* kId = "backplane.char-ring/draft";
    /// Takes out up to `to.size` of the oldest bytes that the device wrote: how many.
    virtual std::size_t ring_read(MutableBytes to) = 0;
    /// Puts bytes in behind what the device wrote, where ring_read() finds them.
    virtual void ring_write(Bytes from) = 0;

  protected:
    ~CharRing() = default;
};

}  // namespace backplane
