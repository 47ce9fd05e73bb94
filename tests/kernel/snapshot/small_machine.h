// A machine of the tests' own: 1 MiB of RAM, and chips that count, listen and refuse.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "kernel/machine/machine_parts.h"

#include "tests/kernel/snapshot/memory_channel.h"

#include <backplane/property.h>

#include <deque>

namespace backplane::test {

/// A number that a timer counts up, with a line that says whether it is odd.
class Counter final : public DeviceBase {
  public:
    explicit Counter(Object& object)
        : context_(device_context(object)), line_(context_.add_outputs("odd", 1)) {
        StateTable& table = context_.state();
        describe(table, "count", count);
        describe(table, "step", step, {.reset_value = 1, .maximum = 1000});
        describe_bytes<64>(table, "queue", queue);
        describe_timer(table, "tick", tick_);
        tick_.create(context_.clock());
    }
    void unrealize() override { tick_.cancel(); }
    void start() { tick_.arm(context_.clock().now_ns() + 1000); }
    bool running() const { return tick_.armed(); }
    void tick() {
        count += step;
        line_.set(int(count & 1));
        start();
    }
    bool after_load(Errors& errors) override {
        ++loads;
        fault("after_load");
        if (refuses_) errors.fail("it refuses");
        return !refuses_;
    }
    void before_save() override { fault("before_save"); }
    void resume() override {
        ++resumes;
        fault("resume");
    }

    std::uint64_t count = 0;
    std::uint32_t step = 1;
    std::deque<std::uint8_t> queue;
    unsigned loads = 0;
    unsigned resumes = 0;
    bool refuses_ = false;
    std::string_view throws_;  ///< in which call

  private:
    void fault(std::string_view call) const {
        if (call == throws_) throw std::runtime_error("a fault of its own");
    }
    DeviceContext& context_;
    Wire& line_;
    OwnedTimer<&Counter::tick> tick_{*this};
};

class Listener final : public DeviceBase {
  public:
    explicit Listener(Object& object) { device_context(object).add_inputs("in", 1, input_); }
    void heard(unsigned, int) { ++changes; }
    unsigned changes = 0;

  private:
    InputOf<&Listener::heard> input_{*this};
};

/// Has nothing that could be saved.
class Label final : public DeviceBase {
  public:
    explicit Label(Object&) {}
};

class SmallBoard final : public Board {
  public:
    explicit SmallBoard(Object&) {}
    bool build(BoardContext& context, Errors& errors) override {
        Object* counter = context.create("test-counter", "counter", errors);
        Object* listener = context.create("test-listener", "listener", errors);
        return counter && listener && context.realize(*counter, errors) &&
               context.realize(*listener, errors) &&
               context.connect(*counter, "odd", 0, *listener, "in", 0, errors) &&
               context.system_memory().add(context.ram(), Offset(0), 0, errors);
    }
    bool finish(BoardContext&, Errors&) override { return true; }
    void reset(BoardContext&) override {}
};

inline constexpr BoardTraits kSmallTraits{};
inline constexpr InterfaceInfo kSmallBoardInterfaces[] = {offers<SmallBoard, Board>()};
inline constexpr WireInfo kCounterWires[] = {{.name = "odd"}};
inline constexpr WireInfo kListenerWires[] = {{.name = "in", .direction = WireDirection::Input}};
inline constexpr TypeInfo kSmallTypes[] = {
    {.name = "test-machine",
     .parent = "machine",
     .interfaces = kSmallBoardInterfaces,
     .class_data = &kSmallTraits,
     .instance_init = make_part<SmallBoard>,
     .instance_finalize = free_part<SmallBoard>},
    device_type<Counter>(
        {.name = "test-counter", .interfaces = kDeviceInterfaces<Counter>, .wires = kCounterWires}),
    device_type<Label>({.name = "test-label", .interfaces = kDeviceInterfaces<Label>}),
    device_type<Listener>(
        {.name = "test-listener", .interfaces = kDeviceInterfaces<Listener>, .wires = kListenerWires}),
};

class SmallMachine {
  public:
    explicit SmallMachine(std::uint64_t ram_size = 1 << 20) {
        for (const TypeInfo& type : kSmallTypes) catalog.types().register_type(type, errors);
        machine.set_ram_size(ram_size);
        if (!machine.set_type("test-machine", errors) || !machine.build(errors) || !machine.finish(errors))
            throw std::runtime_error(errors.text());
        machine.parts().loop.virtual_clock().set_manual(true);
        lock.lock();
    }
    ~SmallMachine() { lock.unlock(); }

    Object& object(Str name) { return *machine.machine_object().child(name); }
    Counter& counter() { return *static_cast<Counter*>(object("counter").part("test-counter")); }
    Listener& listener() { return *static_cast<Listener*>(object("listener").part("test-listener")); }
    MutableBytes ram() { return machine.parts().memory.ram().bytes(); }
    void advance(std::uint64_t ns) {
        kernel::VirtualClock& clock = machine.parts().loop.virtual_clock();
        clock.step_to(clock.now_ns() + ns);
    }
    std::uint64_t now() { return machine.clock().now_ns(); }
    std::string state() { return kernel::run_state_name(machine.run_state()); }
    Snapshots& snapshots() { return machine.parts().snapshots; }

    /// The machine as a stream; it goes on as it was.
    std::vector<std::uint8_t> save() {
        MemorySink sink;
        SnapshotProgress progress;
        OutgoingSnapshot* snapshot = snapshots().save(errors);
        if (!snapshot) throw std::runtime_error(errors.text());
        const bool written = snapshot->write(sink, {.workers = 2}, progress, errors);
        snapshot->finish(false);
        if (!written) throw std::runtime_error(errors.text());
        return sink.bytes;
    }
    /// Why the stream does not become this machine's state; empty when it did.
    std::string load(Bytes stream) {
        MemorySource source{stream};
        SnapshotProgress progress;
        ErrorText why;
        IncomingSnapshot* snapshot = snapshots().load();
        if (snapshot->read(source, {.workers = 1}, progress, why)) snapshot->apply(why);
        snapshot->release();
        return why.text();
    }

    kernel::Catalog catalog;
    kernel::LogHub log;
    ErrorText errors;
    kernel::Machine machine{catalog, log};
    MachineLock& lock = machine.lock();
};

}  // namespace backplane::test
