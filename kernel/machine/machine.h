// One machine: its objects, memory, clocks, CPUs and accelerator, from an empty tree to power-off.
//
// Order of use: construct; create backends; set the type; configure; open the accelerator; build; add
// devices; finish; start; run. A process can hold several machines.
#pragma once

#include "kernel/event/wall_clock.h"
#include "kernel/machine/machine_listener.h"
#include "kernel/machine/run_actions.h"
#include "kernel/machine/run_state.h"
#include "kernel/module/catalog.h"
#include "kernel/object/instance.h"
#include "kernel/object/property_list.h"

#include <backplane/board.h>
#include <backplane/draft/accelerator.h>

#include <memory>

namespace backplane::kernel {

class Drives;
class HostLoop;
class MemoryMap;
struct NumaConfiguration;
class LogHub;
struct MachineParts;

struct AcceleratorChoice {
    std::string name;
    PropertyList properties;
};

class Machine {
  public:
    Machine(Catalog& catalog, LogHub& log);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // --- configuration, before build() ---
    /// Makes and completes a backend below /chardevs, /objects …(`container`), with this id.
    Instance* create_backend(std::string_view type, const std::string& id, const PropertyList& properties,
                             std::string_view container, Errors& errors);
    bool destroy_backend(const std::string& id, Errors& errors);
    /// Makes and completes an object of a type derived from "service", below /machine/services.
    Instance* create_service(std::string_view type, const PropertyList& properties, Errors& errors);
    /// The first of that type; null when there is none.
    Instance* find_service(std::string_view type);
    /// Makes the machine object (type name, not option name). Its version's compat defaults hold from here on.
    bool set_type(std::string_view type, Errors& errors);
    const BoardTraits& traits() const;
    Instance& machine_object();
    void set_topology(const Topology& topology);
    /// Its nodes' backends, if they have any, are the `-m` memory.
    void set_numa(NumaConfiguration numa);
    void set_ram_size(std::uint64_t bytes);
    /// The `-m` memory is what this backend (an object that offers MemoryBackend) has; its size is then the machine's.
    bool set_ram_backend(Instance& backend, Errors& errors);
    std::uint64_t ram_size() const;
    /// For memory that is plugged in: how many modules, and how many bytes with them.
    void set_memory_room(std::uint32_t slots, std::uint64_t maximum);
    /// The CPU's type name and its features as properties, in order.
    void set_cpu(std::string type, PropertyList features);
    void set_serials(std::vector<Instance*> serials);
    void set_parallels(std::vector<Instance*> parallels);
    void add_drive(std::string interface, unsigned index, const BoardDrive& drive);
    /// After finish(): the drives that the board has no place for.
    std::vector<std::pair<std::string, unsigned>> unused_drives() const;
    void set_default_devices(bool wanted);
    void set_rtc(const RtcOptions& options);
    /// -seed: what is random in the machine follows from this number.
    void set_seed(std::uint64_t seed);
    void set_firmware_path(std::vector<std::string> directories);
    /// -action. Thread: also while it runs, machine lock held.
    void set_actions(const RunActions& actions);
    const RunActions& actions() const;

    // --- building ---
    /// Tries the choices in order; says (to the log) why one was not taken.
    bool open_accelerator(const std::vector<AcceleratorChoice>& choices, Errors& errors);
    const std::string& accelerator_name() const;
    bool build(Errors& errors);
    /// -device and device_add. `bus`: an id or name, empty for the first with room. `id` may be empty.
    Instance* add_device(std::string_view type, const std::string& id, const std::string& bus,
                         const PropertyList& properties, Errors& errors);
    /// device_del: asks the bus to let it go.
    bool remove_device(std::string_view id_or_path, Errors& errors);
    /// Everything of the command line is there: the board describes itself, CPUs are attached, all is reset.
    bool finish(Errors& errors);

    // --- running. Thread: main, machine lock held, unless said ---
    RunState run_state() const;
    void start();  ///< cont; after a shutdown or an internal error nothing happens before a reset
    void stop(RunState why = RunState::Paused);
    void reset();                            ///< now; CPUs are stopped and started around it
    void request_reset(std::string reason);  ///< any thread
    /// Ends the machine (any thread): "guest-shutdown", "guest-panic", "host-signal", "host-qmp-quit", "host-ui". With
    /// shutdown=pause, what a guest asks for pauses it instead. The first request holds, but a host's beats a guest's.
    void request_end(std::string reason, int exit_code = 0);
    void request_powerdown();  ///< system_powerdown: asks the guest
    /// Runs the host loop until the machine ends: the process's exit status.
    int run();
    void add_event_listener(EventListener& listener);
    void remove_event_listener(EventListener& listener);
    void emit_event(std::string_view name, std::string_view data);

    // --- inspection. Thread: machine lock held ---
    ObjectTree& objects();
    Drives& drives();
    Catalog& catalog();
    HostLoop& loop();
    MemoryMap& memory();
    AddressSpace& system_memory();
    MachineLock& lock();
    Clock& clock();
    LogHub& log();
    const std::vector<Cpu*>& cpus() const;
    const std::string& cpu_type() const;
    const Topology& topology() const;
    const NumaConfiguration& numa() const;
    Accelerator* accelerator();
    std::string info_qtree();
    std::string info_wires();
    std::string info_mtree(bool flat);
    /// An interface that the host offers to plugins by id, or null.
    void* host_interface(Str interface_id);
    /// Offers one more for the machine's life (the launcher adds the management commands).
    void offer_interface(std::string id, void* interface);
    /// For the core's own files.
    MachineParts& parts() { return *parts_; }

  private:
    std::unique_ptr<MachineParts> parts_;
};

}  // namespace backplane::kernel
