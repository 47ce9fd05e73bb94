// The management commands of a machine that has a board of the test's own, and nothing on it.
#include "fixture.h"

namespace backplane::kernel {
namespace {

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
    const std::string text = line("qom-get /machine greedy");
    EXPECT_TRUE(text.starts_with("Error: ")) << text;
}

TEST_F(ManagementTest, AnUnknownLogItemIsAnError) { EXPECT_TRUE(line("log foo").starts_with("Error: ")); }

}  // namespace
}  // namespace backplane::kernel
