#include "plugins/accel/qtest/protocol.h"

#include "tests/fake_object.h"

#include <gtest/gtest.h>

#include <cstring>

namespace backplane::qtest {
namespace {

/// 4 KiB of memory from address 0; elsewhere reads fail and give 0.
class FakeSpace final : public AddressSpace {
  public:
    std::array<std::uint8_t, 4096> bytes{};

    Str name() const override { return "fake"; }
    std::shared_ptr<const FlatView> view() const override { return nullptr; }
    std::uint64_t load(GuestAddress address, unsigned size, Access& access) override {
        std::uint64_t value = 0;
        read(address, {reinterpret_cast<std::uint8_t*>(&value), size}, access);
        return value;
    }
    void store(GuestAddress address, std::uint64_t value, unsigned size, Access& access) override {
        write(address, {reinterpret_cast<const std::uint8_t*>(&value), size}, access);
    }
    std::uint64_t load_io(const FlatRange&, Offset, unsigned, Access&) override { return 0; }
    void store_io(const FlatRange&, Offset, std::uint64_t, unsigned, Access&) override {}
    bool read(GuestAddress address, MutableBytes to, Access& access) override {
        for (std::size_t i = 0; i < to.size; ++i) {
            access.failed |= address.value + i >= bytes.size();
            to[i] = access.failed ? 0 : bytes[address.value + i];
        }
        return !access.failed;
    }
    bool write(GuestAddress address, Bytes from, Access& access) override {
        for (std::size_t i = 0; i < from.size; ++i) {
            access.failed |= address.value + i >= bytes.size();
            if (!access.failed) bytes[address.value + i] = from[i];
        }
        return !access.failed;
    }
    void add_listener(MemoryListener&) override {}
    void remove_listener(MemoryListener&) override {}
    void mark_dirty(RamBlock&, std::uint64_t, std::uint64_t) override {}
    void add_code_listener(CodeListener&) override {}
    void remove_code_listener(CodeListener&) override {}
};

class FakeClock final : public Clock, public ManualClock {
  public:
    std::uint64_t now = 0, deadline = ~std::uint64_t{0};
    std::uint64_t now_ns() const override { return now; }
    Timer* create_timer(TimerHandler&) override { return nullptr; }
    void step_to(std::uint64_t to) override { now = to; }
    std::uint64_t next_deadline() const override { return deadline; }
};

class FakeWires final : public WireProbe {
  public:
    Callback callback = nullptr;
    void* data = nullptr;
    std::string last;
    bool intercept_inputs(Object&, Callback called, void* with, Errors&) override {
        callback = called;
        data = with;
        last = "in";
        return true;
    }
    bool intercept_outputs(Object&, Str name, Callback called, void* with, Errors& errors) override {
        if (name == Str("none")) {
            errors.fail("no such group");
            return false;
        }
        callback = called;
        data = with;
        last = "out " + std::string(name.view());
        return true;
    }
    bool set_input(Object&, Str name, unsigned index, int level, Errors&) override {
        last = "set " + std::string(name.view()) + " " + std::to_string(index) + " " + std::to_string(level);
        return true;
    }
};

/// "/machine/chip".
class FakeTree final : public test::FakeObjectBase {
  public:
    FakeTree(const char* name, FakeTree* below) : name_(name), below_(below) {}
    Str name() const override { return name_; }
    Object* child(Str name) const override { return below_ && below_->name() == name ? below_ : nullptr; }
    std::size_t child_count() const override { return below_ ? 1 : 0; }
    Object* child_at(std::size_t) const override { return below_; }

  private:
    const char* name_;
    FakeTree* below_;
};

class QtestProtocol : public testing::Test {
  protected:
    FakeSpace memory, ports;
    FakeClock clock;
    FakeWires wires;
    FakeTree chip{"chip", nullptr}, machine{"machine", &chip}, root{"", &machine};
    std::string sent;
    Protocol protocol{{memory, ports, clock, clock, wires, root},
                      [this](const std::string& line) { sent += line; }};

    std::string run(std::string_view line) { return protocol.execute(line); }
};

TEST_F(QtestProtocol, MemoryIsReadAndWrittenInFourSizes) {
    EXPECT_EQ(run("writeq 0x100 0x1122334455667788"), "OK\n");
    EXPECT_EQ(run("readb 0x100"), "OK 0x0000000000000088\n");
    EXPECT_EQ(run("readw 0x100"), "OK 0x0000000000007788\n");
    EXPECT_EQ(run("readl 0x104"), "OK 0x0000000011223344\n");
    EXPECT_EQ(run("readq 0x100"), "OK 0x1122334455667788\n");
    EXPECT_EQ(run("writeb 0x100 0xff"), "OK\n");
    EXPECT_EQ(run("readq 0x100"), "OK 0x11223344556677ff\n");
}

TEST_F(QtestProtocol, PortsAreASpaceOfTheirOwn) {
    EXPECT_EQ(run("outw 0x70 0x1234"), "OK\n");
    EXPECT_EQ(run("inb 0x70"), "OK 0x0034\n");
    EXPECT_EQ(run("inl 0x70"), "OK 0x1234\n");
    EXPECT_EQ(memory.bytes[0x70], 0);
    EXPECT_TRUE(run("inb 0x10000").starts_with("FAIL "));
}

TEST_F(QtestProtocol, BlocksAreHexadecimalOrBase64) {
    EXPECT_EQ(run("write 0x10 4 0x01020304"), "OK\n");
    EXPECT_EQ(run("read 0x10 4"), "OK 0x01020304\n");
    EXPECT_EQ(run("b64read 0x10 4"), "OK AQIDBA==\n");
    EXPECT_EQ(run("b64write 0x20 3 Zm9v"), "OK\n");
    EXPECT_EQ(run("read 0x20 3"), "OK 0x666f6f\n");
    EXPECT_EQ(run("memset 0x10 2 0xee"), "OK\n");
    EXPECT_EQ(run("read 0x10 4"), "OK 0xeeee0304\n");
}

TEST_F(QtestProtocol, ShortDataIsFollowedByZeroes) {
    run("memset 0 8 0xff");
    EXPECT_EQ(run("write 0 4 0x01"), "OK\n");
    EXPECT_EQ(run("read 0 5"), "OK 0x01000000ff\n");
}

TEST_F(QtestProtocol, TheClockMovesWhenItIsTold) {
    EXPECT_EQ(run("clock_step 1000"), "OK 1000\n");
    EXPECT_EQ(run("clock_step"), "OK 1000\n");  // no timer is armed
    clock.deadline = 5000;
    EXPECT_EQ(run("clock_step"), "OK 5000\n");
    EXPECT_EQ(run("clock_set 9000"), "OK 9000\n");
    EXPECT_EQ(run("clock_set 1"), "OK 9000\n");
    EXPECT_TRUE(run("clock_step 0xffffffffffffffff").starts_with("FAIL "));
}

TEST_F(QtestProtocol, InterceptedLinesAreReported) {
    EXPECT_EQ(run("irq_intercept_in /machine/chip"), "OK\n");
    wires.callback(wires.data, "", 3, 1);
    wires.callback(wires.data, "", 3, 0);
    EXPECT_EQ(sent, "IRQ raise 3\nIRQ lower 3\n");
}

TEST_F(QtestProtocol, OnlyOneGroupOfLinesIsIntercepted) {
    EXPECT_EQ(run("irq_intercept_out /machine/chip"), "OK\n");
    EXPECT_EQ(run("irq_intercept_out /machine/chip"), "OK\n");
    EXPECT_EQ(run("irq_intercept_in /machine/chip"), "FAIL IRQ intercept already enabled\n");
    EXPECT_EQ(run("irq_intercept_out /machine"), "FAIL IRQ intercept already enabled\n");
}

TEST_F(QtestProtocol, AGroupOfOutputsMayBeNamed) {
    EXPECT_EQ(run("irq_intercept_out_named /machine/chip none"), "FAIL no such group\n");
    EXPECT_EQ(run("irq_intercept_out_named /machine/chip irq"), "OK\n");
    EXPECT_EQ(wires.last, "out irq");
}

TEST_F(QtestProtocol, LinesAreDriven) {
    EXPECT_EQ(run("set_irq_in /machine/chip unnamed-gpio-in 4 1"), "OK\n");
    EXPECT_EQ(wires.last, "set  4 1");
    EXPECT_EQ(run("set_irq_in /machine/chip reset 0 0"), "OK\n");
    EXPECT_EQ(wires.last, "set reset 0 0");
    EXPECT_EQ(run("set_irq_in /machine/other reset 0 0"), "FAIL Unknown device '/machine/other'\n");
}

TEST_F(QtestProtocol, SaysItsEndianness) { EXPECT_EQ(run("endianness"), "OK little\n"); }

TEST_F(QtestProtocol, WhatItDoesNotUnderstandFails) {
    EXPECT_EQ(run("fly"), "FAIL Unknown command 'fly'\n");
    for (const char* bad : {"", "  ", "readb", "readb x", "readb 0 1", "write 0 4 01020304", "write 0 4 0x0",
                            "write 0 4 0xgg", "b64write 0 3 Zg", "read 0 0", "read 0 0xffffffffff",
                            "memset 0 1 256", "set_irq_in /machine/chip a 0"})
        EXPECT_TRUE(run(bad).starts_with("FAIL ")) << bad;
}

}  // namespace
}  // namespace backplane::qtest
