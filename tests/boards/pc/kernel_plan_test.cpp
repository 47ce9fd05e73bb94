// Kernels taken apart: what goes where, and what is refused. Places are those that guests of these boards have always
// seen; the header's fields are those of "The Linux/x86 Boot Protocol", the Multiboot Specification and the PVH ABI.
#include "kernel_files.h"

#include <backplane/text.h>

#include <gtest/gtest.h>

namespace backplane::pc::test {
namespace {

constexpr std::uint64_t kRam = 128 * kMebibyte;
constexpr std::uint64_t kLittleRam = 8 * kMebibyte;

struct Outcome {
    bool taken = false;
    std::string reason;
    KernelPlan plan;

    std::uint32_t told(std::size_t at) const { return number_at<std::uint32_t>(Bytes(plan.setup.bytes), at); }
    std::string text(std::uint32_t address) const {
        return reinterpret_cast<const char*>(plan.setup.bytes.data() + (address - plan.setup.address));
    }
};

Outcome plan(const File& file, const std::string& arguments = "", std::vector<KernelModule> modules = {},
             std::uint64_t ram = kRam) {
    Outcome outcome;
    ErrorText errors;
    const KernelFiles files{.kernel = Bytes(file),
                            .name = "kernel",
                            .arguments = arguments,
                            .modules = std::move(modules),
                            .ram = ram};
    outcome.taken = plan_kernel(files, outcome.plan, errors);
    outcome.reason = errors.text();
    return outcome;
}

void expect_refusal(const File& file, const std::string& why, const std::string& arguments = "",
                    std::vector<KernelModule> modules = {}) {
    const Outcome outcome = plan(file, arguments, std::move(modules), kLittleRam);
    EXPECT_FALSE(outcome.taken) << why;
    EXPECT_NE(outcome.reason.find(why), std::string::npos) << outcome.reason;
}

KernelModule module_of(std::size_t size, const std::string& text = "") { return {text, File(size, 'x')}; }

// --- Linux ---

TEST(LinuxKernel, LiesWhereItsProtocolSays) {
    const Outcome outcome = plan(linux_file(), "console=ttyS0", {module_of(10000)});
    ASSERT_TRUE(outcome.taken) << outcome.reason;
    EXPECT_EQ(outcome.plan.kind, KernelKind::Linux);
    EXPECT_EQ(outcome.plan.setup.address, 0x10000u);
    EXPECT_EQ(outcome.plan.setup.bytes.size(), 2560u);
    EXPECT_EQ(outcome.plan.kernel.address, 0x100000u);
    EXPECT_EQ(outcome.plan.kernel.bytes.size(), 5008u);
    EXPECT_EQ(outcome.plan.command_line.address, 0x20000u);
    EXPECT_EQ(outcome.plan.command_line.bytes.size(), 14u);
    EXPECT_EQ(outcome.plan.initrd.address, 0x7fd5000u);
    EXPECT_EQ(outcome.told(0x210) & 0xffff, 0x81b0u) << "loader, CAN_USE_HEAP";
    EXPECT_EQ(outcome.told(0x218), 0x7fd5000u);
    EXPECT_EQ(outcome.told(0x21c), 10000u);
    EXPECT_EQ(outcome.told(0x224) & 0xffff, 0xfe00u);
    EXPECT_EQ(outcome.told(0x228), 0x20000u);
}

TEST(LinuxKernel, OfAnOldProtocolLiesLow) {
    const Outcome outcome = plan(linux_file(0x201));
    ASSERT_TRUE(outcome.taken) << outcome.reason;
    EXPECT_EQ(outcome.plan.setup.address, 0x90000u);
    EXPECT_EQ(outcome.plan.kernel.address, 0x100000u);
    EXPECT_EQ(outcome.plan.command_line.address, 0x99ff0u);
    EXPECT_EQ(outcome.told(0x20), 0x9ff0a33fu);
    EXPECT_EQ(outcome.told(0x228), 0u);
    File low = linux_file();
    low[0x211] = 0;
    EXPECT_EQ(plan(low).plan.kernel.address, 0x10000u);
}

TEST(LinuxKernel, HasItsRamDiskWhereItReaches) {
    const std::uint64_t large = 3 * kGibibyte;
    EXPECT_EQ(plan(linux_file(), "", {module_of(10000)}, large).plan.initrd.address, 0x7fffd000u);
    EXPECT_EQ(plan(linux_file(0x202), "", {module_of(10000)}, large).plan.initrd.address, 0x37ffd000u);
    File far = linux_file();
    put_at(far, 0x236, std::uint16_t{2});
    EXPECT_EQ(plan(far, "", {module_of(10000)}, large).plan.initrd.address, 0xbffd5000u);
}

TEST(LinuxKernel, IsToldItsVideoMode) {
    const auto mode = [](const char* arguments) {
        return plan(linux_file(), arguments).told(0x1fa) & 0xffff;
    };
    EXPECT_EQ(mode("quiet"), 0u);
    EXPECT_EQ(mode("vga=ask"), 0xfffdu);
    EXPECT_EQ(mode("quiet vga=0x317 x"), 0x317u);
    EXPECT_EQ(mode("vga=791"), 791u);
    expect_refusal(linux_file(), "vga=big", "vga=big");
    expect_refusal(linux_file(), "vga=", "quiet vga=");
}

TEST(LinuxKernel, ThatIsDamagedIsRefused) {
    File file = linux_file();
    file.resize(600);
    expect_refusal(file, "is cut short: it ends within its setup header");
    file = linux_file();
    file[0x1f1] = 200;
    expect_refusal(file, "is cut short: its header tells of 102912 bytes of setup");
    file = linux_file();
    file.resize(file.size() - 32);
    expect_refusal(file, "is cut short: its header tells of 7568 bytes, and it has 7536 bytes");
    file = linux_file();
    file[0x1fe] = 0;
    expect_refusal(file, "no boot flag");
    expect_refusal(linux_file(0x100), "boot protocol");
    file = linux_file();
    file[0x202] = 'X';
    expect_refusal(file, "invalid kernel header");
}

TEST(LinuxKernel, WhatDoesNotFitIsRefused) {
    expect_refusal(linux_file(), "initrd of 8388608 bytes", "", {module_of(kLittleRam)});
    expect_refusal(linux_file(0x20f, 8 << 20), "does not fit into memory");
    expect_refusal(linux_file(), "takes a command line of 2047 bytes, and -append has 2048",
                   std::string(2048, 'x'));
    File low = linux_file(0x20f, 600 << 10);
    low[0x211] = 0;
    expect_refusal(low, "below 576 KiB");
    EXPECT_FALSE(plan(linux_file(), "", {module_of(kMebibyte)}, 2 * kMebibyte).taken);
}

// --- Multiboot ---

File low_multiboot_file() {
    File file = multiboot_file();
    for (const std::size_t at : {12, 16, 20, 24, 28}) {
        const auto address = number_at<std::uint32_t>(Bytes(file), at);
        if (address != 0) put_at(file, at, address - 0x200000 + 0x8000);
    }
    return file;
}

TEST(MultibootKernel, MayLieInLowMemory) {
    const Outcome outcome = plan(low_multiboot_file(), "", {module_of(5)});
    ASSERT_TRUE(outcome.taken) << outcome.reason;
    EXPECT_EQ(outcome.plan.kernel.address, 0x8000u);
    EXPECT_EQ(outcome.plan.entry, 0x8020u);
    EXPECT_EQ(outcome.plan.setup.address, 0x9000u) << "behind it";
    EXPECT_EQ(outcome.text(outcome.told(16)), "kernel");
    EXPECT_EQ(outcome.plan.initrd.address, 0x100000u);
}

TEST(MultibootKernel, IsToldItsCommandLineAndModules) {
    const Outcome outcome = plan(multiboot_file(), "x y", {module_of(5, "a 1"), module_of(6, "b")});
    ASSERT_TRUE(outcome.taken) << outcome.reason;
    EXPECT_EQ(outcome.plan.kind, KernelKind::Multiboot);
    EXPECT_EQ(outcome.plan.kernel.address, 0x200000u);
    EXPECT_EQ(outcome.plan.kernel.bytes.size(), 0x1000u) << "with what it wants zeros for";
    EXPECT_EQ(outcome.plan.entry, 0x200020u);
    EXPECT_EQ(outcome.plan.initrd.address, 0x201000u);
    EXPECT_EQ(outcome.plan.initrd.bytes.size(), 0x1006u);
    EXPECT_EQ(outcome.told(0), 0x24fu) << "memory, device, command line, modules, map, name";
    EXPECT_EQ(outcome.text(outcome.told(16)), "kernel x y");
    ASSERT_EQ(outcome.told(20), 2u);
    const std::size_t modules = outcome.told(24) - outcome.plan.setup.address;
    EXPECT_EQ(outcome.told(modules), 0x201000u);
    EXPECT_EQ(outcome.told(modules + 4), 0x201005u);
    EXPECT_EQ(outcome.text(outcome.told(modules + 8)), "a 1");
    EXPECT_EQ(outcome.told(modules + 16), 0x202000u);
    EXPECT_EQ(outcome.text(outcome.told(modules + 24)), "b");
}

TEST(MultibootKernel, WithoutAddressesIsAnElfFile) {
    File file = pvh_file();
    put_at(file, 0x100, std::uint32_t{0x1badb002});
    put_at(file, 0x104, std::uint32_t{0});
    put_at(file, 0x108, std::uint32_t{0} - 0x1badb002);
    const Outcome outcome = plan(file);
    ASSERT_TRUE(outcome.taken) << outcome.reason;
    EXPECT_EQ(outcome.plan.kind, KernelKind::Multiboot);
    EXPECT_EQ(outcome.plan.entry, 0x200000u) << "the file's, not the note's";
    EXPECT_EQ(outcome.told(20), 0u);
}

TEST(MultibootKernel, WhatItAsksForInVainIsRefused) {
    expect_refusal(multiboot_file(0x10009), "asks in its Multiboot header");
    expect_refusal(multiboot_file(3), "is no ELF file");
    File file = multiboot_file();
    file.resize(20);
    expect_refusal(file, "ends within its Multiboot header");
    file = multiboot_file();
    put_at(file, 16, std::uint32_t{0x1fffff});
    expect_refusal(file, "ahead of its start");
    file = multiboot_file();
    put_at(file, 20, std::uint32_t{0x201000});
    expect_refusal(file, "tells of more than the file has");
    file = multiboot_file();
    put_at(file, 24, std::uint32_t{0xf0000000});
    expect_refusal(file, "passes the 8 MiB of memory");
    file = multiboot_file();
    put_at(file, 28, std::uint32_t{0x300000});
    expect_refusal(file, "starts at 0x300000, outside of what is loaded of it: 0x200000 to 0x200fff");
    file = multiboot_file();
    put_at(file, 12, std::uint32_t{0x1000});
    put_at(file, 16, std::uint32_t{0x1000});
    expect_refusal(file, "below 32 KiB");
    file = low_multiboot_file();
    put_at(file, 24, std::uint32_t{0x81000});
    expect_refusal(file, "there is room to 512 KiB");
    file = low_multiboot_file();
    put_at(file, 24, std::uint32_t{0x80000});
    expect_refusal(file, "more than 0 KiB");
    expect_refusal(multiboot_file(), "no memory left", "", {module_of(5), module_of(kLittleRam)});
}

TEST(MultibootKernel, CommasBetweenModulesAreNotThoseInTheirTexts) {
    EXPECT_EQ(split_modules("a x=1,,2,b"), (std::vector<std::string>{"a x=1,2", "b"}));
    EXPECT_EQ(split_modules("a"), std::vector<std::string>{"a"});
}

// --- PVH ---

TEST(PvhKernel, StartsWhereItsNoteSays) {
    const Outcome outcome = plan(pvh_file(), "x y", {module_of(6)});
    ASSERT_TRUE(outcome.taken) << outcome.reason;
    EXPECT_EQ(outcome.plan.kind, KernelKind::Pvh);
    EXPECT_EQ(outcome.plan.entry, 0x200100u);
    EXPECT_EQ(outcome.plan.kernel.bytes.size(), 0x1000u);
    EXPECT_EQ(outcome.plan.initrd.address, 0x7fd7000u);
    EXPECT_EQ(outcome.told(0), 0x336ec578u);
    EXPECT_EQ(outcome.text(outcome.told(24)), "x y");
    ASSERT_EQ(outcome.told(12), 1u);
    const std::size_t module = outcome.told(16) - outcome.plan.setup.address;
    EXPECT_EQ(outcome.told(module), 0x7fd7000u);
    EXPECT_EQ(outcome.told(module + 8), 6u);
}

TEST(PvhKernel, WithoutAnEntryIsRefused) {
    expect_refusal(pvh_file(17), "32-bit ELF file without that note");
    expect_refusal(pvh_file(18, 0x300000), "starts at 0x300000");
    File file = pvh_file();
    file.resize(0x40);
    expect_refusal(file, "ends within its program headers");
    file = pvh_file();
    put_at(file, 0x12, std::uint16_t{243});
    expect_refusal(file, "another machine than x86");
    expect_refusal(pvh_file(), "initrd of 8388608 bytes", "", {module_of(kLittleRam)});
}

TEST(LoaderRom, IsAnExpansionRomThatFirmwareTakes) {
    for (const KernelKind kind : {KernelKind::Linux, KernelKind::Multiboot, KernelKind::Pvh}) {
        const File rom = make_loader_rom(kind);
        ASSERT_EQ(rom.size() % 512, 0u);
        EXPECT_EQ(number_at<std::uint16_t>(Bytes(rom), 0), 0xaa55u);
        EXPECT_EQ(rom[2] * 512u, rom.size());
        unsigned sum = 0;
        for (const std::uint8_t byte : rom) sum += byte;
        EXPECT_EQ(sum & 0xff, 0u);
        const std::size_t header = number_at<std::uint16_t>(Bytes(rom), 0x1a);
        EXPECT_EQ(std::memcmp(rom.data() + header, "$PnP", 4), 0);
        sum = 0;
        for (std::size_t i = 0; i < rom[header + 5] * 16u; ++i) sum += rom[header + i];
        EXPECT_EQ(sum & 0xff, 0u);
    }
}

}  // namespace
}  // namespace backplane::pc::test
