// The device tree against the lines that describe it in the .txt files beside this one: a line for each node and for
// each property; phandles stand as "&path". The lines of riscv-virt*.txt are what guests of this board know.
#include "virt.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace backplane::testing {
namespace {

class Tree {
  public:
    explicit Tree(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {
        for (int node = 0; node >= 0; node = fdt_next_node(fdt(), node, nullptr))
            if (const std::uint32_t handle = fdt_get_phandle(fdt(), node)) handles_[handle] = path(node);
    }

    std::set<std::string> lines() const {
        std::set<std::string> all;
        for (int node = 0; node >= 0; node = fdt_next_node(fdt(), node, nullptr)) {
            const std::string where = path(node);
            if (where == "/pmu") continue;  // says which counters there are: a matter of the CPU
            all.insert(where);
            int property = 0;
            fdt_for_each_property_offset(property, fdt(), node) add(all, where, property);
        }
        return all;
    }

  private:
    const void* fdt() const { return bytes_.data(); }
    std::string path(int node) const {
        std::array<char, 256> text{};
        fdt_get_path(fdt(), node, text.data(), int(text.size()));
        return text.data();
    }
    void add(std::set<std::string>& all, const std::string& where, int property) const {
        int size = 0;
        const char* name = nullptr;
        const auto* data =
            static_cast<const std::uint8_t*>(fdt_getprop_by_offset(fdt(), property, &name, &size));
        const std::string_view key = name;
        if (key == "phandle" || key == "rng-seed" || key == "riscv,isa" || key == "riscv,isa-extensions")
            return;
        std::string text = where + " " + name + " =";
        if (is_text(data, size)) {
            text += " \"";
            for (int i = 0; i < size - 1; ++i) text += data[i] ? std::string(1, char(data[i])) : "\",\"";
            text += '"';
        } else {
            for (int i = 0; i < size / 4; ++i) text += " " + cell(key, i, data + 4 * i);
        }
        all.insert(text);
    }
    static bool is_text(const std::uint8_t* data, int size) {
        if (size < 2 || data[0] == 0 || data[size - 1] != 0) return false;
        return std::all_of(data, data + size, [](std::uint8_t c) { return c == 0 || (c >= 32 && c < 127); });
    }
    std::string cell(std::string_view key, int index, const std::uint8_t* data) const {
        const std::uint32_t value = fdt32_ld(reinterpret_cast<const fdt32_t*>(data));
        const bool reference = key == "interrupt-parent" || key == "regmap" || key == "cpu" ||
                               (key == "interrupts-extended" && index % 2 == 0) ||
                               (key == "interrupt-map" && index % 6 == 4);
        std::ostringstream text;
        if (reference) text << "&" << (handles_.contains(value) ? handles_.at(value) : "?");
        else text << std::hex << value;
        return text.str();
    }

    std::vector<std::uint8_t> bytes_;
    std::map<std::uint32_t, std::string> handles_;
};

std::vector<std::uint8_t> tree_of(BoardBench& board) {
    const std::uint64_t address = board.load(0x1020, 8);
    std::uint64_t size = 0;
    for (unsigned i = 0; i < 4; ++i) size = size << 8 | board.load(address + 4 + i, 1);
    return board.bytes(address, size);
}

std::set<std::string> expected(const char* file) {
    std::ifstream stream(std::string(std::getenv("BACKPLANE_SOURCE")) + "/tests/boards/riscv-virt/" + file);
    std::set<std::string> all;
    for (std::string line; std::getline(stream, line);) all.insert(line);
    return all;
}

void compare(const BoardOptions& options, const char* file) {
    BoardBench board(options);
    const std::set<std::string> found = Tree(tree_of(board)).lines();
    const std::set<std::string> wanted = expected(file);
    ASSERT_FALSE(wanted.empty());
    for (const std::string& line : wanted) EXPECT_TRUE(found.contains(line)) << "missing: " << line;
    for (const std::string& line : found) EXPECT_TRUE(wanted.contains(line)) << "too many: " << line;
}

TEST(RiscvVirtDeviceTree, OneHart) { compare(virt(), "riscv-virt.txt"); }
TEST(RiscvVirtDeviceTree, FourHartsOnTwoSockets) { compare(virt_smp4(), "riscv-virt-smp4.txt"); }
TEST(RiscvVirtDeviceTree, Aclint) { compare(virt({{"aclint", "on"}}), "riscv-virt-aclint.txt"); }

TEST(RiscvVirtDeviceTree, HartsSayWhatTheyExecute) {
    BoardBench board(virt());
    const std::vector<std::uint8_t> tree = tree_of(board);
    const int cpu = fdt_path_offset(tree.data(), "/cpus/cpu@0");
    const char* isa = static_cast<const char*>(fdt_getprop(tree.data(), cpu, "riscv,isa", nullptr));
    ASSERT_NE(isa, nullptr);
    EXPECT_EQ(std::string_view(isa).substr(0, 10), "rv64imafdc");
    const char* const extensions[] = {"i", "m", "a", "f", "d", "c"};
    for (int i = 0; i < int(std::size(extensions)); ++i)
        EXPECT_STREQ(fdt_stringlist_get(tree.data(), cpu, "riscv,isa-extensions", i, nullptr), extensions[i]);
}

TEST(RiscvVirtDeviceTree, EachStartHasASeedOfItsOwn) {
    BoardBench board(virt());
    const auto seed = [&board] {
        const std::vector<std::uint8_t> tree = tree_of(board);
        int size = 0;
        const void* data =
            fdt_getprop(tree.data(), fdt_path_offset(tree.data(), "/chosen"), "rng-seed", &size);
        EXPECT_EQ(size, 32);
        return std::string(static_cast<const char*>(data), std::size_t(size));
    };
    const std::string first = seed();
    board.machine().reset();
    EXPECT_NE(seed(), first);
}

TEST(RiscvVirtDeviceTree, TheCompilerOfDeviceTreesHasNoComplaint) {
    if (std::system("dtc --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "dtc is not installed";
    BoardBench board(virt_smp4());
    const std::vector<std::uint8_t> tree = tree_of(board);
    const std::string file = ::testing::TempDir() + "riscv-virt-test.dtb";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(tree.data()), std::streamsize(tree.size()));
    EXPECT_EQ(std::system(("dtc -q -I dtb -O dts -o /dev/null " + file).c_str()), 0);
    std::remove(file.c_str());
}

}  // namespace
}  // namespace backplane::testing
