// Registers whose write says no more than "look": an accelerator tells of it by an event descriptor, and the CPU goes on.
//
// Offered by an accelerator that can; devices find it with DeviceContext::host_interface(). Where there is none, or it
// refuses, the write reaches the region's handler as ever, so a device does the same for both:
//
//   auto* doorbells = static_cast<Doorbells*>(context.host_interface(Doorbells::kId));
//   if (doorbells && doorbells->add({.region = &notify, .offset = Offset(4 * queue), .event = eventfd}))
//       watch = loop.watch(eventfd, *this, true, false);
//
// Thread, for everything here: holding the machine lock.
#pragma once

#include <backplane/memory.h>

namespace backplane {

/// Sized.
struct Doorbell {
    std::uint32_t struct_size = sizeof(Doorbell);
    /// Bytes; 0: a write of any size that begins at `offset`. What has another size reaches the handler.
    std::uint32_t size = 0;
    MemoryRegion* region = nullptr;  ///< I/O; wherever it is seen in memory or among the ports
    Offset offset{};
    /// Only a write of this value (`size` is not 0 then); others reach the handler.
    bool one_value = false;
    std::uint64_t value = 0;
    /// An eventfd(2), which is written for each such write by a CPU. It stays the device's, and open until it is removed.
    int event = -1;
};

class Doorbells {
  public:
    static constexpr const char* kId = "backplane.doorbells/1";
    /// False: not here, and nothing changes.
    virtual bool add(const Doorbell& doorbell) = 0;
    /// The doorbell that has this descriptor; from the return on nothing more is written to it.
    virtual void remove(int event) = 0;

  protected:
    ~Doorbells() = default;
};

}  // namespace backplane
