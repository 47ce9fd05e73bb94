// Doorbells, interrupt messages and their events: what does not leave the kernel.
#include "fixture.h"

#include <backplane/doorbells.h>
#include <backplane/messages.h>

#include <sys/eventfd.h>

namespace backplane::kvm {
namespace {

using testing::kIo;
using testing::kProgram;
using testing::KvmBoard;
using testing::KvmTest;
using testing::kWaiting;
using testing::Record;

class Event {
  public:
    ~Event() { ::close(descriptor); }
    std::uint64_t take() const {
        std::uint64_t count = 0;
        return ::read(descriptor, &count, sizeof count) == sizeof count ? count : 0;
    }
    void ring() const {
        const std::uint64_t one = 1;
        EXPECT_EQ(::write(descriptor, &one, sizeof one), int(sizeof one));
    }
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
};

class KvmDoorbells : public KvmTest {
  protected:
    void SetUp() override { make(); }
    Doorbells& doorbells() { return accelerator<Doorbells>(); }
    Event event;
};

TEST_F(KvmDoorbells, APortsWritesStayInTheKernel) {
    if (!doorbells().add(
            {.size = 1, .region = &board().ports(), .offset = Offset(0x90), .event = event.descriptor}))
        GTEST_SKIP() << "this host's KVM has no events for registers";
    put(kProgram, {0xe6, 0x90, 0xe6, 0x90,  // out 90h, al, twice
                   0xe7, 0x90,              // out 90h, ax
                   0xe6, 0xf4, 0xf4});      // out 0f4h, al; hlt
    run();
    EXPECT_EQ(event.take(), 2u);
    ASSERT_EQ(board().outputs.size(), 2u);
    EXPECT_EQ(board().outputs[0], (Record{0x90, 0, 2})) << "another size reaches the device";
}

TEST_F(KvmDoorbells, OneValueAloneMayBeMeant) {
    if (!doorbells().add({.size = 2,
                          .region = &board().ports(),
                          .offset = Offset(0x90),
                          .one_value = true,
                          .value = 3,
                          .event = event.descriptor}))
        GTEST_SKIP() << "this host's KVM has no events for registers";
    put(kProgram, {0xb8, 3, 0, 0xe7, 0x90,  // mov ax, 3; out 90h, ax
                   0xb8, 4, 0, 0xe7, 0x90,  // mov ax, 4; out 90h, ax
                   0xe6, 0xf4, 0xf4});
    run();
    EXPECT_EQ(event.take(), 1u);
    EXPECT_EQ(board().outputs.front(), (Record{0x90, 4, 2}));
}

TEST_F(KvmDoorbells, MemorysFollowTheMap) {
    if (!doorbells().add({.region = &board().io(), .offset = Offset(0x10), .event = event.descriptor}))
        GTEST_SKIP() << "this host's KVM has no events for registers";
    put(kProgram, {0xb8, 0x00, 0xa0, 0x8e, 0xd8,        // mov ax, 0a000h; mov ds, ax
                   0xc7, 0x06, 0x10, 0x00, 0x34, 0x12,  // mov word [10h], 1234h
                   0xe6, 0x80,                          // out 80h, al
                   0xb8, 0x00, 0xb0, 0x8e, 0xd8,        // mov ax, 0b000h; mov ds, ax
                   0xc7, 0x06, 0x10, 0x00, 0x78, 0x56,  // mov word [10h], 5678h
                   0xe6, 0xf4, 0xf4});
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) {
            EXPECT_EQ(event.take(), 1u);
            board().io().set_offset(Offset(0xb0000));
        }
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(event.take(), 1u);
    EXPECT_TRUE(board().memory_io().writes.empty());
}

TEST_F(KvmDoorbells, OneThatIsRemovedIsARegisterAgain) {
    if (!doorbells().add(
            {.size = 1, .region = &board().ports(), .offset = Offset(0x90), .event = event.descriptor}))
        GTEST_SKIP() << "this host's KVM has no events for registers";
    doorbells().remove(event.descriptor);
    put(kProgram, {0xe6, 0x90, 0xe6, 0xf4, 0xf4});
    run();
    EXPECT_EQ(event.take(), 0u);
    EXPECT_EQ(board().outputs.size(), 2u);
}

/// A program that switches its local APIC on, says so at port 80h, and waits.
class KvmMessages : public KvmTest, public ::testing::WithParamInterface<const char*> {
  protected:
    static constexpr std::uint64_t kToFirst = 0xfee00000;
    static constexpr std::uint32_t kVector = 0x21;

    void SetUp() override {
        KvmBoard::apics = true;
        make({{"kernel-irqchip", GetParam()}});
        KvmBoard::apics = false;
        put(0x84, {0x00, 0x04, 0x00, 0x00});                                  // vector 21h
        put(0x400, {0xb0, '!', 0xe6, 0xe9,                                    // mov al, '!'; out 0e9h, al
                    0x66, 0x67, 0xc7, 0x05, 0xb0, 0, 0xe0, 0xfe, 0, 0, 0, 0,  // mov dword [0fee000b0h], 0
                    0xe6, 0x87, 0xcf});                                       // out 87h, al; iret
        put(kProgram,
            {0xbc, 0x00, 0x80,                                              // mov sp, 8000h
             0x66, 0x67, 0xc7, 0x05, 0xf0, 0,   0xe0, 0xfe, 0xff, 1, 0, 0,  // mov dword [0fee000f0h], 1ffh
             0xfb, 0xe6, 0x80, 0xf4, 0xeb, 0xfd});  // sti; out 80h, al; hlt; jmp to it
        reach_all_memory();
    }
};

TEST_P(KvmMessages, ReachTheLocalApic) {
    auto& sink = accelerator<MessageSink>();
    EXPECT_TRUE(sink.takes(GuestAddress(kToFirst)));
    EXPECT_FALSE(sink.takes(GuestAddress(0x1000)));
    board().on_output = [&](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) sink.send({kToFirst, kVector, 0, {}});
        if (port == 0x87) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "!");
}

TEST_P(KvmMessages, AreAlsoWritesOfMemory) {
    board().on_output = [&](std::uint64_t port, std::uint64_t) {
        Access access;
        if (port == 0x80) machine.system_memory().store(GuestAddress(kToFirst), kVector, 4, access);
        if (port == 0x87) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "!");
}

TEST_P(KvmMessages, OfAnEventNeedNobody) {
    Event event;
    MessageRoute* route = accelerator<MessageSink>().route(event.descriptor);
    if (!route) GTEST_SKIP() << "this host's KVM has no events for interrupts";
    event.ring();
    ASSERT_TRUE(route->set({kToFirst, kVector, 0, {}}));
    unsigned seen = 0;
    board().on_output = [&](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) event.ring();
        if (port != 0x87) return;
        if (++seen == 1) {
            route->pause();
            event.ring();
            EXPECT_EQ(event.take(), 1u) << "it stays in the descriptor";
            event.ring();
            EXPECT_TRUE(route->set({kToFirst, kVector, 0, {}})) << "and is sent now";
        } else {
            machine.request_end("guest-shutdown");
        }
    };
    run();
    EXPECT_EQ(text(), "!!");
    route->release();
}

INSTANTIATE_TEST_SUITE_P(Irqchips, KvmMessages, ::testing::Values("on", "split"));

class KvmSplit : public KvmMessages {};

TEST_P(KvmSplit, TheEndOfALevelsInterruptReachesTheIoApic) {
    const auto entry = [&](unsigned reg, std::uint32_t value) {
        Access access;
        machine.system_memory().store(GuestAddress(testing::kIoApicBase), reg, 4, access);
        machine.system_memory().store(GuestAddress(testing::kIoApicBase + 0x10), value, 4, access);
    };
    entry(0x10 + 2 * 5 + 1, 0);
    entry(0x10 + 2 * 5, 0x8000 | kVector);
    unsigned seen = 0;
    board().on_output = [&](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) drive(*board().io_apic, 5, 1);
        if (port != 0x87 || ++seen < 3) return;
        drive(*board().io_apic, 5, 0);
        machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_GE(text().size(), 3u) << "again while the line is high";
}

INSTANTIATE_TEST_SUITE_P(Irqchips, KvmSplit, ::testing::Values("split"));

TEST_F(KvmTest, WithoutTheKernelsLocalApicsThereIsNoSink) {
    make();
    EXPECT_FALSE(accelerator<MessageSink>().takes(GuestAddress(0xfee00000)));
    EXPECT_EQ(accelerator<MessageSink>().route(0), nullptr);
}

TEST_F(KvmTest, Split8259sOfTheMachineInterrupt) {
    KvmBoard::chips = KvmBoard::apics = true;
    make({{"kernel-irqchip", "split"}});
    KvmBoard::chips = KvmBoard::apics = false;
    put(0x400, {0xb0, '!', 0xe6, 0xe9, 0xe6, 0xf4, 0xcf});
    put(0x84, {0x00, 0x04, 0x00, 0x00});
    put(kProgram, {0xbc, 0x00, 0x80,  // mov sp, 8000h
                   0x66, 0x67, 0xc7, 0x05, 0xf0, 0,
                   0xe0, 0xfe, 0xff, 1,    0,    0,  // mov dword [0fee000f0h], 1ffh
                   0x66, 0x67, 0xc7, 0x05, 0x50, 3,
                   0xe0, 0xfe, 0x00, 7,    0,    0,       // mov dword [0fee00350h], 700h: LVT LINT0, ExtINT
                   0xfb, 0xe6, 0x80, 0xf4, 0xeb, 0xfd});  // sti; out 80h, al; hlt; jmp to it
    reach_all_memory();
    board().on_output = [this](std::uint64_t port, std::uint64_t) {
        if (port == 0x80) drive_named(*board().local_apics[0], "lint", 0, 1);
        if (port == kExitPort) machine.request_end("guest-shutdown");
    };
    run();
    EXPECT_EQ(text(), "!");
    EXPECT_EQ(board().acknowledged, 1u) << "the vector is the 8259's";
}

TEST_F(KvmTest, StoresThatMayWaitComeInTheirOrder) {
    make();
    put(kProgram, {0xb0, 1, 0xe6, kWaiting,      // mov al, 1; out 98h, al
                   0xb0, 2, 0xe6, kWaiting + 1,  // mov al, 2; out 99h, al
                   0xe4, 0x40,                   // in al, 40h
                   0xb0, 3, 0xe6, kWaiting,      // mov al, 3; out 98h, al
                   0xe6, 0xf4, 0xf4});           // out 0f4h, al; hlt
    std::size_t before_the_load = 0;
    board().on_input = [&](std::uint64_t) {
        before_the_load = board().outputs.size();
        return 0;
    };
    run();
    EXPECT_EQ(before_the_load, 2u);
    EXPECT_EQ(
        board().outputs,
        (std::vector<Record>{{kWaiting, 1, 1}, {kWaiting + 1, 2, 1}, {kWaiting, 3, 1}, {kExitPort, 3, 1}}));
}

}  // namespace
}  // namespace backplane::kvm
