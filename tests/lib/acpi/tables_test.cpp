#include <lib/acpi_tables.h>

#include <gtest/gtest.h>

#include <numeric>

namespace backplane::acpi {
namespace {

constexpr std::size_t kEntry = 128;

std::uint32_t number(const std::vector<std::uint8_t>& bytes, std::size_t at) {
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | std::uint32_t(bytes[at + 3]) << 24;
}

TEST(AcpiTables, ATableKnowsItsLength) {
    TableFile file("tables", {});
    file.begin("TEST", 3);
    file.number(0x11223344, 4);
    EXPECT_EQ(file.end(), 0u);
    EXPECT_EQ(number(file.bytes(), 4), 40u);
    EXPECT_EQ(file.bytes()[8], 3);
    EXPECT_EQ(file.bytes().size(), 40u);
}

TEST(AcpiTables, TheScriptMakesRoomBeforeItPatches) {
    TableFile file("tables", {});
    file.begin("TEST", 1);
    file.pointer(0, 4);
    const std::uint32_t table = file.end();
    const auto root = file.root_pointer("root", table);
    const auto& script = file.script();
    ASSERT_EQ(script.size(), 6 * kEntry);
    std::vector<std::uint32_t> codes;
    for (std::size_t at = 0; at < script.size(); at += kEntry) codes.push_back(number(script, at));
    EXPECT_EQ(codes, (std::vector<std::uint32_t>{1, 1, 2, 3, 2, 3}));
    EXPECT_STREQ(reinterpret_cast<const char*>(&script[4]), "root");
    EXPECT_EQ(number(script, 4 + 56), 16u) << "alignment";
    EXPECT_EQ(script[4 + 56 + 4], 2) << "below 1 MiB";
    EXPECT_EQ(number(script, 2 * kEntry + 4 + 112), 36u) << "where the pointer is";
    EXPECT_EQ(script[2 * kEntry + 4 + 112 + 4], 4) << "its size";
    EXPECT_EQ(number(script, 3 * kEntry + 60), 9u) << "the checksum's place";
    EXPECT_EQ(number(script, 3 * kEntry + 68), 40u) << "of how many bytes";
    EXPECT_EQ(root.size(), 20u);
}

TEST(AcpiTables, OtherFilesAreLoadedPatchedInAndReported) {
    TableFile file("tables", {});
    file.load("blob", 4096);
    file.report("place", "blob", 40);
    file.begin("TEST", 1, "OTHER");
    file.number(0, 4);
    file.patch(36, "blob");
    file.end();
    EXPECT_EQ(std::string(file.bytes().begin() + 16, file.bytes().begin() + 24), "OTHER   ");
    file.root_pointer("root", 0);
    const auto& script = file.script();
    std::vector<std::uint32_t> codes;
    for (std::size_t at = 0; at < script.size(); at += kEntry) codes.push_back(number(script, at));
    EXPECT_EQ(codes, (std::vector<std::uint32_t>{1, 1, 1, 4, 2, 3, 2, 3}));
    EXPECT_STREQ(reinterpret_cast<const char*>(&script[kEntry + 4]), "blob");
    EXPECT_EQ(number(script, kEntry + 4 + 56), 4096u);
    EXPECT_STREQ(reinterpret_cast<const char*>(&script[3 * kEntry + 4]), "place");
    EXPECT_EQ(number(script, 3 * kEntry + 4 + 116), 40u) << "the byte that is told";
    EXPECT_EQ(script[3 * kEntry + 4 + 120], 8);
    EXPECT_EQ(number(script, 4 * kEntry + 4 + 112), 36u) << "where the address goes";
}

TEST(AcpiTables, TheFacsIsSixtyFourBytes) {
    TableFile file("tables", {});
    EXPECT_EQ(file.add_facs(), 0u);
    EXPECT_EQ(file.bytes().size(), 64u);
    EXPECT_EQ(number(file.bytes(), 4), 64u);
}

}  // namespace
}  // namespace backplane::acpi
