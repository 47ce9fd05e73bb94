// A monitor between a character device and management commands that a test holds in its hands.
#pragma once

#include "tests/fake_object.h"

#include <backplane/backend.h>
#include <backplane/char.h>
#include <backplane/draft/management.h>

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

namespace backplane::monitor {

class FakeChardev final : public CharBackend {
  public:
    bool connect(CharFront* taken) override {
        if (front) return false;
        front = taken;
        return true;
    }
    void disconnect(CharFront&) override { front = nullptr; }
    std::size_t write(Bytes bytes) override {
        const std::size_t count = std::min(bytes.size, room);
        output.append(reinterpret_cast<const char*>(bytes.data), count);
        room -= count;
        return count;
    }
    void accept_input() override { ++accepted; }
    void send_break() override {}

    void type(std::string_view text) {
        front->receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }
    /// What was written since the last call.
    std::string take() { return std::exchange(output, {}); }

    CharFront* front = nullptr;
    std::string output;
    std::size_t room = ~std::size_t{0};
    int accepted = 0;
};

class FakeManagement final : public Management {
  public:
    Cpu* current_cpu() const override { return nullptr; }
    std::string version_json() const override { return "{\"package\": \"test\"}"; }
    void execute(Str command, Str arguments, ManagementCaller& caller) override {
        calls.push_back(std::string(command.view()) + std::string(arguments.view()));
        waiting = &caller;
        if (!late) answer();
    }
    void execute_human(Str line, ManagementCaller& caller) override {
        reply.text = "ran " + std::string(line.view()) + "\n";
        waiting = &caller;
        if (!late) answer();
    }
    void forget(ManagementCaller& caller) override {
        if (waiting == &caller) waiting = nullptr;
    }
    void answer() { std::exchange(waiting, nullptr)->management_reply(reply); }
    std::vector<std::string> complete(Str) override { return {}; }
    void add_listener(ManagementListener& added) override { listener = &added; }
    void remove_listener(ManagementListener&) override { listener = nullptr; }

    std::vector<std::string> calls;
    ManagementReply reply{true, "{}", {}, {}, {}};
    bool late = false;  ///< answers come when the test says so
    ManagementCaller* waiting = nullptr;
    ManagementListener* listener = nullptr;
};

/// An object that offers a backend's context, and perhaps a character device.
class FakeObject final : public test::FakeObjectBase, BackendContext, Log {
  public:
    Management* management = nullptr;
    CharBackend* chardev = nullptr;

    Str name() const override { return "monitor"; }
    Str type_name() const override { return "monitor"; }
    void path(TextSink& out) const override { out.append("/monitors/monitor"); }
    void* query(Str id) override {
        if (id == Str(BackendContext::kId)) return static_cast<BackendContext*>(this);
        return id == Str(CharBackend::kId) ? chardev : nullptr;
    }

    Object& object() override { return *this; }
    EventLoop& loop() override { throw std::logic_error("a monitor needs no loop"); }
    Log& log() override { return *this; }
    void request_quit() override {}
    void emit_event(Str, Str) override {}
    Object* find(Str) override { return nullptr; }
    void* host_interface(Str id) override { return id == Str(Management::kId) ? management : nullptr; }

    bool enabled(Str) const override { return true; }
    void write(LogLevel, Str, Str message) override { warnings.emplace_back(message.view()); }
    void guest_error(Str, Str) override {}
    std::vector<std::string> warnings;
};

class Refusal final : public Errors {
  public:
    void fail(Str message) override { text = message.view(); }
    std::string text;
};

/// A monitor of type M that is made and given its properties as the host does it.
template <class M>
class MonitorTest : public testing::Test {
  protected:
    MonitorTest() {
        object.management = &management;
        chardev_object.chardev = &chardev;
        PropertyValue value;
        value.object = &chardev_object;
        set("chardev", value);
    }
    ~MonitorTest() override { monitor.shut_down(); }

    void set(std::string_view name, const PropertyValue& value) {
        Refusal refusal;
        for (const PropertyInfo& info : M::kProperties)
            if (name == info.name) info.set(&monitor, value, refusal);
    }
    void open() {
        Refusal refusal;
        ASSERT_TRUE(static_cast<Completable&>(monitor).complete(refusal)) << refusal.text;
        chardev.front->char_event(CharEvent::Opened);
    }

    FakeObject object, chardev_object;
    FakeChardev chardev;
    FakeManagement management;
    M monitor{object};
};

}  // namespace backplane::monitor
