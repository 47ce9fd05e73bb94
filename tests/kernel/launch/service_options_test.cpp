// Options that a plugin's type offers.
#include "fixture.h"

#include "kernel/launch/option_table.h"
#include "kernel/module/catalog.h"
#include "kernel/program/core_names.h"

namespace backplane::kernel {
namespace {

class ServiceOptions : public ::testing::Test {
  protected:
    LaunchPlan plan(const std::vector<std::string>& arguments) {
        return read_command_line(arguments, &catalog).plan;
    }
    std::string error(const std::vector<std::string>& arguments) {
        try {
            plan(arguments);
            return {};
        } catch (const UserError& error) {
            return error.what();
        }
    }
    Catalog catalog{{FIXTURES}};
};

TEST_F(ServiceOptions, MakeAnObjectWithTheParametersAsProperties) {
    const LaunchPlan made = plan({"-lights", "hall,level=2", "-bright"});
    ASSERT_EQ(made.services.size(), 2u);
    EXPECT_EQ(made.services[0].type, "fixture-lights");
    EXPECT_EQ(made.services[0].option, "-lights hall,level=2");
    EXPECT_EQ(made.services[0].properties, (PropertyList{{"place", "hall"}, {"level", "2"}}));
    EXPECT_EQ(made.services[1].properties, (PropertyList{{"level", "100"}, {"place", "here"}}));
}

TEST_F(ServiceOptions, AWholeTextIsNotTakenApart) {
    EXPECT_EQ(plan({"-lights-at", "a,b=c,,d"}).services.at(0).properties,
              (PropertyList{{"place", "a,b=c,,d"}}));
}

TEST_F(ServiceOptions, AreGivenOnceUnlessTheyMakeMore) {
    EXPECT_EQ(error({"-lights", "a", "-lights", "b"}), "-lights b: is given twice, and can be given once");
    EXPECT_EQ(plan({"-lights-at", "a", "-lights-at", "b"}).services.size(), 2u);
}

TEST_F(ServiceOptions, AreListedWithTheOthers) {
    const std::string text = usage(&catalog);
    EXPECT_NE(text.find("\nLights:\n-lights [place=]PLACE[,level=N]"), std::string::npos);
    EXPECT_NE(text.find("-bright"), std::string::npos);
    EXPECT_NE(error({"-ligths", "a"}).find("did you mean -lights?"), std::string::npos);
    EXPECT_EQ(error({"-lights"}), "-lights: requires an argument: [place=]PLACE[,level=N]");
}

TEST_F(ServiceOptions, HelpListsTheProperties) {
    const CommandLine line = read_command_line({"-lights", "help"}, &catalog);
    ASSERT_TRUE(line.topic);
    EXPECT_EQ(line.topic->kind, HelpTopic::Kind::TypeProperties);
    EXPECT_EQ(line.topic->name, "fixture-lights");
}

TEST(CoreNames, AreNotForPlugins) {
    const Catalog catalog({CLASHING}, Trust(), core_names());
    std::map<std::string, std::string> reasons;
    for (const PluginFile& file : catalog.plugins())
        for (const RefusedType& refused : file.refused)
            reasons[refused.name] = refused.reason.substr(refused.reason.find("refused: "));
    EXPECT_EQ(reasons,
              (std::map<std::string, std::string>{
                  {"clash-option", "refused: its option '-kernel' is taken by the core"},
                  {"clash-command", "refused: its command 'quit' is taken by the core"},
                  {"clash-human", "refused: its monitor command 'q' is taken by the core"},
                  {"clash-event", "refused: its event 'RESET' has other members than that of the core"},
              }));
    EXPECT_EQ(OptionTable(&catalog).find("kernel")->type, nullptr);
}

TEST(PluginDirectories, AreReadAheadOfAllOtherOptions) {
    EXPECT_EQ(plugin_directories({"-append", "-plugin-dir", "-plugin-dir", "/a", "--plugin-dir=/b", "-S"}),
              (std::vector<std::filesystem::path>{"/a", "/b"}));
}

}  // namespace
}  // namespace backplane::kernel
