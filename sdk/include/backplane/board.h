// Boards: a chip list, a map and wires, and the machine's own options.
#pragma once

#include <backplane/device.h>

#include <string>

namespace backplane {

class BoardContext;

/// Implemented by the part of a type derived from "machine". Thread: main, before the machine runs.
class Board {
  public:
    static constexpr const char* kId = "backplane.board/1";
    /// Makes the chips, maps and wires them. What is wrong with a property is told through BoardPropertyErrors.
    virtual bool build(BoardContext& context, Errors& errors) = 0;
    /// All devices of the command line are there: makes what describes the machine (a device tree, boot code).
    virtual bool finish(BoardContext& context, Errors& errors) = 0;
    /// At each reset, after all devices: puts boot code and start addresses in place.
    virtual void reset(BoardContext& context) = 0;

  protected:
    ~Board() = default;
};

/// What build() and finish() have to say of one of the board's own properties: the host names the option that the user
/// gave it by.
class BoardPropertyErrors final : public Errors {
  public:
    BoardPropertyErrors(Errors& errors, Str name)
        : errors_(errors), prefix_("property '" + std::string(name.view()) + "': ") {}
    void fail(Str message) override { errors_.fail(prefix_ + std::string(message.view())); }

  private:
    Errors& errors_;
    const std::string prefix_;
};

/// `-smp`, complete and consistent. From the host: members are added at the end only. Each level counts what one of the
/// level around it has: sockets, dies, clusters, modules, cores, threads.
struct Topology {
    std::uint32_t cpus = 1;
    std::uint32_t max_cpus = 1;
    std::uint32_t sockets = 1;
    std::uint32_t clusters = 1;
    std::uint32_t cores = 1;
    std::uint32_t threads = 1;
    std::uint32_t dies = 1;
    std::uint32_t modules = 1;
};

/// Levels of a Topology that not every board has; those that a board has not hold one.
namespace topology_level {
inline constexpr std::uint32_t kDies = 1, kClusters = 2, kModules = 4;
}

/// Of a machine whose memory is not equally near to all of its CPUs (`-numa`). BoardContext::host_interface() has it.
/// Owner: the host, for the machine's life. Thread: main.
class NumaTopology {
  public:
    static constexpr const char* kId = "backplane.numa-topology/1";
    /// 0: memory is uniform.
    virtual std::uint32_t nodes() const = 0;
    /// Bytes of the `-m` memory; BoardContext::ram() has the nodes' memory one after another.
    virtual std::uint64_t memory(std::uint32_t node) const = 0;
    /// For each CPU below Topology::max_cpus.
    virtual std::uint32_t node_of_cpu(std::uint32_t cpu) const = 0;
    /// As in ACPI 6.4, 5.2.17: 10 is the own node's, 255 out of reach; 0 when nobody gave distances.
    virtual std::uint32_t distance(std::uint32_t from, std::uint32_t to) const = 0;

  protected:
    ~NumaTopology() = default;
};

/// A name that users type, and the device type that it means on this board. Sized (BoardTraits::short_name_size).
struct ShortName {
    const char* name = nullptr;
    const char* device = nullptr;
    std::uint32_t drives_per_bus = 0;  ///< drive_interfaces: its drives are called "ide1-cd0"; 0: "floppy0"
};

/// A drive without a medium that a machine has where its user says nothing of it. Sized.
struct DefaultDrive {
    const char* interface = nullptr;  ///< of drive_interfaces
    std::uint32_t index = 0;
    bool removable = false;  ///< as media=cdrom
    const char* instead =
        nullptr;  ///< device types, '|' between them, of which one that a user adds takes its place
};

/// What a machine type says of itself, in its class: read by the launcher before anything is built. Sized.
struct BoardTraits {
    std::uint32_t struct_size = sizeof(BoardTraits);  ///< as it was built; members are added at the end only
    std::uint32_t short_name_size = sizeof(ShortName);
    std::uint32_t max_cpus = 1;
    std::uint64_t default_ram = 128u << 20;  ///< bytes
    std::uint64_t max_ram = ~std::uint64_t{0};
    const char* default_cpu = nullptr;  ///< a -cpu name
    const char* cpu_family = nullptr;   ///< the abstract type that its CPUs derive from
    const char* default_nic = nullptr;  ///< the device that -nic makes
    /// -drive if=NAME, the first one being what no if= means. A row with a device has that plugged in to show the
    /// drive; one without is asked for by the board itself (BoardContext::drive).
    Slice<const ShortName> drive_interfaces{};
    /// -nic model=NAME beside the devices' own names.
    Slice<const ShortName> nic_models{};
    /// -device NAME where the family's name stands for the member that fits this board's buses.
    Slice<const ShortName> device_aliases{};
    std::uint32_t serial_ports = 1;
    /// CPUs of an -smp that does not say where they sit are sockets of their own, as boards had it up to release 6.1;
    /// else they are cores of one.
    bool sockets_first = false;
    std::uint32_t default_drive_size = sizeof(DefaultDrive);
    Slice<const DefaultDrive> default_drives{};
    /// Memory modules that users may add at most (-m slots=); 0: the board takes none.
    std::uint32_t memory_slots = 0;
    std::uint32_t parallel_ports = 0;
    /// Device types, '|' between them, of which one that a user adds stands for the first serial or printer port that
    /// the machine would have otherwise.
    const char* serial_instead = nullptr;
    const char* parallel_instead = nullptr;
    /// -vga NAME: the graphics adapter that it means. The first one is what a machine with a display has otherwise.
    Slice<const ShortName> displays{};
    /// What -smp may count beside sockets, cores and threads: bits of topology_level.
    std::uint32_t topology_levels = topology_level::kClusters;
};

/// A drive that the command line has for a chip of the board. From the host.
struct BoardDrive {
    Object* node = nullptr;  ///< the block node
    bool removable = false;  ///< media=cdrom
};

/// What the host gives to a board. Owner: the host, for the machine's life. Thread: main.
class BoardContext {
  public:
    static constexpr const char* kId = "backplane.board-context/1";
    virtual Object& machine() = 0;
    virtual const Topology& topology() const = 0;
    virtual Log& log() = 0;
    virtual MemoryFactory& memory() = 0;
    /// The root of what CPUs see, and the root of I/O ports.
    virtual MemoryRegion& system_memory() = 0;
    virtual MemoryRegion& io_ports() = 0;
    /// The `-m` memory, not yet mapped. In bytes: ram().size().
    virtual MemoryRegion& ram() = 0;

    /// Makes a device named `name` below the machine; its properties may be set until realize().
    /// Where the accelerator has such a chip of its own, that is made instead.
    virtual Object* create(Str type, Str name, Errors& errors) = 0;
    /// The same on a bus, which a device has made below itself.
    virtual Object* create_on(Object& bus, Str type, Str name, Errors& errors) = 0;
    virtual bool realize(Object& device, Errors& errors) = 0;
    /// Makes CPU `index` as `-cpu` (or the default) asks, with its features, not yet realized.
    virtual Object* create_cpu(std::uint32_t index, Errors& errors) = 0;
    /// What a CPU of create_cpu() sees, before it is realized: the region at the root of its address space number
    /// `space`. Number 0 is where it is after reset, and system_memory() unless this is called; what further numbers mean
    /// (system management mode, a secure world) is said by the CPU's family. Refuses a number that leaves out one below.
    virtual bool set_cpu_memory(Object& cpu, std::uint32_t space, MemoryRegion& root, Errors& errors) = 0;
    /// Maps a region that the device exported at an address of system_memory().
    virtual bool map(Object& device, Str region, GuestAddress address, Errors& errors) = 0;
    /// Joins an output to an input; several outputs may share an input (wired-or) and an output several inputs.
    virtual bool connect(Object& from, Str output, unsigned output_index, Object& to, Str input,
                         unsigned input_index, Errors& errors) = 0;

    /// The chardev of `-serial` number `index`; null for none.
    virtual Object* serial(unsigned index) = 0;
    /// The drive of `-drive if=<interface>,index=<index>` (pflash, …); without a node for none.
    virtual BoardDrive drive(Str interface, unsigned index) = 0;
    /// Are the devices that a user would get without asking (a NIC, …) wanted?
    virtual bool default_devices() const = 0;

    /// Reads a whole file of the host, found as given or in the firmware search path (bios/): false and a reason
    /// that names it. One of more than `limit` bytes is refused by its size alone. The bytes are valid until the next
    /// call.
    virtual bool read_file(Str path, bool search_firmware, std::uint64_t limit, Bytes& bytes,
                           Errors& errors) = 0;
    /// Puts bytes into memory, now and again at each reset. Refuses what falls outside of RAM or ROM or overlaps
    /// another blob, naming both.
    virtual bool add_blob(Str name, GuestAddress address, Bytes bytes, Errors& errors) = 0;
    /// A segment of an executable: bytes, and zeros behind them up to `memory_size` bytes, which other blobs may lie
    /// over; now and again at each reset. What reaches past RAM and ROM is left out, which the log tells: linkers put
    /// their headers in front of a program that begins where memory does.
    virtual bool add_segment(Str name, GuestAddress address, Bytes bytes, std::uint64_t memory_size,
                             Errors& errors) = 0;
    /// A port to system memory, for what a board does itself.
    virtual DmaPort& dma() = 0;
    /// Fills with random bytes (a seed for the guest) from the machine's one source, Entropy.
    virtual void random(MutableBytes bytes) = 0;
    virtual void* host_interface(Str interface_id) = 0;

  protected:
    ~BoardContext() = default;
};

/// The printer ports of a machine, as BoardContext::serial() has the serial ones. BoardContext::host_interface() has it.
/// Owner: the host, for the machine's life. Thread: main.
class ParallelPorts {
  public:
    static constexpr const char* kId = "backplane.parallel-ports/1";
    /// The chardev of `-parallel` number `index`; null for none.
    virtual Object* parallel(unsigned index) = 0;

  protected:
    ~ParallelPorts() = default;
};

inline const NumaTopology& numa_of(BoardContext& context) {
    return *static_cast<const NumaTopology*>(context.host_interface(NumaTopology::kId));
}

}  // namespace backplane
