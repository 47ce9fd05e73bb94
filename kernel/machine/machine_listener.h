// Who hears what happens to a machine.
#pragma once

#include <string_view>

namespace backplane::kernel {

/// Gets SHUTDOWN, RESET, STOP, RESUME, DEVICE_DELETED, POWERDOWN … as they happen. Thread: the host loop.
class EventListener {
  public:
    /// `data` is JSON text of an object.
    virtual void machine_event(std::string_view name, std::string_view data) = 0;

  protected:
    ~EventListener() = default;
};

}  // namespace backplane::kernel
