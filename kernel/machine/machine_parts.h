// What a machine is made of: each part owns its data, and reaches the others through here. Internal to
// kernel/machine/.
#pragma once

#include "kernel/event/loop.h"
#include "kernel/event/machine_lock.h"
#include "kernel/machine/debug_host.h"
#include "kernel/machine/devices.h"
#include "kernel/machine/disk_failures_host.h"
#include "kernel/machine/drives.h"
#include "kernel/machine/entropy_source.h"
#include "kernel/machine/firmware_files_host.h"
#include "kernel/machine/host_interfaces.h"
#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "kernel/machine/machine_board.h"
#include "kernel/machine/machine_configuration.h"
#include "kernel/machine/machine_memory.h"
#include "kernel/machine/memory_room_host.h"
#include "kernel/machine/numa_host.h"
#include "kernel/machine/processors.h"
#include "kernel/machine/run_control.h"
#include "kernel/machine/standstill_host.h"
#include "kernel/machine/whereabouts_host.h"
#include "kernel/machine/wiring.h"
#include "kernel/memory/dirty_pages.h"
#include "kernel/snapshot/snapshot_service.h"

namespace backplane::kernel {

struct MachineParts {
    MachineParts(Catalog& catalog, LogHub& hub);
    ~MachineParts();
    MachineParts(const MachineParts&) = delete;
    MachineParts& operator=(const MachineParts&) = delete;

    /// A folder of the object tree ("machine/peripheral"), made when it is not there.
    Instance& folder(std::string_view path);
    /// What the host or one of its services offers by this id; null when nobody does. A service that nobody has asked for
    /// is made now.
    void* find_interface(Str id);
    /// Devices, then the board, then whoever derived something from the CPUs' states.
    void reset_all();

    /// Makes the service whose type lists the interface: the only one, and none that has an option of its own, which is
    /// there when its user says so (a guest is not to find the host's files without -semihosting).
    void* make_service_for(Str id);

    Catalog& catalog;
    LogHub& hub;
    ObjectLog log;  ///< the machine's own
    RecursiveMachineLock lock;
    HostLoop loop;
    MachineMemory memory;
    Wiring wiring;
    EntropySource entropy;
    HostInterfaces interfaces;
    MachineConfiguration configuration;
    NumaHost numa{configuration.numa};
    MemoryRoomHost memory_room{configuration};
    FirmwareFilesHost firmware_files{configuration.firmware_path};
    DirtyPagesHost dirty_pages{memory.map()};
    WhereaboutsHost whereabouts;
    StandstillHost standstill;
    RunControl run;
    Processors processors;
    DebugHost debug;
    MachineBoard board;
    Devices devices;
    Drives drives;
    DiskFailuresHost disk_failures;
    snapshot::SnapshotService snapshots;
    std::unique_ptr<ObjectTree> objects;  ///< last: its objects use all of the above

  private:
    std::unique_ptr<InstanceHost> make_host(Instance& instance);
    void forget(Instance& instance);
};

}  // namespace backplane::kernel
