// Semihosting calls, in the specification's words, without a machine.
#include "plugins/backends/semihosting/service.h"

#include "tests/fake_object.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace backplane::semihosting {
namespace {

class FreeLock final : public MachineLock {
  public:
    void lock() override {}
    void unlock() override {}
    bool held() const override { return true; }
};

class FakeObject final : public test::FakeObjectBase, BackendContext, Log {
  public:
    Str name() const override { return "calls"; }
    Str type_name() const override { return "semihosting"; }
    void* query(Str id) override {
        return id == Str(BackendContext::kId) ? static_cast<BackendContext*>(this) : nullptr;
    }
    Object& object() override { return *this; }
    EventLoop& loop() override { std::abort(); }
    Log& log() override { return *this; }
    void request_quit() override {}
    void emit_event(Str, Str) override {}
    Object* find(Str) override { return nullptr; }
    void* host_interface(Str id) override {
        return id == Str(MachineLock::kId) ? static_cast<MachineLock*>(&lock_) : nullptr;
    }
    bool enabled(Str) const override { return true; }
    void write(LogLevel, Str, Str) override {}
    void guest_error(Str, Str message) override { errors.emplace_back(message.view()); }
    std::vector<std::string> errors;

  private:
    FreeLock lock_;
};

class FakeChardev final : public CharBackend {
  public:
    bool connect(CharFront* taken) override {
        front = taken;
        return true;
    }
    void disconnect(CharFront&) override { front = nullptr; }
    std::size_t write(Bytes bytes) override {
        const std::size_t count = std::min(bytes.size, room);
        output.append(reinterpret_cast<const char*>(bytes.data), count);
        return count;
    }
    void accept_input() override {}
    void send_break() override {}
    CharFront* front = nullptr;
    std::string output;
    std::size_t room = ~std::size_t{0};
};

/// 4 KiB of guest memory from address 0x1000 on.
class Caller final : public SemihostingCaller {
  public:
    bool read(std::uint64_t address, MutableBytes to) override {
        if (!inside(address, to.size)) return false;
        std::memcpy(to.data, memory.data() + address - 0x1000, to.size);
        return true;
    }
    bool write(std::uint64_t address, Bytes from) override {
        if (!inside(address, from.size)) return false;
        std::memcpy(memory.data() + address - 0x1000, from.data, from.size);
        return true;
    }
    std::uint64_t now_ns() const override { return 2'500'000'000; }
    std::int64_t wall_seconds() override { return 1'700'000'000; }
    void exit(int status) override { exited = status; }
    void retry() override { ++retries; }

    static bool inside(std::uint64_t address, std::uint64_t size) {
        return address >= 0x1000 && address - 0x1000 <= 4096 && size <= 4096 - (address - 0x1000);
    }
    std::array<char, 4096> memory{};
    int exited = -1;
    unsigned retries = 0;
};

class ServiceTest : public ::testing::Test {
  protected:
    ServiceTest() {
        char name[] = "/tmp/backplane-semihosting.XXXXXX";
        folder = mkdtemp(name);
        struct Quiet final : Errors {
            void fail(Str) override {}
        } errors;
        service.chardev_ = &chardev;
        service.enabled_ = true;
        service.complete(errors);
    }
    ~ServiceTest() override {
        service.shut_down();
        std::filesystem::remove_all(folder);
    }
    void put(std::uint64_t address, std::string_view text) {
        caller.write(address, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }
    std::uint64_t word(std::uint64_t address) {
        std::uint64_t value = 0;
        caller.read(address, {reinterpret_cast<std::uint8_t*>(&value), 8});
        return value;
    }
    /// With a block of words at 0x1000.
    SemihostingResult call(std::uint64_t number, std::initializer_list<std::uint64_t> words) {
        std::uint64_t at = 0x1000;
        for (const std::uint64_t value : words) {
            caller.write(at, {reinterpret_cast<const std::uint8_t*>(&value), 8});
            at += 8;
        }
        return service.call(caller, number, 0x1000);
    }
    std::uint64_t value(std::uint64_t number, std::initializer_list<std::uint64_t> words) {
        const SemihostingResult result = call(number, words);
        EXPECT_TRUE(result.done);
        return result.value;
    }
    std::uint64_t open(const std::string& name, std::uint64_t mode) {
        put(0x1100, name);
        return value(0x01, {0x1100, mode, name.size()});
    }

    static constexpr std::uint64_t kFailure = ~std::uint64_t{0};
    FakeObject object;
    FakeChardev chardev;
    Service service{object};
    Caller caller;
    std::string folder;
};

TEST_F(ServiceTest, AFileIsWrittenReadAndMeasured) {
    const std::uint64_t file = open(folder + "/a", 6);
    ASSERT_NE(file, kFailure);
    put(0x1200, "hello");
    EXPECT_EQ(value(0x05, {file, 0x1200, 5}), 0u) << "bytes that were not written";
    EXPECT_EQ(value(0x0c, {file}), 5u);
    EXPECT_EQ(value(0x0a, {file, 1}), 0u);
    EXPECT_EQ(value(0x06, {file, 0x1300, 8}), 4u) << "bytes that were not read";
    EXPECT_EQ(std::string(caller.memory.data() + 0x300, 4), "ello");
    EXPECT_EQ(value(0x06, {file, 0x1300, 8}), 8u) << "the end";
    EXPECT_EQ(value(0x09, {file}), 0u);
    EXPECT_EQ(value(0x02, {file}), 0u);
    EXPECT_EQ(value(0x02, {file}), kFailure);
    EXPECT_EQ(value(0x13, {}), 9u) << "EBADF";
    put(0x1100, folder + "/a");
    put(0x1180, folder + "/b");
    const std::uint64_t size = folder.size() + 2;
    EXPECT_EQ(value(0x0f, {0x1100, size, 0x1180, size}), 0u);
    EXPECT_EQ(value(0x0e, {0x1180, size}), 0u);
    EXPECT_FALSE(std::filesystem::exists(folder + "/b"));
}

TEST_F(ServiceTest, WhatCannotBeFails) {
    EXPECT_EQ(open(folder + "/none", 0), kFailure);
    EXPECT_EQ(value(0x13, {}), 2u) << "ENOENT";
    EXPECT_EQ(open(folder + "/none", 12), kFailure);
    EXPECT_EQ(value(0x01, {0x9000, 0, 4}), kFailure);
    EXPECT_EQ(value(0x01, {0x1100, 0, ~std::uint64_t{0}}), kFailure);
    EXPECT_EQ(service.call(caller, 0x01, 0x9000).value, kFailure);
    EXPECT_EQ(value(0x06, {77, 0x1300, 8}), 8u);
    EXPECT_EQ(value(0x99, {}), kFailure);
    EXPECT_EQ(value(0x12, {0x1100, 2}), kFailure) << "no command runs on the host";
    EXPECT_EQ(object.errors.size(), 2u);
}

TEST_F(ServiceTest, TheConsoleIsTheCharacterDevice) {
    put(0x1200, std::string("text\0", 5));
    service.call(caller, 0x04, 0x1200);
    service.call(caller, 0x03, 0x1201);
    const std::uint64_t out = open(":tt", 4), in = open(":tt", 0);
    put(0x1200, "more");
    EXPECT_EQ(value(0x05, {out, 0x1200, 4}), 0u);
    EXPECT_EQ(value(0x09, {out}), 1u);
    EXPECT_EQ(chardev.output, "textemore");
    EXPECT_FALSE(call(0x07, {}).done) << "nothing was typed";
    EXPECT_FALSE(call(0x06, {in, 0x1300, 8}).done);
    EXPECT_EQ(caller.retries, 0u);
    chardev.front->receive({reinterpret_cast<const std::uint8_t*>("xyz"), 3});
    EXPECT_EQ(caller.retries, 1u);
    EXPECT_EQ(value(0x07, {}), std::uint64_t{'x'});
    EXPECT_EQ(value(0x06, {in, 0x1300, 8}), 6u);
}

TEST_F(ServiceTest, AConsoleThatTakesNothingMakesTheCallerWait) {
    chardev.room = 0;
    const std::uint64_t out = open(":tt", 4);
    unsigned calls = 0;
    while (call(0x05, {out, 0x1200, 2048}).done) ++calls;
    EXPECT_EQ(calls, 512u);
    chardev.room = ~std::size_t{0};
    chardev.front->can_send();
    EXPECT_EQ(caller.retries, 1u);
    EXPECT_EQ(chardev.output.size(), 1u << 20);
}

TEST_F(ServiceTest, TheFeaturesAreAFile) {
    const std::uint64_t file = open(":semihosting-features", 0);
    EXPECT_EQ(value(0x0c, {file}), 5u);
    EXPECT_EQ(value(0x06, {file, 0x1300, 5}), 0u);
    EXPECT_EQ(std::string(caller.memory.data() + 0x300, 5), "SHFB\3");
}

TEST_F(ServiceTest, TimeIsTheMachines) {
    EXPECT_EQ(value(0x10, {}), 250u);
    EXPECT_EQ(value(0x11, {}), 1'700'000'000u);
    EXPECT_EQ(value(0x31, {}), 1'000'000'000u);
    EXPECT_EQ(service.call(caller, 0x30, 0x1400).value, 0u);
    EXPECT_EQ(word(0x1400), 2'500'000'000u);
}

TEST_F(ServiceTest, TheCommandLineAndTheEnd) {
    service.arguments_ = "program one";
    EXPECT_EQ(value(0x15, {0x1500, 64}), 0u);
    EXPECT_EQ(std::string(caller.memory.data() + 0x500), "program one");
    EXPECT_EQ(word(0x1008), 11u);
    EXPECT_EQ(value(0x15, {0x1500, 11}), kFailure) << "no room for the zero";
    EXPECT_EQ(value(0x16, {0x1600}), 0u);
    EXPECT_FALSE(call(0x20, {0x20026, 7}).done);
    EXPECT_EQ(caller.exited, 7);
    call(0x18, {0x20023, 7});
    EXPECT_EQ(caller.exited, 1);
}

TEST_F(ServiceTest, UserModeIsServedWhenItIsAskedFor) {
    EXPECT_TRUE(service.serves(false));
    EXPECT_FALSE(service.serves(true));
    service.user_space_ = true;
    EXPECT_TRUE(service.serves(true));
    service.enabled_ = false;
    EXPECT_FALSE(service.serves(false));
}

}  // namespace
}  // namespace backplane::semihosting
