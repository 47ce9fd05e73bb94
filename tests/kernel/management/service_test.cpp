// Commands and events that a plugin's type offers.
#include "fixture.h"

#include <backplane/backend.h>

#include <nlohmann/json.hpp>

namespace backplane::kernel {
namespace {

class ServiceTest : public ManagementTest {
  protected:
    /// A call whose answer may be late.
    void begin(TestCaller& client, const char* command) {
        const std::lock_guard guard(machine.lock());
        host.execute(command, "{}", client);
    }
};

TEST_F(ServiceTest, TheObjectIsMadeWhenACommandIsFirstCalled) {
    EXPECT_EQ(machine.find_service("fixture-lights"), nullptr);
    EXPECT_EQ(execute("query-lights", "{}").json, R"({"place":"","level":0})");
    ASSERT_NE(machine.find_service("fixture-lights"), nullptr);
    EXPECT_EQ(machine.find_service("fixture-lights")->path_text(), "/machine/services/fixture-lights");
}

TEST_F(ServiceTest, TheObjectOfAnOptionServesTheCommands) {
    ASSERT_TRUE(machine.create_service("fixture-lights", {{"place", "hall"}}, errors)) << errors.text();
    EXPECT_EQ(execute("query-lights", "{}").json, R"({"place":"hall","level":0})");
}

TEST_F(ServiceTest, TheObjectIsMadeWhenItsInterfaceIsFirstAskedFor) {
    Instance* lights = machine.create_service("fixture-lights", {}, errors);
    ASSERT_NE(lights, nullptr) << errors.text();
    void* switches = backend_context(*lights).host_interface("fixture.switches/1");
    EXPECT_NE(switches, nullptr);
    EXPECT_NE(machine.find_service("fixture-switchboard"), nullptr);
    EXPECT_EQ(backend_context(*lights).host_interface("fixture.switches/1"), switches);
}

TEST_F(ServiceTest, WhatAnOptionStandsForIsNotMadeWithoutIt) {
    Instance* switchboard = machine.create_service("fixture-switchboard", {}, errors);
    ASSERT_NE(switchboard, nullptr) << errors.text();
    EXPECT_EQ(backend_context(*switchboard).host_interface("fixture.lamps/1"), nullptr);
    EXPECT_EQ(machine.find_service("fixture-lights"), nullptr);
    ASSERT_TRUE(machine.create_service("fixture-lights", {}, errors)) << errors.text();
    EXPECT_NE(backend_context(*switchboard).host_interface("fixture.lamps/1"), nullptr);
}

TEST_F(ServiceTest, ArgumentsAreCheckedAgainstTheRow) {
    EXPECT_EQ(execute("set-lights", "{}").description, "Parameter 'level' is missing");
    EXPECT_EQ(execute("set-lights", R"({"level":-1})").description,
              "Invalid parameter type for 'level', expected: integer");
    EXPECT_NE(execute("set-lights", R"({"level":1,"colour":"blue"})").description.find("red, green"),
              std::string::npos);
    EXPECT_EQ(execute("set-lights", R"({"level":1,"x":1})").description, "Parameter 'x' is unexpected");
    EXPECT_EQ(execute("set-lights", R"({"level":1,"colour":"red"})").json,
              R"({"arguments":{"level":1,"colour":"red"}})");
}

TEST_F(ServiceTest, PeopleHaveTheSameCommands) {
    EXPECT_EQ(line("lights 3 green"),
              "{\n  \"arguments\": {\n    \"level\": 3,\n    \"colour\": \"green\"\n  }\n}\n");
    EXPECT_EQ(line("info lights"), "level 1\n");
    EXPECT_NE(line("help lights").find("lights level [colour] [-e effect] -- sets them"), std::string::npos);
    EXPECT_NE(line("help info").find("info lights"), std::string::npos);
    const std::lock_guard guard(machine.lock());
    EXPECT_EQ(host.complete("info lig"), (std::vector<std::string>{"lights"}));
    EXPECT_EQ(host.complete("lights 3 "), (std::vector<std::string>{"green", "red"}));
}

TEST_F(ServiceTest, PeopleTypeSwitchesAnywhere) {
    for (const char* typed : {"lights -e fade 3", "lights 3 -e fade"}) {
        const std::string said = line(typed);
        EXPECT_NE(said.find("\"level\": 3"), std::string::npos) << said;
        EXPECT_NE(said.find("\"effect\": \"fade\""), std::string::npos) << said;
    }
    EXPECT_NE(line("lights 3 -e").find("-e expects its effect"), std::string::npos);
    EXPECT_NE(line("lights 3 -e blink").find("fade, jump"), std::string::npos);
    const std::lock_guard guard(machine.lock());
    EXPECT_EQ(host.complete("lights 3 -e "), (std::vector<std::string>{"fade", "jump"}));
    EXPECT_EQ(host.complete("lights -e fade 3 "), (std::vector<std::string>{"green", "red"}));
}

TEST_F(ServiceTest, AnAnswerMayComeLater) {
    TestCaller client;
    begin(client, "await-lights");
    EXPECT_TRUE(client.replies.empty());
    EXPECT_EQ(execute("await-lights", "{}").error_class, "DeviceNotActive");
    execute("set-lights", R"({"level":1})");
    ASSERT_EQ(client.replies.size(), 1u);
    EXPECT_EQ(client.replies[0].json, "{}");
    EXPECT_EQ(client.replies[0].text, "");
}

TEST_F(ServiceTest, ALateAnswerToALineIsTheAnswerToHumanMonitorCommand) {
    TestCaller client;
    {
        const std::lock_guard guard(machine.lock());
        host.execute("human-monitor-command", R"({"command-line":"await_lights"})", client);
    }
    EXPECT_TRUE(client.replies.empty());
    execute("set-lights", R"({"level":1})");
    ASSERT_EQ(client.replies.size(), 1u);
    EXPECT_EQ(client.replies[0].json, "\"\"");
}

TEST_F(ServiceTest, ALateAnswerToAClientThatIsGoneIsDropped) {
    {
        TestCaller client;
        begin(client, "await-lights");
        const std::lock_guard guard(machine.lock());
        host.forget(client);
    }
    EXPECT_TRUE(execute("set-lights", R"({"level":1})").ok);
}

TEST_F(ServiceTest, AnAnswerThatIsNoJsonIsAnError) {
    EXPECT_NE(execute("break-lights", "{}").description.find("no JSON"), std::string::npos);
}

TEST_F(ServiceTest, ACommandIsRefusedWhenItIsNotAllowed) {
    EXPECT_NE(execute("later-lights", "{}").description.find("not allowed"), std::string::npos);
}

TEST_F(ServiceTest, CommandsAndEventsAreListed) {
    EXPECT_NE(execute("query-commands", "{}").json.find("await-lights"), std::string::npos);
    EXPECT_NE(execute("query-events", "{}").json.find("LIGHTS_CHANGED"), std::string::npos);
}

}  // namespace
}  // namespace backplane::kernel
