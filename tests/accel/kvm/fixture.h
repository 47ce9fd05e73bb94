// A machine for the accelerator "kvm" alone: RAM from 0, a stretch of I/O at A0000h, a boot ROM at the top of 4 GiB that jumps
// to 1000h in real mode, and ports of the test's own. Where the host has no KVM the test ends with status 77.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"

#include <backplane/draft/address_space.h>
#include <backplane/draft/x86/processor.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace backplane::kvm::testing {

using kernel::Catalog;
using kernel::LogHub;
using kernel::Machine;

inline constexpr std::uint64_t kIo = 0xa0000, kIoSize = 0x1000;
inline constexpr std::uint64_t kProgram = 0x1000;
inline constexpr std::uint64_t kWaiting = 0x98;  ///< two ports whose stores may wait
inline constexpr std::uint64_t kIoApicBase = 0xfec00000;
inline constexpr std::uint64_t kRomSize = 0x1000, kRomBase = 0x1'0000'0000 - kRomSize;

/// What a port or an address did.
struct Record {
    std::uint64_t at, value;
    unsigned size;
    bool operator==(const Record&) const = default;
};

/// The board of the running test, and what its ports do.
class KvmBoard final : public Board, public IoHandler, public x86::InterruptAcknowledge {
  public:
    static inline KvmBoard* current = nullptr;
    static inline unsigned cpus = 1;
    static inline bool chips = false;       ///< two 8259s, which the accelerator may replace
    static inline bool apics = false;       ///< local APICs and an I/O APIC, likewise
    static inline bool management = false;  ///< a page of its own for system management mode, at 2000h

    explicit KvmBoard(Object&) { current = this; }
    ~KvmBoard() { current = nullptr; }

    bool build(BoardContext& context, Errors& errors) override {
        MemoryRegion& memory = context.system_memory();
        ports_ = &context.memory().io("ports", 0x10000, *this, {});
        waiting_ = &context.memory().io("waiting", 2, waiting_ports_, {.stores_may_wait = true});
        io_ = &context.memory().io("io", kIoSize, memory_io_, {});
        overlay_ = context.memory().rom("overlay", 0x1000, errors);
        rom_ = context.memory().rom("rom", kRomSize, errors);
        if (!overlay_ || !rom_) return false;
        constexpr std::uint8_t kFarJump[] = {0xea, kProgram & 0xff, kProgram >> 8, 0, 0};
        std::memcpy(rom_->bytes().data + kRomSize - 16, kFarJump, sizeof kFarJump);
        std::memset(overlay_->bytes().data, 0x55, overlay_->bytes().size);
        overlay_->set_enabled(false);
        if (!memory.add(context.ram(), Offset(0), 0, errors) || !memory.add(*io_, Offset(kIo), 1, errors) ||
            !memory.add(*overlay_, Offset(0x2000), 1, errors) ||
            !memory.add(*rom_, Offset(kRomBase), 1, errors) ||
            !context.io_ports().add(*ports_, Offset(0), 0, errors) ||
            !ports_->add(*waiting_, Offset(kWaiting), 1, errors))
            return false;
        if (chips && !(make_pic(context, "slave", 0xa0, 0x4d1, false, errors) &&
                       make_pic(context, "master", 0x20, 0x4d0, true, errors)))
            return false;
        for (unsigned i = 0; i < cpus; ++i) {
            Object* cpu = context.create_cpu(i, errors);
            if (!cpu || (management && !show_management_memory(context, *cpu, errors)) ||
                !context.realize(*cpu, errors))
                return false;
            processors.push_back(query<x86::ProcessorControl>(*cpu));
            processors.back()->set_interrupt_controller(this);
            cpu_objects_.push_back(cpu);
        }
        return !apics || make_apics(context, errors);
    }
    bool show_management_memory(BoardContext& context, Object& cpu, Errors& errors) {
        MemoryRegion& root = context.memory().container("management", 0x1'0000'0000);
        MemoryRegion& seen = context.memory().alias("management-ram", context.ram(), Offset(0x4000), 0x1000);
        return root.add(seen, Offset(0x2000), 0, errors) && context.set_cpu_memory(cpu, 1, root, errors);
    }
    bool make_apics(BoardContext& context, Errors& errors) {
        Object* bus = context.create("apic-bus", "apic-bus", errors);
        if (!bus || !context.realize(*bus, errors) ||
            !context.map(*bus, "apic-msi", GuestAddress(x86::kMessageBase), errors))
            return false;
        for (std::size_t i = 0; i < cpu_objects_.size(); ++i) {
            Object* apic = context.create("apic", "apic" + std::to_string(i), errors);
            if (!apic || !apic->set_link("cpu", cpu_objects_[i], errors) ||
                !apic->set_link("bus", bus, errors) || !context.realize(*apic, errors))
                return false;
            local_apics.push_back(apic);
        }
        io_apic = context.create("ioapic", "ioapic", errors);
        return io_apic && io_apic->set_link("bus", bus, errors) && context.realize(*io_apic, errors) &&
               context.map(*io_apic, "ioapic", GuestAddress(kIoApicBase), errors);
    }
    bool finish(BoardContext&, Errors&) override { return true; }
    bool make_pic(BoardContext& context, const char* name, unsigned port, unsigned elcr, bool master,
                  Errors& errors) {
        Object* pic = context.create("isa-i8259", name, errors);
        pics.push_back(pic);
        return pic && pic->set_property("iobase", std::to_string(port), errors) &&
               pic->set_property("elcr_addr", std::to_string(elcr), errors) &&
               pic->set_property("master", master ? "on" : "off", errors) && context.realize(*pic, errors);
    }
    void reset(BoardContext&) override {
        ++resets;
        if (on_reset) on_reset();
    }

    // Ports.
    std::uint64_t read(Offset offset, unsigned size, Access&) override {
        inputs.push_back({offset.value, 0, size});
        return on_input ? on_input(offset.value) : 0;
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        last_cpu = access.cpu;
        outputs.push_back({offset.value, value, size});
        if (on_output) on_output(offset.value, value);
    }
    std::uint8_t acknowledge() override {
        ++acknowledged;
        for (x86::ProcessorControl* p : processors) p->set_interrupt(0);
        return vector;
    }

    struct MemoryIo final : IoHandler {
        std::uint64_t read(Offset offset, unsigned size, Access&) override {
            reads.push_back({offset.value, 0, size});
            return 0x8877665544332211;
        }
        void write(Offset offset, std::uint64_t value, unsigned size, Access&) override {
            writes.push_back({offset.value, value, size});
        }
        std::vector<Record> reads, writes;
    };

    /// As of ports whose stores may wait.
    class WaitingPorts final : public IoHandler {
      public:
        explicit WaitingPorts(KvmBoard& board) : board_(board) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override {
            return board_.read(Offset(kWaiting + offset.value), size, access);
        }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
            board_.write(Offset(kWaiting + offset.value), value, size, access);
        }

      private:
        KvmBoard& board_;
    };

    MemoryRegion& overlay() { return *overlay_; }
    MemoryRegion& ports() { return *ports_; }
    MemoryRegion& waiting() { return *waiting_; }
    MemoryRegion& io() { return *io_; }
    MemoryIo& memory_io() { return memory_io_; }

    std::vector<x86::ProcessorControl*> processors;
    std::vector<Object*> pics;  ///< slave, master
    std::vector<Object*> local_apics;
    Object* io_apic = nullptr;
    std::vector<Record> inputs, outputs;
    std::function<void(std::uint64_t port, std::uint64_t value)> on_output;
    std::function<std::uint64_t(std::uint64_t port)> on_input;
    std::function<void()> on_reset;
    std::uint8_t vector = 0x21;
    unsigned acknowledged = 0, resets = 0;
    std::uint32_t last_cpu = 0;

  private:
    MemoryRegion *ports_ = nullptr, *waiting_ = nullptr, *io_ = nullptr, *overlay_ = nullptr, *rom_ = nullptr;
    MemoryIo memory_io_;
    WaitingPorts waiting_ports_{*this};
    std::vector<Object*> cpu_objects_;
};

inline constexpr BoardTraits kTraits{.max_cpus = 8};
inline constexpr InterfaceInfo kBoardInterfaces[] = {offers<KvmBoard, Board>()};
inline constexpr TypeInfo kBoardType{.name = "kvm-test-machine",
                                     .parent = "machine",
                                     .interfaces = kBoardInterfaces,
                                     .class_data = &kTraits,
                                     .instance_init = make_part<KvmBoard>,
                                     .instance_finalize = free_part<KvmBoard>};

class KvmTest : public ::testing::Test, kernel::EventListener {
  protected:
    static constexpr std::uint64_t kExitPort = 0xf4, kTextPort = 0xe9;
    using Properties = kernel::PropertyList;

    /// A machine with an accelerator and a board, stopped at reset.
    void make(const Properties& accelerator = {}, const std::string& model = "qemu64-v1",
              const Properties& features = {}) {
        catalog.types().register_type(kBoardType, errors);
        machine.set_ram_size(4 << 20);
        ASSERT_TRUE(machine.set_type("kvm-test-machine", errors)) << errors.text();
        machine.set_cpu(model + "-x86_64-cpu", features);
        if (const int error = host_refuses(); error != 0) {
            std::printf("skipped: the host has no KVM: %s\n", std::strerror(error));
            std::fflush(stdout);
            std::_Exit(77);
        }
        ASSERT_TRUE(machine.open_accelerator({{"kvm", accelerator}}, errors)) << errors.text();
        ASSERT_TRUE(machine.build(errors)) << errors.text();
        board().on_output = [this](std::uint64_t port, std::uint64_t) {
            if (port == kExitPort) machine.request_end("guest-shutdown");
        };
        ASSERT_TRUE(machine.finish(errors)) << errors.text();
    }
    /// The host's reason not to make a virtual machine; 0: it does.
    static int host_refuses() {
        constexpr unsigned long kCreateVm = 0xae01;
        const int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        const int vm = device < 0 ? -1 : ioctl(device, kCreateVm, 0);
        const int error = vm < 0 ? errno : 0;
        if (vm >= 0) close(vm);
        if (device >= 0) close(device);
        return error;
    }
    /// What the host's kernel says of a capability; 0: it does not know it.
    static int host_capability(unsigned long capability) {
        constexpr unsigned long kCheckExtension = 0xae03;
        const int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        const int found = device < 0 ? 0 : ioctl(device, kCheckExtension, capability);
        if (device >= 0) close(device);
        return found;
    }
    KvmBoard& board() { return *KvmBoard::current; }

    void put(std::uint64_t address, std::initializer_list<std::uint8_t> bytes) {
        Access access;
        machine.system_memory().write(GuestAddress(address), {bytes.begin(), bytes.size()}, access);
    }
    /// Runs until the guest (or the test's port handler) ends it, or until KVM cannot go on.
    int run() {
        machine.add_event_listener(*this);
        machine.start();
        const int status = machine.run();
        machine.remove_event_listener(*this);
        return status;
    }
    void machine_event(std::string_view name, std::string_view) override {
        failed = failed || machine.run_state() == kernel::RunState::InternalError;
        if (failed && name == "STOP") machine.request_end("host-signal");
    }
    x86::X86State& state(unsigned cpu = 0) {
        return *static_cast<x86::X86State*>(machine.cpus()[cpu]->state());
    }
    /// Drives an input of a device, as a wire would.
    void drive(Object& device, unsigned index, int level) { drive_named(device, "", index, level); }
    void drive_named(Object& device, const char* name, unsigned index, int level) {
        auto* probe = static_cast<WireProbe*>(machine.host_interface(WireProbe::kId));
        EXPECT_TRUE(probe->set_input(device, name, index, level, errors)) << errors.text();
    }
    /// The accelerator's part, as devices find it.
    template <class Interface>
    Interface& accelerator() {
        return *query<Interface>(*machine.objects().find_path("/machine/accel"));
    }
    /// Real mode with DS of 4 GiB, so that it reaches what lies high.
    void reach_all_memory() {
        state().segments[x86::kDs] = {0, 0xffffffff, 0, 0x8093};
        machine.accelerator()->states_changed();
    }
    std::string text() {
        std::string all;
        for (const Record& out : board().outputs)
            if (out.at == kTextPort) all += char(out.value);
        return all;
    }

    Catalog catalog;
    LogHub log;
    Machine machine{catalog, log};
    ErrorText errors;
    bool failed = false;  ///< KVM could not go on
};

}  // namespace backplane::kvm::testing
