// The log: what is on, and that a line is in the file when write() returns.
#include "kernel/machine/log_hub.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace backplane::kernel {
namespace {

TEST(LogHubTest, ALineIsInTheFileAtOnce) {
    const std::string path = ::testing::TempDir() + "log_hub_test.log";
    LogHub hub;
    ErrorText errors;
    ASSERT_TRUE(hub.set_file(path, errors)) << errors.text();
    hub.enable("int");
    hub.write(LogLevel::Info, "int", "taken");
    hub.write(LogLevel::Info, "in_asm", "not asked for");
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "taken\n");
    std::filesystem::remove(path);
}

TEST(LogHubTest, AFullDiskIsSaidOnceInOurWords) {
    ::testing::internal::CaptureStderr();
    {
        LogHub hub;
        ErrorText errors;
        ASSERT_TRUE(hub.set_file("/dev/full", errors)) << errors.text();
        for (int line = 0; line < 3; ++line) hub.write(LogLevel::Warning, "x", "lost");
    }
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(said.find("LOG ERROR"), std::string::npos) << said;
    EXPECT_TRUE(said.starts_with("backplane: the log cannot be written: ")) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST(LogHubTest, CategoriesAreSwitchedWhileOthersLook) {
    LogHub hub;
    std::atomic<bool> done{false};
    std::thread reader([&] {
        while (!done) EXPECT_FALSE(hub.enabled("never"));
    });
    for (int i = 0; i < 200; ++i) {
        hub.enable("int");
        EXPECT_TRUE(hub.enabled("int"));
        hub.disable_all();
        EXPECT_FALSE(hub.enabled("int"));
    }
    done = true;
    reader.join();
}

TEST(LogHubTest, WhatAGuestCanChooseDoesNotGrowTheLogForEver) {
    LogHub hub;
    hub.enable("guest_errors");
    ::testing::internal::CaptureStderr();
    for (unsigned i = 0; i < 3 * LogHub::kMaximumGuestErrors; ++i)
        hub.guest_error("device", std::to_string(i), "offset " + std::to_string(i));
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::size_t(std::ranges::count(said, '\n')), LogHub::kMaximumGuestErrors + 1);
    EXPECT_TRUE(said.ends_with("device: and more guest errors, which are not shown\n"));
}

}  // namespace
}  // namespace backplane::kernel
