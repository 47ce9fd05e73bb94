// A launch plan: everything that a command line asks for, as plain data. Made from argv by read_command_line(),
// printed by print_plan(), turned into a machine by build_machine(). It can be copied and compared and refers to
// nothing.
#pragma once

#include "kernel/machine/run_actions.h"
#include "kernel/machine/topology_levels.h"
#include "kernel/object/property_list.h"
#include "kernel/vocabulary/json_options.h"

#include <backplane/numa_performance.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace backplane::kernel {

/// An object that an option asks for: "-netdev user,id=n0,hostfwd=…". Properties in the order given; a name may
/// stand more than once.
struct ObjectPlan {
    std::string option;  ///< as it was typed, for messages
    std::string type;    ///< as its option names it: "user", "socket", "file"
    std::string id;
    PropertyList properties;
    JsonKinds json{};  ///< what they were written as, when that was JSON
    bool own = false;  ///< a block node that was made for the one that names it, and goes with that
    bool operator==(const ObjectPlan&) const = default;
};

/// An object that an option of a service's type makes: "-vnc :1".
struct ServicePlan {
    std::string option;
    std::string row;   ///< the option's name alone
    std::string type;  ///< a type's name
    PropertyList properties;
    bool operator==(const ServicePlan&) const = default;
};

struct DevicePlan {
    std::string option;
    std::string type;
    std::string id;
    std::string bus;  ///< empty: the first with room
    PropertyList properties;
    JsonKinds json{};
    bool operator==(const DevicePlan&) const = default;
};

/// What -drive adds to the block node that it makes: where the node is plugged in.
struct DrivePlan {
    std::string option;
    std::string interface;  ///< "none": nowhere; empty: as the machine prefers
    std::optional<unsigned> index;
    std::string node;
    bool removable = false;  ///< media=cdrom
    bool named = false;      ///< id=, which is the node's; else the place where it is names it
    std::string read_errors{}, write_errors{};  ///< rerror=, werror=; empty: as the device has it
    bool operator==(const DrivePlan&) const = default;
};

/// -nic: a network device for the netdev of this id.
struct NicPlan {
    std::string option;
    std::string netdev;
    std::string model;  ///< empty: as the machine prefers
    PropertyList properties;
    bool operator==(const NicPlan&) const = default;
};

struct AcceleratorPlan {
    std::string option;
    std::string name;
    PropertyList properties;
    bool operator==(const AcceleratorPlan&) const = default;
};

struct MonitorPlan {
    std::string option;
    std::string chardev;
    bool control = false;  ///< JSON, else for people
    bool pretty = false;
    bool operator==(const MonitorPlan&) const = default;
};

/// `-smp` as it was given; what is missing is worked out by resolve_topology().
struct SmpPlan {
    std::string option;
    std::optional<std::uint32_t> cpus, max_cpus;
    EachTopologyLevel<std::optional<std::uint32_t>> levels{};
    bool operator==(const SmpPlan&) const = default;
};

/// From the first to the last.
struct NumberRange {
    std::uint64_t first = 0, last = 0;
    bool operator==(const NumberRange&) const = default;
};

struct NumaNodePlan {
    std::string option;
    std::optional<std::uint32_t> id;      ///< none: the next
    std::string memory_backend;           ///< an object's id; empty: `memory` says how much
    std::optional<std::uint64_t> memory;  ///< bytes
    std::vector<NumberRange> cpus;
    std::optional<std::uint32_t> initiator{};  ///< whose processors it belongs to
    bool operator==(const NumaNodePlan&) const = default;
};
struct NumaDistancePlan {
    std::string option;
    std::uint32_t from = 0, to = 0, distance = 0;
    bool operator==(const NumaDistancePlan&) const = default;
};
/// The CPUs of a place are near to a node; what is not given holds all there are.
struct NumaCpuPlan {
    std::string option;
    std::uint32_t node = 0;
    EachTopologyLevel<std::optional<std::uint32_t>> place{};
    bool operator==(const NumaCpuPlan&) const = default;
};
struct NumaPerformancePlan {
    std::string option;
    MemoryPerformance performance;
    bool operator==(const NumaPerformancePlan&) const = default;
};
struct NumaCachePlan {
    std::string option;
    MemorySideCache cache;
    bool operator==(const NumaCachePlan&) const = default;
};
/// `-numa` as it was given; resolve_numa() makes nodes of it.
struct NumaPlan {
    std::vector<NumaNodePlan> nodes;
    std::vector<NumaDistancePlan> distances;
    std::vector<NumaCpuPlan> cpus;
    std::vector<NumaPerformancePlan> performances;
    std::vector<NumaCachePlan> caches;
    bool operator==(const NumaPlan&) const = default;
};

struct CpuPlan {
    std::string option;
    std::string model;
    PropertyList features;  ///< "+f" is ("f", "on")
    bool operator==(const CpuPlan&) const = default;
};

struct RtcPlan {
    enum class Base { Utc, LocalTime, Date } base = Base::Utc;
    std::int64_t date_ns = 0;  ///< Base::Date: ns since 1970
    bool virtual_clock = false;
    bool slew = false;  ///< ticks that guests could not see are made up for
    bool operator==(const RtcPlan&) const = default;
};

struct GlobalPlan {
    std::string option;
    std::string type;
    std::string property;
    std::string value;
    bool operator==(const GlobalPlan&) const = default;
};

struct LogItemPlan {
    std::string option;
    std::string item;
    bool operator==(const LogItemPlan&) const = default;
};

/// -sandbox: what system calls may do.
struct SandboxPlan {
    bool on = false;
    bool deny_obsolete = true;
    bool deny_elevation = false;  ///< changes of user and group
    bool deny_spawn = false;      ///< other processes and programs
    bool deny_resources = false;  ///< priorities and CPU affinity
    bool operator==(const SandboxPlan&) const = default;
};

/// What becomes of the process.
struct ProcessPlan {
    bool daemonize = false;
    std::string user;  ///< whom it becomes; empty: stays who it is
    std::string user_option;
    std::string root;  ///< its root directory; empty: as it is
    std::string root_option;
    bool exit_with_parent = false;
    enum class MemoryLock { Off, On, OnFault } memory_lock = MemoryLock::Off;
    std::string memory_lock_option;
    SandboxPlan sandbox;
    bool operator==(const ProcessPlan&) const = default;
};

/// -add-fd: a descriptor that the process was started with, for /dev/fdset/SET.
struct DescriptorPlan {
    std::string option;
    int descriptor = -1;
    std::optional<std::uint64_t> set;  ///< none: one of its own
    std::string opaque;
    bool operator==(const DescriptorPlan&) const = default;
};

struct LaunchPlan {
    std::string machine;  ///< an option name; empty: the default machine
    std::string machine_option;
    PropertyList machine_properties;
    PropertyList
        property_options;  ///< of those that have an option of their own: name, option as it was typed
    std::vector<AcceleratorPlan> accelerators;  ///< in the order of trying; empty: the default
    std::optional<CpuPlan> cpu;
    SmpPlan smp;
    NumaPlan numa;
    std::optional<std::uint64_t> ram_size;  ///< bytes
    std::string ram_option;
    std::uint32_t ram_slots = 0;               ///< for memory that is plugged in
    std::optional<std::uint64_t> ram_maximum;  ///< bytes, with that
    std::string
        memory_backend;  ///< the id of the object that the memory comes from; empty: of the machine's own
    std::string memory_backend_option;
    std::optional<ObjectPlan> ram_object;  ///< that backend, where it gets its size from `-m`
    RtcPlan rtc;
    std::optional<std::uint64_t> seed;  ///< of the run's random numbers; none: the host's are taken
    std::vector<GlobalPlan> globals;

    std::vector<ObjectPlan> objects;
    std::vector<ObjectPlan> chardevs;
    std::vector<ObjectPlan> block_nodes;
    std::vector<ObjectPlan> netdevs;
    std::vector<DrivePlan> drives;
    std::vector<NicPlan> nics;
    std::string display_option;    ///< as it was given
    std::string display;           ///< a graphics adapter by its short name; empty: none
    bool default_display = false;  ///< nobody said which, and somebody is to look at the machine
    std::vector<DevicePlan> devices;
    std::vector<std::string> serials;    ///< a chardev's id per port; empty: nothing is connected
    std::vector<std::string> parallels;  ///< the same of printer ports
    /// The type of the chardevs behind ports that nobody said anything of, and that machines have all the same; `serials`
    /// may have the first one already.
    std::string unseen_ports = "vc";
    bool default_serial = false, default_parallel = false;
    std::vector<MonitorPlan> monitors;
    std::vector<ServicePlan> services;
    bool default_devices = true;  ///< false: -nodefaults
    bool graphics = true;         ///< false: its console is this terminal, for its firmware too
    bool default_network = true;  ///< false: a network was asked for, or none

    std::string name;
    std::string process_name;
    std::vector<std::string> firmware_path;  ///< -L
    std::vector<LogItemPlan> log_items;      ///< -d, --trace
    std::string log_file;                    ///< -D
    std::string pid_file;
    bool start_paused = false;
    RunActions actions;
    ProcessPlan process;
    std::vector<DescriptorPlan> descriptors;
    std::vector<std::string> warnings;  ///< of what is accepted and has no effect
    bool message_timestamp = false;
    bool message_guest_name = false;

    bool operator==(const LaunchPlan&) const = default;
};

/// The plan as a JSON document, a line per member.
std::string print_plan(const LaunchPlan& plan);

}  // namespace backplane::kernel
