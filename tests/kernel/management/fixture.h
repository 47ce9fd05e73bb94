// A machine with a board of the test's own and nothing on it, and its management commands.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "kernel/management/management.h"

#include <backplane/property.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <mutex>
#include <new>
#include <utility>

namespace backplane::kernel {

class TestBoard final : public Board {
  public:
    explicit TestBoard(Object&) {}
    bool build(BoardContext&, Errors&) override { return true; }
    bool finish(BoardContext&, Errors&) override { return true; }
    void reset(BoardContext&) override {}
    bool quiet_ = true;
};

constexpr PropertyInfo throwing_property() {
    PropertyInfo info{.name = "greedy"};
    info.kind = PropertyKind::UInt;
    info.get = [](const void*, PropertyValue&) { throw std::bad_alloc(); };
    return info;
}
inline constexpr BoardTraits kTraits{};
inline constexpr InterfaceInfo kInterfaces[] = {offers<TestBoard, Board>()};
inline constexpr PropertyInfo kProperties[] = {property<&TestBoard::quiet_>({.name = "quiet"}),
                                               throwing_property()};
inline constexpr TypeInfo kBoardType{.name = "test-machine",
                                     .parent = "machine",
                                     .interfaces = kInterfaces,
                                     .properties = kProperties,
                                     .class_data = &kTraits,
                                     .instance_init = make_part<TestBoard>,
                                     .instance_finalize = free_part<TestBoard>};

/// A client that keeps what it is told.
class TestCaller final : public ManagementCaller {
  public:
    void management_reply(const ManagementReply& reply) override { replies.push_back(reply); }
    int take_passed_descriptor() override { return std::exchange(passed, -1); }
    int passed = -1;  ///< a descriptor that came with the call
    std::vector<ManagementReply> replies;
};

class ManagementTest : public ::testing::Test {
  protected:
    ManagementTest() {
        catalog.types().register_type(kBoardType, errors);
        machine.set_ram_size(1 << 20);
        EXPECT_TRUE(machine.set_type("test-machine", errors)) << errors.text();
        host.serve(machine, {"",
                             {{"smp", "[cpus=]N[,maxcpus=N]", "CPUs", ""},
                              {"lights", "PLACE", "lights", "fixture-lights"}}});
    }
    /// The answer, which comes at once.
    ManagementReply execute(const char* command, const char* arguments, int descriptor = -1) {
        const std::lock_guard guard(machine.lock());
        TestCaller client;
        client.passed = descriptor;
        host.execute(command, arguments, client);
        EXPECT_EQ(client.replies.size(), 1u) << command;
        host.forget(client);
        return client.replies.empty() ? ManagementReply{} : client.replies.front();
    }
    std::string line(const char* text) {
        const std::lock_guard guard(machine.lock());
        TestCaller client;
        host.execute_human(text, client);
        EXPECT_EQ(client.replies.size(), 1u) << text;
        host.forget(client);
        return client.replies.empty() ? "" : client.replies.front().text;
    }
    Catalog catalog{{FIXTURES}};
    LogHub log;
    ManagementHost host;
    Machine machine{catalog, log};
    ErrorText errors;
};

}  // namespace backplane::kernel
