// Real-mode programs under KVM: ports, memory, interrupts, what stops and what changes while they run.
#include "fixture.h"

#include "kernel/memory/memory_map.h"

namespace backplane::kvm {
namespace {

using testing::kProgram;
using testing::KvmBoard;
using testing::KvmTest;
using testing::Record;

TEST_F(KvmTest, PortsAndMemoryReachDevices) {
    make();
    put(0x1100, {'h', 'e', 'l', 'l', 'o'});
    put(kProgram, {0xba, 0xe9, 0x00,                    // mov dx, 0e9h
                   0xbe, 0x00, 0x11,                    // mov si, 1100h
                   0xb9, 0x05, 0x00,                    // mov cx, 5
                   0xfc, 0xf3, 0x6e,                    // cld; rep outsb
                   0xb8, 0x00, 0xa0, 0x8e, 0xd8,        // mov ax, 0a000h; mov ds, ax
                   0xc7, 0x06, 0x10, 0x00, 0x34, 0x12,  // mov word [10h], 1234h
                   0x66, 0xa1, 0x20, 0x00,              // mov eax, [20h]
                   0x66, 0xe7, 0xf4,                    // out 0f4h, eax
                   0xf4});                              // hlt
    run();
    EXPECT_EQ(text(), "hello");
    EXPECT_EQ(board().memory_io().writes, (std::vector<Record>{{0x10, 0x1234, 2}}));
    EXPECT_EQ(board().memory_io().reads, (std::vector<Record>{{0x20, 0, 4}}));
    EXPECT_EQ(board().outputs.back(), (Record{kExitPort, 0x44332211, 4}));
    EXPECT_EQ(board().last_cpu, 0u);
}

TEST_F(KvmTest, AStoppedMachineShowsItsRegisters) {
    make();
    put(kProgram, {0x66, 0xb8, 0x78, 0x56, 0x34, 0x12,  // mov eax, 12345678h
                   0xb8 + 1, 0x21, 0x43,                // mov cx, 4321h
                   0xe6, 0xf4,                          // out 0f4h, al
                   0xeb, 0xfe});                        // jmp $
    run();
    EXPECT_EQ(state().gpr[x86::kRax], 0x12345678u);
    EXPECT_EQ(state().gpr[x86::kRcx], 0x4321u);
    EXPECT_EQ(state().pc, kProgram + 11);
    EXPECT_EQ(state().segments[x86::kCs].base, 0u);
    EXPECT_EQ(state().cr0 & x86::cr0::kPe, 0u);
}

/// handler at 400h: mov al, 21h; out 0e9h, al; out 0f4h, al; iret
constexpr std::initializer_list<std::uint8_t> kHandler = {0xb0, 0x21, 0xe6, 0xe9, 0xe6, 0xf4, 0xcf};

TEST_F(KvmTest, AnInterruptWakesAHaltedProcessor) {
    make();
    put(0x400, kHandler);
    put(0x84, {0x00, 0x04, 0x00, 0x00});  // vector 21h
    put(kProgram, {0xbc, 0x00, 0x80,      // mov sp, 8000h
                   0xfb, 0xe6, 0x80,      // sti; out 80h, al
                   0xf4, 0xeb, 0xfd});    // hlt; jmp to it
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) board().processors[0]->set_interrupt(1);
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "!");
    EXPECT_EQ(board().acknowledged, 1u);
}

TEST_F(KvmTest, AnInterruptWaitsUntilTheyAreTaken) {
    make();
    put(0x400, kHandler);
    put(0x84, {0x00, 0x04, 0x00, 0x00});
    put(kProgram, {0xbc, 0x00, 0x80,       // mov sp, 8000h
                   0xe6, 0x80,             // out 80h, al
                   0xb0, 'a', 0xe6, 0xe9,  // mov al, 'a'; out 0e9h, al
                   0xfb, 0x90,             // sti; nop
                   0xeb, 0xfe});           // jmp $
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) board().processors[0]->set_interrupt(1);
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "a!");
}

TEST_F(KvmTest, AnNmiIsTakenWithInterruptsOff) {
    make();
    put(0x400, kHandler);
    put(0x08, {0x00, 0x04, 0x00, 0x00});                        // vector 2
    put(kProgram, {0xbc, 0x00, 0x80, 0xe6, 0x81, 0xeb, 0xfe});  // mov sp, 8000h; out 81h, al; jmp $
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x81) board().processors[0]->raise_nmi();
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "!");
}

TEST_F(KvmTest, ATripleFaultResetsTheMachine) {
    make();
    put(0x1200, {0, 0, 0, 0, 0, 0});
    put(kProgram, {0xe6, 0x83,                                      // out 83h, al
                   0x0f, 0x01, 0x1e, 0x00, 0x12,                    // lidt [1200h]
                   0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,  // or cr0, 1
                   0x0f, 0x0b});                                    // ud2
    unsigned starts = 0;
    board().on_output = [&](std::uint64_t port, std::uint64_t) {
        if (port == 0x83 && ++starts == 2) machine.request_end("guest-shutdown");
    };
    const unsigned before = board().resets;
    run();
    if (failed) GTEST_SKIP() << "this host's KVM emulates this, and does not emulate exceptions";
    EXPECT_EQ(board().resets, before + 1);
    EXPECT_EQ(starts, 2u);
}

TEST_F(KvmTest, MemoryChangesUnderTheGuest) {
    make();
    put(0x2000, {'r'});
    put(kProgram, {0xa0, 0x00, 0x20, 0xe6, 0xe9,  // mov al, [2000h]; out 0e9h, al
                   0xe6, 0x82,                    // out 82h, al
                   0xc6, 0x06, 0x00, 0x20, 'w',   // mov byte [2000h], 'w'
                   0xa0, 0x00, 0x20, 0xe6, 0xe9,  // mov al, [2000h]; out 0e9h, al
                   0xe6, 0x84,                    // out 84h, al
                   0xa0, 0x00, 0x20, 0xe6, 0xe9,  // mov al, [2000h]; out 0e9h, al
                   0xe6, 0xf4, 0xf4});            // out 0f4h, al; hlt
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x82) board().overlay().set_enabled(true);
        if (port == 0x84) board().overlay().set_enabled(false);
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "rUr");  // the ROM of 55h ignores the store
}

TEST_F(KvmTest, AGuestThatSpinsIsStoppedAndGoesOn) {
    make();
    put(kProgram, {0xe6, 0x85, 0x40, 0xeb, 0xfd});  // out 85h, al; inc ax; jmp to it
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x85) machine.request_end("host-signal");
    };
    run();
    const std::uint64_t before = state().pc;
    EXPECT_GE(before, kProgram + 2);
    EXPECT_LE(before, kProgram + 4);
}

TEST_F(KvmTest, AChangedStateIsWhatGoesOn) {
    make();
    put(0x1500, {0xe6, 0xf4, 0xeb, 0xfe});  // out 0f4h, al; jmp $
    state().pc = 0x1500;
    state().segments[x86::kCs].base = 0;
    state().segments[x86::kCs].selector = 0;
    state().gpr[x86::kRax] = 0x5a;
    state().gpr[15] = 0x1122334455667788;
    state().msrs.star = 0x23001000000000;
    machine.accelerator()->states_changed();
    run();
    EXPECT_EQ(board().outputs.back().value, 0x5au);
    EXPECT_EQ(state().gpr[15], 0x1122334455667788u);
    EXPECT_EQ(state().msrs.star, 0x23001000000000u);
}

TEST_F(KvmTest, AnotherProcessorWaitsForItsStartUp) {
    KvmBoard::cpus = 2;
    make();
    KvmBoard::cpus = 1;
    put(0x3000, {0xb0, 'b', 0xe6, 0xe9, 0xe6, 0xf4, 0xf4});    // mov al, 'b'; out 0e9h, al; out 0f4h, al; hlt
    put(kProgram, {0xb0, 'a', 0xe6, 0xe9, 0xe6, 0x86, 0xf4});  // mov al, 'a'; out 0e9h, al; out 86h, al; hlt
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x86) {
            board().processors[1]->raise_init();
            board().processors[1]->start_up(3);
        }
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "ab");
    EXPECT_EQ(board().last_cpu, 1u);
}

TEST_F(KvmTest, LongModeAndWideRegistersAreSeen) {
    make();
    put(0x1200, {0x17, 0, 0x10, 0x12, 0, 0});                                   // GDT at 1210h
    put(0x1210, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0});  // 8: 64-bit code
    put(0x10000, {0x03, 0x10, 0x01});                                           // PML4
    put(0x11000, {0x03, 0x20, 0x01});                                           // page-directory pointers
    put(0x12000, {0x83, 0, 0});                                                 // 2 MiB
    put(kProgram, {0xfa, 0x0f, 0x01, 0x16, 0x00, 0x12,                          // cli; lgdt [1200h]
                   0x66, 0xb8, 0x00, 0x00, 0x01, 0x00, 0x0f, 0x22, 0xd8,  // mov eax, 10000h; mov cr3, eax
                   0x66, 0xb8, 0x20, 0x00, 0x00, 0x00, 0x0f, 0x22, 0xe0,  // mov eax, 20h; mov cr4, eax
                   0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0,                    // mov ecx, 0c0000080h
                   0x66, 0xb8, 0x00, 0x01, 0x00, 0x00, 0x66, 0x31, 0xd2,  // mov eax, 100h; xor edx, edx
                   0x0f, 0x30,                                            // wrmsr
                   0x66, 0xb8, 0x11, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0,  // mov eax, 80000011h; mov cr0, eax
                   0xea, 0x00, 0x13, 0x08, 0x00});                        // jmp 8:1300h
    put(0x1300, {0x49, 0xbc, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,  // mov r12, 1122334455667788h
                 0x48, 0xb8, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,  // mov rax, 9988776655443322h
                 0xe6, 0xf4, 0xeb, 0xfe});                                    // out 0f4h, al; jmp $
    run();
    EXPECT_EQ(state().gpr[12], 0x1122334455667788u);
    EXPECT_EQ(state().gpr[x86::kRax], 0x9988776655443322u);
    EXPECT_EQ(state().efer, x86::efer::kLme | x86::efer::kLma);
    EXPECT_NE(state().segments[x86::kCs].attributes & x86::Segment::kLong, 0u);
    GuestAddress physical;
    ASSERT_TRUE(machine.cpus()[0]->translate_debug(0x1300, physical));
    EXPECT_EQ(physical.value, 0x1300u);
    EXPECT_FALSE(machine.cpus()[0]->translate_debug(0x200000, physical));
    TextBuffer text;
    machine.cpus()[0]->dump(text);
    EXPECT_NE(text.text().find("R12=1122334455667788"), std::string::npos) << text.text();
    EXPECT_NE(text.text().find("DPL=0 CS64 [-RA]"), std::string::npos) << text.text();
}

class KvmDirty : public KvmTest {
  protected:
    void expect_the_stored_page(const Properties& accelerator) {
        make(accelerator);
        put(kProgram, {0xc6, 0x06, 0x00, 0x30, 1,  // mov byte [3000h], 1
                       0xe6, 0xf4, 0xf4});         // out 0f4h, al; hlt
        const auto view = machine.system_memory().view();
        RamBlock& block = *view->find(0x3000)->block;
        machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, true);
        run();
        const auto dirty = machine.memory().take_dirty(block, kernel::DirtyClient::Other);
        EXPECT_EQ(dirty[0] & 1u << 3, 1u << 3);
        EXPECT_EQ(dirty[0] & 1u << 5, 0u);
        machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, false);
    }
};

TEST_F(KvmDirty, StoresAreInTheBitmap) { expect_the_stored_page({}); }

TEST_F(KvmDirty, StoresAreInTheRing) {
    constexpr unsigned long kDirtyLogRing = 192;
    if (host_capability(kDirtyLogRing) <= 0) GTEST_SKIP() << "this host's KVM has no rings of changed pages";
    expect_the_stored_page({{"dirty-ring-size", "1024"}});
}

TEST_F(KvmTest, TheKernelsOwn8259sServeTheirPins) {
    KvmBoard::chips = true;
    make({{"kernel-irqchip", "on"}});
    KvmBoard::chips = false;
    put(0x34, {0x00, 0x04, 0x00, 0x00});                            // vector 0dh
    put(0x1c4, {0x40, 0x04, 0x00, 0x00});                           // vector 71h
    put(kProgram, {0xbc, 0x00, 0x80,                                // mov sp, 8000h
                   0xb0, 0x11, 0xe6, 0x20, 0xe6, 0xa0,              // ICW1
                   0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x70, 0xe6, 0xa1,  // ICW2
                   0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x02, 0xe6, 0xa1,  // ICW3
                   0xb0, 0x01, 0xe6, 0x21, 0xe6, 0xa1,              // ICW4
                   0xb0, 0xda, 0xe6, 0x21, 0xb0, 0xfd, 0xe6, 0xa1,  // masks: inputs 0, 2, 5 and 9
                   0xfb, 0xe6, 0x80, 0xf4, 0xeb, 0xfd});            // sti; out 80h, al; hlt; jmp to it
    put(0x400, {0xb0, '5', 0xe6, 0xe9, 0xb0, 0x20, 0xe6, 0x20, 0xe6, 0x87, 0xcf});
    put(0x440, {0xb0, '9', 0xe6, 0xe9, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0xe6, 0xf4, 0xcf});
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        Object& slave = *board().pics[0];
        Object& master = *board().pics[1];
        if (port == 0x80) drive(master, 5, 1);
        if (port == 0x87) {
            drive(master, 5, 0);
            drive(slave, 1, 1);
        }
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "59");
}

TEST_F(KvmTest, AHostWithoutTheDeviceSaysSo) {
    machine.set_cpu("qemu64-v1-x86_64-cpu", {});
    EXPECT_FALSE(machine.open_accelerator({{"kvm", {{"device", "/dev/none"}}}}, errors));
    EXPECT_NE(errors.text().find("could not open /dev/none: No such file"), std::string::npos)
        << errors.text();
    errors.clear();
    EXPECT_FALSE(machine.open_accelerator({{"kvm", {{"device", "/dev/null"}}}}, errors));
    EXPECT_NE(errors.text().find("/dev/null is not the kernel's KVM device"), std::string::npos)
        << errors.text();
}

}  // namespace
}  // namespace backplane::kvm
