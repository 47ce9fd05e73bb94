// What a machine starts from: files, and the bytes and zeros that a board puts into memory.
#include "tests/kernel/machine/machine_bench.h"

#include "kernel/machine/board_host.h"

#include <array>
#include <filesystem>
#include <fstream>

namespace backplane::kernel {
namespace {

using StartBytesTest = MachineTest;

TEST_F(StartBytesTest, ABoardPutsBytesIntoMemoryWhileItBuilds) {
    const std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
    script.build = [&](BoardContext& context, Errors& sink) {
        return context.add_blob("boot code", GuestAddress(TestBoard::kRamBase), bytes, sink) &&
               dma_store(context.dma(), GuestAddress(TestBoard::kRamBase + 8), std::uint32_t(7));
    };
    ASSERT_TRUE(build()) << errors.text();
    Access access;
    EXPECT_EQ(machine.system_memory().load(GuestAddress(TestBoard::kRamBase), 4, access), 0x04030201u);
    EXPECT_EQ(machine.system_memory().load(GuestAddress(TestBoard::kRamBase + 8), 4, access), 7u);
}

TEST_F(StartBytesTest, ABlobDoesNotWrapAroundTheLastAddress) {
    const std::array<std::uint8_t, 16> bytes{};
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_blob("boot code", GuestAddress(~std::uint64_t(7)), bytes, sink);
    };
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("ends after the last address"), std::string::npos) << errors.text();
}

TEST_F(StartBytesTest, ABlobThatDoesNotFitIsToldWhatWouldHelp) {
    const std::array<std::uint8_t, 16> bytes{};
    ErrorText above, below;
    script.finish = [&](BoardContext& context, Errors&) {
        return !context.add_blob("a", GuestAddress(TestBoard::kRamBase + (1 << 20) - 8), bytes, above) &&
               !context.add_blob("b", GuestAddress(TestBoard::kRamBase - 8), bytes, below);
    };
    EXPECT_TRUE(build());
    EXPECT_NE(above.text().find("with -m"), std::string::npos) << above.text();
    EXPECT_EQ(below.text().find("with -m"), std::string::npos) << below.text();
}

class SegmentTest : public StartBytesTest {
  protected:
    static constexpr std::uint64_t kRam = TestBoard::kRamBase;
    std::uint64_t load(std::uint64_t address, unsigned size = 4) {
        Access access;
        return machine.system_memory().load(GuestAddress(address), size, access);
    }
    void store(std::uint64_t address, std::uint64_t value) {
        Access access;
        machine.system_memory().store(GuestAddress(address), value, 4, access);
    }
    const std::array<std::uint8_t, 8> bytes{1, 2, 3, 4, 5, 6, 7, 8};
};

TEST_F(SegmentTest, ZerosBehindItsBytesAreZeroAtEachStart) {
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_segment("program", GuestAddress(kRam), bytes, 64, sink) &&
               context.add_segment("heap", GuestAddress(kRam + 0x1000), {}, 64, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    for (const std::uint64_t at : {kRam, kRam + 8, kRam + 60, kRam + 0x1000, kRam + 64})
        store(at, 0xdeadbeef);
    machine.reset();
    EXPECT_EQ(load(kRam), 0x04030201u);
    for (const std::uint64_t at : {kRam + 8, kRam + 60, kRam + 0x1000}) EXPECT_EQ(load(at), 0u);
    EXPECT_EQ(load(kRam + 64), 0xdeadbeefu) << "no part of it";
}

TEST_F(SegmentTest, WhatReachesPastMemoryIsLeftOut) {
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_segment("front", GuestAddress(kRam - 4), bytes, 8, sink) &&
               context.add_segment("end", GuestAddress(kRam + (1 << 20) - 4), bytes, 4096, sink) &&
               context.add_segment("nowhere", GuestAddress(0x1000), bytes, 8, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_EQ(load(kRam), 0x08070605u);
    EXPECT_EQ(load(kRam + (1 << 20) - 4), 0x04030201u);
}

TEST_F(SegmentTest, OtherBytesMayLieOverItsZerosButNotOverItsBytes) {
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_blob("tree", GuestAddress(kRam + 0x800), bytes, sink) &&
               context.add_segment("program", GuestAddress(kRam), bytes, 0x1000, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    machine.reset();
    EXPECT_EQ(load(kRam + 0x800), 0x04030201u);
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    EXPECT_FALSE(host.add_segment("other", GuestAddress(kRam + 4), bytes, 8, errors));
    EXPECT_NE(errors.text().find("overlaps 'program'"), std::string::npos) << errors.text();
}

TEST_F(StartBytesTest, AFileThatIsTooLongIsRefusedByItsSize) {
    const std::string path = ::testing::TempDir() + "machine_test_sparse";
    std::ofstream(path).put('x');
    std::filesystem::resize_file(path, std::uint64_t{1} << 40);  // reading it would take hours
    ASSERT_TRUE(build()) << errors.text();
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    Bytes bytes;
    EXPECT_FALSE(host.read_file(path, false, 64 << 20, bytes, errors));
    EXPECT_NE(errors.text().find("64 MiB"), std::string::npos) << errors.text();
    std::filesystem::remove(path);
}

/// A machine that starts from a file of 4 KiB.
class StartFileTest : public SegmentTest {
  protected:
    StartFileTest() {
        std::ofstream(path) << std::string(4096, 'x');
        script.finish = [this](BoardContext& context, Errors& sink) {
            Bytes file;
            return context.read_file(Str(path), false, 1 << 20, file, sink) &&
                   context.add_blob("all of it", GuestAddress(kRam), file, sink) &&
                   context.add_segment("part", GuestAddress(kRam + 0x1000), {file.data + 8, 16}, 64, sink);
        };
    }
    ~StartFileTest() override { std::filesystem::remove(path); }
    static constexpr std::uint64_t kX = 0x78787878;
    const std::string path = ::testing::TempDir() + "machine_test_start";
};

TEST_F(StartFileTest, AChangedFileChangesNothing) {
    ASSERT_TRUE(build()) << errors.text();
    std::ofstream(path) << "y";
    store(kRam, 1);
    machine.reset();
    EXPECT_EQ(load(kRam), kX);
    EXPECT_EQ(load(kRam + 0x100c), kX);
}

TEST_F(StartFileTest, AMachineThatAwaitsASavedOneReadsItWhenItStartsAgain) {
    machine.parts().run.expect_state();
    ASSERT_TRUE(build()) << errors.text();
    machine.reset();
    EXPECT_EQ(load(kRam), 0u);
    machine.parts().run.arrived(false);
    EXPECT_EQ(load(kRam), 0u);
    store(kRam + 0x1010, 1);
    machine.reset();
    EXPECT_EQ(load(kRam + 0xffc), kX);
    EXPECT_EQ(load(kRam + 0x100c), kX);
    EXPECT_EQ(load(kRam + 0x1010), 0u);
}

TEST_F(StartFileTest, AFileThatWasCutShortMeanwhileStopsTheMachine) {
    machine.parts().run.expect_state();
    ASSERT_TRUE(build()) << errors.text();
    machine.parts().run.arrived(false);
    std::filesystem::resize_file(path, 100);
    machine.reset();
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::InternalError);
}

TEST_F(StartFileTest, WhatDoesNotFitIsRefusedThenAsWell) {
    machine.parts().run.expect_state();
    script.finish = [this](BoardContext& context, Errors& sink) {
        Bytes file;
        return context.read_file(Str(path), false, 1 << 20, file, sink) &&
               context.add_blob("all of it", GuestAddress(kRam + (1 << 20) - 8), file, sink);
    };
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("does not fit"), std::string::npos) << errors.text();
}

TEST_F(StartBytesTest, AFileThatCannotBeReadIsARefusalThatSaysWhy) {
    const std::string loop = ::testing::TempDir() + "machine_test_loop";
    std::filesystem::remove(loop);
    std::filesystem::create_symlink(loop, loop);
    const std::string text(5000, 'x');
    machine.set_firmware_path({"/nonexistent"});
    ASSERT_TRUE(build()) << errors.text();
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    for (const auto& [path, why] : {std::pair<std::string, std::string>{loop, "symbolic links"},
                                    {text, "too long"},
                                    {"/", "it is a directory"},
                                    {"/nonexistent/file", "No such file"}}) {
        ErrorText reason;
        Bytes bytes;
        EXPECT_FALSE(host.read_file(path, true, 1 << 20, bytes, reason));
        EXPECT_NE(reason.text().find(why), std::string::npos) << reason.text();
    }
    std::filesystem::remove(loop);
}

TEST_F(StartBytesTest, AFirmwareThatIsThereAndUnreadableSaysMoreThanOneThatIsNot) {
    const std::filesystem::path first = ::testing::TempDir() + "machine_test_first";
    std::filesystem::remove_all(first);
    std::filesystem::create_directories(first / "bios.bin");  // not a file
    machine.set_firmware_path({first.string(), "/nonexistent"});
    ASSERT_TRUE(build()) << errors.text();
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    Bytes bytes;
    EXPECT_FALSE(host.read_file("bios.bin", true, 1 << 20, bytes, errors));
    EXPECT_NE(errors.text().find("it is a directory"), std::string::npos) << errors.text();
    std::filesystem::remove_all(first);
}

}  // namespace
}  // namespace backplane::kernel
