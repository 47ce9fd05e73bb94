// What a Machine is made of. Internal to kernel/machine/.
#pragma once

#include "kernel/event/clock.h"
#include "kernel/event/loop.h"
#include "kernel/event/machine_lock.h"
#include "kernel/machine/board_context.h"
#include "kernel/machine/device_context.h"
#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "kernel/machine/wiring.h"
#include "kernel/memory/memory_map.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <set>

namespace backplane::kernel {

/// Why the machine is to end ("guest-…" or "host-…", as SHUTDOWN names it), and the process's exit status then.
struct EndRequest {
    std::string reason;
    int exit_code = 0;
    bool guest() const { return reason.starts_with("guest"); }
};

/// What guests, users and signals ask for from any thread; carried out on the loop.
struct Requests {
    std::optional<std::string> reset;
    std::optional<EndRequest> end;
    bool powerdown = false;
    std::optional<std::string> internal_error;
    std::deque<std::pair<std::string, std::string>> events;
};

class MachineState final : Work, public AcceleratorContext, public ManualClock, public WireProbe {
  public:
    MachineState(Machine& machine, Catalog& catalog, LogHub& log);
    ~MachineState();

    void request(const std::function<void(Requests&)>& change);
    void carry_out_requests();
    void set_run_state(RunState state);
    void emit(std::string_view name, const std::string& data);
    Instance& container(std::string_view name);
    bool attach_cpus(Errors& errors);
    void reset_devices();
    std::unique_ptr<InstanceContext> make_context(Instance& instance);

    // AcceleratorContext
    Object& object() override { return *accelerator_object; }
    Log& log() override { return machine_log; }
    MachineLock& lock() override { return machine_lock; }
    Clock& clock() override { return loop.virtual_clock(); }
    AddressSpace& system_memory() override { return *memory_space; }
    AddressSpace& io_ports() override { return *io_space; }
    Object* create(Str type, Str name, Errors& errors) override;
    void internal_error(Str message) override;
    void* host_interface(Str interface_id) override;

    // ManualClock
    void step_to(std::uint64_t now_ns) override;
    std::uint64_t next_deadline() const override;

    // WireProbe
    bool intercept_inputs(Object& device, Callback callback, void* data, Errors& errors) override;
    bool intercept_outputs(Object& device, Str name, Callback callback, void* data, Errors& errors) override;
    bool set_input(Object& device, Str name, unsigned index, int level, Errors& errors) override;

    Machine& machine;
    Catalog& catalog;
    LogHub& hub;
    ObjectLog machine_log;
    RecursiveMachineLock machine_lock;
    HostLoop loop;
    MemoryMap map;
    std::unique_ptr<MemoryOwner> owner;  ///< the roots and `-m` memory
    MemoryRegion* system_root = nullptr;
    MemoryRegion* io_root = nullptr;
    MemoryRegion* ram = nullptr;
    AddressSpace* memory_space = nullptr;
    AddressSpace* io_space = nullptr;
    Wiring wiring{&machine_lock};

    Topology topology;
    std::uint64_t ram_size = 0;
    Instance* ram_backend = nullptr;  ///< null: memory of the machine's own
    std::string cpu_type;
    PropertyList cpu_features;
    std::vector<Instance*> serials;
    std::map<std::pair<std::string, unsigned>, Instance*> drives;
    std::set<std::pair<std::string, unsigned>> used_drives;
    bool default_devices = true;
    std::vector<std::string> firmware_path;
    bool no_reboot = false;
    bool no_shutdown = false;

    Instance* machine_instance = nullptr;
    Board* board = nullptr;
    BoardTraits traits;  ///< what the board was built with, at this host's size
    Instance* accelerator_object = nullptr;
    Accelerator* accelerator = nullptr;
    std::string accelerator_name;
    std::vector<Cpu*> cpus;
    bool finished = false;

    std::atomic<RunState> run_state{RunState::Prelaunch};
    std::mutex request_mutex;
    Requests requests;
    bool work_posted = false;
    std::vector<EventListener*> listeners;
    std::map<std::string, void*, std::less<>> interfaces;
    std::unique_ptr<ObjectTree> objects;  ///< last: its objects use all of the above

  private:
    void run() override { carry_out_requests(); }
};

}  // namespace backplane::kernel
