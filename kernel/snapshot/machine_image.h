// What a machine is at one instant, but for the contents of its memory: the machine as a whole, and each device with
// its state table and the levels of its wires.
#pragma once

#include "kernel/state/state_description.h"

#include <map>
#include <string>
#include <vector>

namespace backplane::kernel {
struct MachineParts;
class Instance;
}  // namespace backplane::kernel

namespace backplane::kernel::snapshot {

/// A device as it is saved ('devi').
struct DeviceImage {
    std::string path;
    std::string type;
    std::vector<std::uint8_t> table;
    /// Levels by group. What drives an input is saved with it: not all of it is a wire.
    std::map<std::string, std::vector<int>> outputs, inputs;
};
std::vector<std::uint8_t> encode(const DeviceImage& image);
bool decode(Bytes payload, DeviceImage& image);

/// The machine as a whole ('mach'), described like a device.
struct MachineRecord {
    MachineRecord();
    MachineRecord(const MachineRecord&) = delete;
    MachineRecord& operator=(const MachineRecord&) = delete;

    std::string machine;    ///< the type of the machine object
    std::string release;    ///< of the program that saved it
    std::string run_state;  ///< before it was stopped to be saved
    std::uint64_t clock_ns = 0;
    std::int64_t date_offset_ns = 0;
    bool date_on_virtual_clock = false;
    std::uint32_t cpus = 0;
    bool asleep = false;  ///< its guest sleeps, also where it was stopped before
    StateDescription table;
};

/// Thread: the loop, with the machine lock; the machine is stopped.
class MachineImage {
  public:
    /// Takes down what the machine is now. False and the reason when some part of it cannot be saved.
    bool take(MachineParts& machine, const std::string& run_state, Errors& errors);
    /// Puts one together from its sections' payloads.
    bool set_machine(Bytes payload, Errors& errors);
    bool add_device(Bytes payload, Errors& errors);
    /// Could apply() give this to the machine? Changes nothing.
    bool check(MachineParts& machine, Errors& errors) const;
    /// After check(): everything at once, and then each device's after_load(). False and the reason when one of them
    /// refuses; what the machine is then is undefined, until another image is applied.
    bool apply(MachineParts& machine, Errors& errors) const;

    const MachineRecord& record() const { return record_; }
    std::vector<std::uint8_t> machine_payload() const { return record_.table.save(); }
    const std::vector<DeviceImage>& devices() const { return devices_; }

  private:
    MachineRecord record_;
    std::vector<DeviceImage> devices_;
};

}  // namespace backplane::kernel::snapshot
