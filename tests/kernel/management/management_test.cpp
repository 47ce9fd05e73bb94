// The management commands of a machine that has a board of the test's own, and nothing on it.
#include "kernel/management/management.h"

#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"

#include <backplane/property.h>

#include <gtest/gtest.h>

#include <new>

namespace backplane::kernel {
namespace {

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
constexpr BoardTraits kTraits{};
constexpr InterfaceInfo kInterfaces[] = {offers<TestBoard, Board>()};
constexpr PropertyInfo kProperties[] = {property<&TestBoard::quiet_>({.name = "quiet"}), throwing_property()};
constexpr TypeInfo kBoardType{.name = "test-machine",
                              .parent = "machine",
                              .interfaces = kInterfaces,
                              .properties = kProperties,
                              .class_data = &kTraits,
                              .instance_init = make_part<TestBoard>,
                              .instance_finalize = free_part<TestBoard>};

class ManagementTest : public ::testing::Test {
  protected:
    ManagementTest() {
        catalog.types().register_type(kBoardType, errors);
        machine.set_ram_size(1 << 20);
        EXPECT_TRUE(machine.set_type("test-machine", errors)) << errors.text();
        host.serve(machine, "");
    }
    ManagementReply execute(const char* command, const char* arguments) {
        const std::lock_guard guard(machine.lock());
        return host.execute(command, arguments);
    }
    Catalog catalog;
    LogHub log;
    ManagementHost host;
    Machine machine{catalog, log};
    ErrorText errors;
};

TEST_F(ManagementTest, AFlagIsReadAsAJsonBoolean) {
    EXPECT_EQ(execute("qom-get", R"({"path":"/machine","property":"quiet"})").json, "true");
    EXPECT_TRUE(execute("qom-set", R"({"path":"/machine","property":"quiet","value":false})").ok);
    EXPECT_EQ(execute("qom-get", R"({"path":"/machine","property":"quiet"})").json, "false");
}

TEST_F(ManagementTest, IdsFollowTheRuleOfTheCommandLine) {
    for (const char* id : {"", "c/1", "1c", "a b"}) {
        const std::string member = std::string(R"("id":")") + id + "\"";
        for (const auto& [command, others] :
             {std::pair{"chardev-add", R"(,"backend":{"type":"null","data":{}})"},
              {"object-add", R"(,"qom-type":"rng-random")"},
              {"device_add", R"(,"driver":"virtio-rng-device")"}}) {
            const ManagementReply reply = execute(command, ("{" + member + others + "}").c_str());
            EXPECT_FALSE(reply.ok) << command;
            EXPECT_NE(reply.description.find("identifier"), std::string::npos)
                << command << reply.description;
        }
    }
}

TEST_F(ManagementTest, WhatTheHostThrowsIsTheCommandsError) {
    const ManagementReply reply = execute("qom-get", R"({"path":"/machine","property":"greedy"})");
    EXPECT_FALSE(reply.ok);
    EXPECT_EQ(reply.error_class, "GenericError");
    TextBuffer out;
    const std::lock_guard guard(machine.lock());
    host.execute_human("qom-get /machine greedy", out);
    EXPECT_TRUE(out.text().starts_with("Error: ")) << out.text();
}

TEST_F(ManagementTest, AnUnknownLogItemIsAnError) {
    TextBuffer out;
    const std::lock_guard guard(machine.lock());
    host.execute_human("log foo", out);
    EXPECT_TRUE(out.text().starts_with("Error: ")) << out.text();
}

}  // namespace
}  // namespace backplane::kernel
