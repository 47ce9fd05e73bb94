// The management commands of a machine that has a board of the test's own, and nothing on it.
#include "fixture.h"

#include <filesystem>
#include <fstream>

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

TEST_F(ManagementTest, NumbersArePrintedAsTheyAreAskedFor) {
    EXPECT_EQ(line("print 1+2"), "0x3\n");
    EXPECT_EQ(line("p 0"), "0\n");
    EXPECT_EQ(line("p /x -5"), "0xfffffffffffffffb\n");
    EXPECT_EQ(line("p /d -5"), "-5\n");
    EXPECT_EQ(line("p /u -1"), "18446744073709551615\n");
    EXPECT_EQ(line("p /o 8"), "010\n");
    EXPECT_EQ(line("p /c 65"), "'A'\n");
}

TEST_F(ManagementTest, ExpressionsHaveTheOrderThatTheyHaveElsewhere) {
    EXPECT_EQ(line("p (1+2) * 3 % 5"), "0x4\n");
    EXPECT_EQ(line("p 4+1&1"), "0x5\n") << "& binds closer than +";
    EXPECT_EQ(line("p 1|2*4"), "0x9\n");
    EXPECT_EQ(line("p ~0 - 'a' + 010"), "0xffffffffffffffa6\n");
    for (const auto& [text, wrong] : {std::pair{"p 3/0", "division by zero"},
                                      {"p (1", "')' expected"},
                                      {"p 7*", "unexpected end"},
                                      {"p !1", "invalid char '!'"},
                                      {"p $pc", "unknown register"},
                                      {"p 12abc", "'12abc'"},
                                      {"p 0x", "'0x'"},
                                      {"p 99999999999999999999", "too large"},
                                      {"p 1 2", "too much"}})
        EXPECT_NE(line(text).find(wrong), std::string::npos) << text << ": " << line(text);
    EXPECT_NE(line(("p " + std::string(10'000, '(')).c_str()).find("too deep"), std::string::npos);
}

TEST_F(ManagementTest, ASlashBehindANumberBeginsAPath) {
    const std::string path = ::testing::TempDir() + "backplane-pmemsave";
    EXPECT_EQ(line(("pmemsave 0x1000 0x2001 " + path).c_str()), "");
    EXPECT_EQ(std::filesystem::file_size(path), 0x2001u);
    std::filesystem::remove(path);
    EXPECT_NE(line("pmemsave 0 1 /nowhere/at/all").find("Could not open '/nowhere/at/all'"),
              std::string::npos);
    EXPECT_EQ(line("sum 0 4"), "00000\n");
}

TEST_F(ManagementTest, TheLogGoesToAnotherFile) {
    const std::string path = ::testing::TempDir() + "backplane-log";
    EXPECT_EQ(line(("logfile " + path).c_str()), "");
    log.write(LogLevel::Warning, "test", "here");
    std::ifstream file(path);
    std::string written;
    std::getline(file, written);
    EXPECT_NE(written.find("here"), std::string::npos);
    std::filesystem::remove(path);
    EXPECT_NE(line("logfile /nowhere/at/all").find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace backplane::kernel
