// A machine with a board of the test's own.
#pragma once

#include "kernel/machine/machine.h"

#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine_parts.h"

#include <backplane/text.h>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace backplane::kernel {

/// What the board of the running test does.
struct Script {
    std::function<bool(BoardContext&, Errors&)> build = [](BoardContext&, Errors&) { return true; };
    std::function<bool(BoardContext&, Errors&)> finish = [](BoardContext&, Errors&) { return true; };
    std::function<void()> reset = [] {};
};
inline thread_local Script script;

class TestBoard final : public Board {
  public:
    explicit TestBoard(Object&) {}
    bool build(BoardContext& context, Errors& errors) override {
        return context.system_memory().add(context.ram(), Offset(kRamBase), 0, errors) &&
               script.build(context, errors);
    }
    bool finish(BoardContext& context, Errors& errors) override { return script.finish(context, errors); }
    void reset(BoardContext&) override { script.reset(); }

    static constexpr std::uint64_t kRamBase = 0x80000000;
};

inline constexpr BoardTraits kTraits{};
inline constexpr InterfaceInfo kBoardInterfaces[] = {offers<TestBoard, Board>()};
inline constexpr TypeInfo kBoardType{.name = "test-machine",
                                     .parent = "machine",
                                     .interfaces = kBoardInterfaces,
                                     .class_data = &kTraits,
                                     .instance_init = make_part<TestBoard>,
                                     .instance_finalize = free_part<TestBoard>};

struct Recorder final : EventListener {
    void machine_event(std::string_view name, std::string_view data) override {
        events.emplace_back(std::string(name) + " " + std::string(data));
    }
    std::vector<std::string> events;
};

class MachineTest : public ::testing::Test {
  protected:
    MachineTest() {
        script = {};
        catalog.types().register_type(kBoardType, errors);
        machine.add_event_listener(recorder);
        machine.set_ram_size(1 << 20);
        EXPECT_TRUE(machine.set_type("test-machine", errors)) << errors.text();
    }
    ~MachineTest() override { machine.remove_event_listener(recorder); }
    bool build() { return machine.build(errors) && machine.finish(errors); }
    void run_ready() { machine.loop().run_ready(); }
    Catalog catalog;
    LogHub log;
    Recorder recorder;
    Machine machine{catalog, log};
    ErrorText errors;
};

}  // namespace backplane::kernel
