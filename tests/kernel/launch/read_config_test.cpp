#include "fixture.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace backplane::kernel {
namespace {

class ReadConfig : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove(path_); }
    std::string with(const std::string& text) {
        std::ofstream(path_) << text;
        return "-readconfig " + path_;
    }
    std::string path_ = testing::TempDir() + "read_config_" + std::to_string(getpid()) + ".cfg";
};

TEST_F(ReadConfig, SectionsAreOptions) {
    const LaunchPlan plan = plan_of(with("# a machine\n"
                                         "[machine]\n  type = \"virt\"\n"
                                         "[memory]\nsize = \"256\"\n\n"
                                         "[device \"net0\"]\n  driver = \"acme\"\n  text = \"a,b\"\n"));
    EXPECT_EQ(plan.machine, "virt");
    EXPECT_EQ(plan.ram_size, 256u << 20);
    ASSERT_EQ(plan.devices.size(), 1u);
    EXPECT_EQ(plan.devices[0].id, "net0");
    EXPECT_EQ(plan.devices[0].properties, (PropertyList{{"text", "a,b"}}));
}

TEST_F(ReadConfig, AMistakeIsFoundByItsLine) {
    EXPECT_NE(error_of(with("[memory]\nsize = 256\n")).find(path_ + ":2: expects key = \"value\""),
              std::string::npos);
    EXPECT_NE(error_of(with("\n[mashine]\n")).find(path_ + ":2: there is no group of options 'mashine'"),
              std::string::npos);
    EXPECT_NE(error_of(with("[memory]\nsize = \"1\"\n[mashine]\n")).find(path_ + ":3: there is no group"),
              std::string::npos);
    EXPECT_NE(error_of(with("size = \"1\"\n")).find(":1: a parameter before the first section"),
              std::string::npos);
    EXPECT_NE(error_of(with("[memory]\nsize = \"0\"\n")).find(":1: "), std::string::npos);
    EXPECT_NE(error_of(with("[memory]\nsize = \"0\"\n[rtc]\n")).find(":1: "), std::string::npos);
}

TEST_F(ReadConfig, AMissingFileIsNamed) {
    EXPECT_EQ(error_of("-readconfig /nonexist"),
              "-readconfig /nonexist: could not read '/nonexist': No such file or directory");
}

}  // namespace
}  // namespace backplane::kernel
