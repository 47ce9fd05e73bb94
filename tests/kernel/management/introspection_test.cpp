// What programs are told of commands, events and options, and the descriptors that they hand over.
#include "fixture.h"

#include <nlohmann/json.hpp>

#include <set>
#include <fcntl.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

class Introspection : public ManagementTest {
  protected:
    Json result(const char* command, const char* arguments = "{}") {
        const ManagementReply reply = execute(command, arguments);
        EXPECT_TRUE(reply.ok) << reply.description;
        return Json::parse(reply.json);
    }
};

TEST_F(Introspection, TheSchemaNamesEveryTypeThatItRefersTo) {
    const Json schema = result("query-qmp-schema");
    std::set<std::string> names;
    for (const Json& entry : schema) EXPECT_TRUE(names.insert(entry["name"]).second) << entry;
    const auto expect_known = [&](const Json& entry, const char* reference) {
        const auto found = entry.find(reference);
        EXPECT_TRUE(found == entry.end() || names.contains(found->get<std::string>())) << entry;
    };
    for (const Json& entry : schema) {
        for (const char* reference : {"arg-type", "ret-type", "element-type"}) expect_known(entry, reference);
        for (const Json& member : entry.value("members", Json::array())) expect_known(member, "type");
    }
}

TEST_F(Introspection, TheSchemaSaysWhatARowSays) {
    Json command, arguments, colours;
    for (const Json& entry : result("query-qmp-schema")) {
        if (entry["name"] == "set-lights") command = entry;
        if (entry["name"] == "set-lights-arg") arguments = entry;
        if (entry["name"] == "set-lights-arg-colour") colours = entry;
    }
    EXPECT_EQ(command["meta-type"], "command");
    EXPECT_EQ(command["ret-type"], "empty");
    EXPECT_EQ(arguments["members"], Json::parse(R"([{"name":"level","type":"int"},
        {"name":"colour","type":"set-lights-arg-colour","default":null},
        {"name":"effect","type":"set-lights-arg-effect","default":null}])"));
    EXPECT_EQ(colours["values"], Json::parse(R"(["red","green"])"));
}

TEST_F(Introspection, OptionsAreListedWithTheirParameters) {
    EXPECT_EQ(result("query-command-line-options", R"({"option":"smp-opts"})"),
              Json::parse(R"([{"option":"smp-opts",
        "parameters":[{"name":"cpus","type":"number"},{"name":"maxcpus","type":"number"}]}])"));
    const Json lights = result("query-command-line-options", R"({"option":"lights"})");
    EXPECT_EQ(lights[0]["parameters"].size(), 2u);
    EXPECT_EQ(execute("query-command-line-options", R"({"option":"nope"})").description,
              "invalid option name: nope");
}

TEST_F(Introspection, DescriptorsAreAddedToSetsAndFoundThere) {
    const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(file, 0);
    EXPECT_EQ(execute("add-fd", "{}").description, "No file descriptor supplied via SCM_RIGHTS");
    EXPECT_TRUE(execute("add-fd", R"({"opaque":"mine"})", file).ok);
    EXPECT_EQ(result("query-fdsets")[0]["fds"][0]["opaque"], "mine");
    auto* files = static_cast<HostFiles*>(machine.host_interface(HostFiles::kId));
    const int copy = files->open_file("/dev/fdset/0", O_RDONLY, 0, errors);
    EXPECT_GE(copy, 0) << errors.text();
    close(copy);
    EXPECT_EQ(files->open_file("/dev/fdset/0", O_RDWR, 0, errors), -1);
    EXPECT_EQ(files->open_file("/dev/fdset/1", O_RDONLY, 0, errors), -1);
    EXPECT_TRUE(execute("remove-fd", R"({"fdset-id":0})").ok);
    EXPECT_EQ(execute("remove-fd", R"({"fdset-id":0})").description,
              "File descriptor named 'fdset-id:0' not found");
    EXPECT_EQ(fcntl(file, F_GETFD), -1);
}

TEST_F(Introspection, ANameIsTheClientsOwn) {
    const std::lock_guard guard(machine.lock());
    TestCaller one, other;
    one.passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int file = one.passed;
    host.execute("getfd", R"({"fdname":"x"})", one);
    host.execute("closefd", R"({"fdname":"x"})", other);
    EXPECT_TRUE(one.replies.at(0).ok);
    EXPECT_EQ(other.replies.at(0).description, "File descriptor named 'x' not found");
    host.forget(one);
    EXPECT_EQ(fcntl(file, F_GETFD), -1);
}

TEST_F(Introspection, WhatFollowsAnEndCanBeChanged) {
    EXPECT_TRUE(execute("set-action", R"({"shutdown":"pause","panic":"none"})").ok);
    EXPECT_EQ(machine.actions().shutdown, RunActions::Shutdown::Pause);
    EXPECT_EQ(machine.actions().panic, RunActions::Panic::None);
    EXPECT_NE(execute("set-action", R"({"reboot":"x"})").description.find("does not accept value 'x'"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::kernel
