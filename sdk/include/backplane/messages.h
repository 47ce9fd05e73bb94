// Interrupt messages on a short way: past the memory map, and without a thread of this process.
//
// A message-signalled interrupt is a memory write that a device makes (PCI 3.0, 6.8), and the memory map takes it to
// whoever listens there. An accelerator whose host has the interrupt controllers in itself takes messages directly as
// well: it offers MessageSink, which devices find with DeviceContext::host_interface(). Who has no sink, or one that does
// not take the address, makes the memory write that the message is.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Fixed; members to come take from `reserved`, and 0 means there what was before.
struct InterruptWrite {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    std::uint16_t requester = 0xffff;  ///< bus/device/function of a PCI master; 0xffff: none
    std::uint16_t reserved[5] = {};
};

/// An event descriptor (eventfd(2)) that sends a message by itself. Paused when it is made. Owner: who asked for it, until
/// release(). Thread: holding the machine lock.
class MessageRoute {
  public:
    /// From now on each write to the descriptor, by whoever, sends `message`; what was written before it was set is sent
    /// once. False: the host refuses it, and nothing is sent.
    virtual bool set(const InterruptWrite& message) = 0;
    /// From now on what is written to the descriptor stays in it.
    virtual void pause() = 0;
    /// Pauses it, and is gone.
    virtual void release() = 0;

  protected:
    ~MessageRoute() = default;
};

class MessageSink {
  public:
    static constexpr const char* kId = "backplane.message-sink/1";
    /// Is a write to `address`, as a bus master puts it on the system's bus, a message that this sink takes? Thread: any.
    virtual bool takes(GuestAddress address) const = 0;
    /// Thread: any, with the machine lock or without it.
    virtual void send(const InterruptWrite& message) = 0;
    /// `event` stays the caller's, and open until the route is released. Null where the host has no such routes (or none
    /// is left): who watches the descriptor sends the messages then. Thread: holding the machine lock.
    virtual MessageRoute* route(int event) = 0;

  protected:
    ~MessageSink() = default;
};

}  // namespace backplane
