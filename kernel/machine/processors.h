// A machine's CPUs, and the accelerator that runs them.
#pragma once

#include <backplane/draft/accelerator.h>
#include <backplane/slots.h>

#include <map>
#include <string>
#include <vector>

namespace backplane::kernel {

class Instance;
struct AcceleratorChoice;
struct MachineParts;

/// Thread: main, holding the machine lock.
class Processors final : public AcceleratorContext, public ProcessorPlug {
  public:
    explicit Processors(MachineParts& machine) : machine_(machine) {}

    /// Tries the choices in order; says (to the log) why one was not taken.
    bool open(const std::vector<AcceleratorChoice>& choices, Errors& errors);
    Accelerator* accelerator() { return accelerator_; }
    const std::string& accelerator_name() const { return name_; }
    /// What it, or an object below it, offers to boards and devices; null where neither does.
    void* accelerator_interface(Str id) const;

    /// What a board gets that asks for a device of `type`: that, or the accelerator's own.
    std::string chip(Str type) const;

    const std::vector<Cpu*>& cpus() const { return cpus_; }
    /// Gives a CPU what it sees of the machine.
    void set_host(Cpu& cpu, std::uint32_t index);
    /// The CPU sees `root` in its address space number `space` from now on. It has its host, and is not realized.
    bool set_memory(Cpu& cpu, std::uint32_t space, MemoryRegion& root, Errors& errors);
    /// The features of -cpu, for a CPU of that type.
    bool equip(Instance& cpu, Errors& errors);
    /// Gives the CPU its host, and a place among the others by its number.
    void add(Cpu& cpu, std::uint32_t index);
    bool attach_all(Errors& errors);
    bool attached() const { return attached_; }
    void detach_all();
    void start();
    void stop();
    void request_stop();
    void states_changed();
    /// `instance` is about to go: a CPU, the accelerator, or neither.
    void forget(Instance& instance);

    /// While one comes or goes, all CPUs stand: accelerators need not take one while others run.
    class Standing {
      public:
        explicit Standing(MachineParts& machine);
        ~Standing();
        Standing(const Standing&) = delete;
        Standing& operator=(const Standing&) = delete;

      private:
        MachineParts& machine_;
        const bool ran_;
    };

    // ProcessorPlug
    void put_on(Object& cpu, Object& bus) override;
    bool adopt(Object& cpu, std::uint32_t index, Errors& errors) override;
    bool attach(Object& cpu, Errors& errors) override;
    Str cpu_type() const override;

    // AcceleratorContext
    Object& object() override;
    Log& log() override;
    MachineLock& lock() override;
    Clock& clock() override;
    AddressSpace& system_memory() override;
    AddressSpace& io_ports() override;
    bool cpus_are(Str type) override;
    Str cpu_architecture() override;
    Object* create(Str type, Str name, Errors& errors) override;
    void internal_error(Str message) override;
    void* host_interface(Str interface_id) override;

  private:
    bool attach(Cpu& cpu, Errors& errors);
    bool try_open(const AcceleratorChoice& choice, Errors& errors);
    template <class Call>
    void call(const char* name, const Call& call);
    /// What one CPU was given, and the spaces of its own among that.
    struct Given {
        CpuHost host;
        std::vector<AddressSpace*> owned;
    };
    void take_back(Given& given);

    MachineParts& machine_;
    Instance* object_ = nullptr;
    Accelerator* accelerator_ = nullptr;
    std::string name_;
    std::string architecture_;
    std::vector<Cpu*> cpus_;
    std::map<Cpu*, Given> given_;
    bool attached_ = false;  ///< the accelerator has all of them
};

}  // namespace backplane::kernel
