// The devices that users plug in, and what is done to all devices.
#pragma once

#include "kernel/object/property_list.h"

#include <backplane/bus.h>
#include <backplane/event_loop.h>

#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

class Instance;
class Type;
struct MachineParts;

/// Thread: main, holding the machine lock.
class Devices final : public UnpluggedDevices, public DeviceReset, Work {
  public:
    explicit Devices(MachineParts& machine) : machine_(machine) {}

    /// -device and device_add. `bus`: an id or name, empty for the first with room. `id` may be empty.
    Instance* add(std::string_view type, const std::string& id, const std::string& bus,
                  const PropertyList& properties, Errors& errors);
    /// device_del: asks the bus to let it go.
    bool remove(std::string_view id_or_path, Errors& errors);
    void unplugged(Object& device) override;
    void reset_device(Object& device) override;
    /// `instance` is about to go.
    void forget(Instance& instance);
    /// The machine goes away.
    void close();
    /// All that are realized, as they stand in the tree.
    std::vector<Instance*> all();
    /// They were loaded, and the machine runs again.
    void resume();
    /// All, phase by phase.
    void reset();
    /// `device` and those below it.
    void reset(Instance& device);

  private:
    void run() override;
    Instance* plugged_into(const Instance& device);
    void delete_unplugged(Instance& device);
    bool set_up(Instance& device, Instance* bus, const PropertyList& properties, Errors& errors);
    const Type* creatable_type(std::string_view name, const std::string& id, Errors& errors);
    /// The bus that a device of `type` goes on; null with a reason, or without one where there is none for it.
    Instance* bus_for(const Type& type, const std::string& wanted, Errors& errors);

    MachineParts& machine_;
    std::vector<Instance*> leaving_;  ///< unplugged, and not yet destroyed
};

}  // namespace backplane::kernel
