// The plugin's own accelerator in a test's program, over a kernel of the test's.
#pragma once

#include "fake_kernel.h"
#include "fixture.h"
#include "plugins/accel/kvm/accelerator.h"

#include <backplane/property.h>

#include <fstream>
#include <sstream>

#include <poll.h>

namespace backplane::kvm::testing {

inline constexpr InterfaceInfo kInterfaces[] = {offers<Kvm, Accelerator>(), offers<Kvm, AcceleratorDebug>(),
                                                offers<Kvm, MessageSink>(), offers<Kvm, Doorbells>(),
                                                offers<Kvm, x86::SystemManagement>()};
inline constexpr PropertyInfo kProperties[] = {
    enum_property<&Kvm::irqchip_>(
        {.name = "kernel-irqchip", .default_text = "off", .choices = "off|on|split"}),
    size_property<&Kvm::shadow_memory_>({.name = "kvm-shadow-mem", .default_text = "0"}),
    property<&Kvm::dirty_ring_size_, &Kvm::check_dirty_ring>(
        {.name = "dirty-ring-size", .default_text = "0"}),
};
/// The accelerator as it is in this program, over the kernel of the test: it goes by the name that the plugin shows.
inline constexpr TypeInfo kKvmType{.name = "kvm-accel",
                                   .parent = "accelerator",
                                   .interfaces = kInterfaces,
                                   .properties = kProperties,
                                   .instance_init = make_part<Kvm>,
                                   .instance_finalize = free_part<Kvm>};

/// It outlives the machine.
struct WithKernel {
    FakeKernel kernel;
};

class OverFakeKernel : public WithKernel, public KvmTest {
  protected:
    void SetUp() override {
        path = ::testing::TempDir() + "kvm-log-" + std::to_string(::getpid());
        ASSERT_TRUE(log.set_file(path, errors)) << errors.text();
        log.enable("kvm");
        catalog.types().register_type(kKvmType, errors);
        catalog.types().register_type(kBoardType, errors);
        machine.set_ram_size(4 << 20);
        ASSERT_TRUE(machine.set_type("kvm-test-machine", errors)) << errors.text();
        machine.set_cpu("qemu64-v1-x86_64-cpu", {});
    }
    void TearDown() override { std::remove(path.c_str()); }
    bool open(const Properties& properties = {}) {
        return machine.open_accelerator({{"kvm", properties}}, errors);
    }
    bool build(const Properties& properties = {}) {
        return open(properties) && machine.build(errors) && machine.finish(errors);
    }
    std::string said() {
        std::ifstream file(path);
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
    /// Runs, and stops at the guest's first port access.
    void run_until_it_writes() {
        kernel.guest = [this](kvm_run& run) {
            if (written++) return wait_for_a_kick(run);
            run.exit_reason = KVM_EXIT_IO;
            run.io.direction = KVM_EXIT_IO_OUT;
            run.io.size = run.io.count = 1;
            run.io.port = kExitPort;
            run.io.data_offset = 4096;
            return 0;
        };
        board().on_output = [this](std::uint64_t, std::uint64_t) { machine.request_end("guest-shutdown"); };
        run();
    }
    static int wait_for_a_kick(kvm_run& run) {
        while (!__atomic_load_n(&run.immediate_exit, __ATOMIC_RELAXED)) ::poll(nullptr, 0, 5);
        return -EINTR;
    }

    std::string path;
    unsigned written = 0;
};

}  // namespace backplane::kvm::testing
