// The drives of a machine by the names that users have for them, and what is in them.
//
// A drive is a device with a property "drive", which names a block node. Those of -drive have a name besides, which stays
// theirs when their medium is another one, or none.
#pragma once

#include <backplane/disk_failures.h>
#include <backplane/medium.h>

#include <set>
#include <string>
#include <vector>

namespace backplane::kernel {

class Instance;
struct MachineParts;

/// Thread: main, or holding the machine lock.
class Drives final : public MediumWatch {
  public:
    struct Drive {
        std::string name;            ///< of -drive; empty: it has none
        Instance* device = nullptr;  ///< null: no device has it
        Instance* node = nullptr;    ///< what is in it; null: nothing
        DiskErrorPolicy read_errors = DiskErrorPolicy::Auto, write_errors = DiskErrorPolicy::Auto;
    };

    explicit Drives(MachineParts& machine) : machine_(machine) {}

    /// -drive: `node`, its block node, is in it.
    void add(std::string name, Instance& node, DiskErrorPolicy read_errors = DiskErrorPolicy::Auto,
             DiskErrorPolicy write_errors = DiskErrorPolicy::Auto);
    /// What -drive says of the disk's errors.
    DiskErrorPolicy error_policy(const Instance& device, bool writing);
    /// The node was made for whoever uses it, and goes with him.
    void own(Instance& node) { owned_.insert(&node); }
    bool owned(Instance& node) const { return owned_.contains(&node); }

    /// All of them: those with a name first, in the order in which they were made.
    std::vector<Drive> all();
    /// Null: there is none of that name.
    const Drive* find(std::string_view name);
    /// What is in the drive that `device` is; null: nothing.
    Instance* medium_of(Instance& device) const;
    /// Of -drive; empty: it has none.
    std::string name_of(const Instance& device);
    /// Is it a device with a property for its drive?
    bool is_drive(const Instance& device) const;

    /// Puts `node` into a drive, or takes out what is in it (null).
    bool change(Instance& device, Instance* node, Errors& errors);
    /// Removes a node, and those below it that were made for it.
    bool remove_node(Instance& node, Errors& errors);

    void tray_moved(Object& drive, bool open) override;

    void forget(Instance& instance);

  private:
    /// Finds out which devices have the drives of -drive.
    void settle();
    const Drive* drive_of(const Instance& device) const;

    MachineParts& machine_;
    std::vector<Drive> named_;
    std::set<Instance*> owned_;
};

}  // namespace backplane::kernel
