// Every instruction of the table on random and edge operands, against a user-mode emulator: the same program runs there,
// on the yardstick interpreter, and on a whole machine under the translator. Needs the cross compiler and the oracle;
// where one is missing the test says so and is skipped.
#include "interpreter.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace backplane::riscv {
namespace {

constexpr const char* kOracle = "qemu-riscv64-static";

std::string output_of(const std::string& command) {
    std::string text;
    FILE* const pipe = popen(command.c_str(), "r");
    if (!pipe) return text;
    char buffer[4096];
    for (std::size_t got = 0; (got = fread(buffer, 1, sizeof buffer, pipe)) != 0;) text.append(buffer, got);
    pclose(pipe);
    return text;
}

bool available(const std::string& program) {
    return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
}

std::string file_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The first differences, each with the name of the test that it stands in.
std::string differences(const std::string& expected, const std::string& found) {
    std::istringstream left(expected), right(found);
    std::string name, a, b, report;
    unsigned row = 0, count = 0;
    while (std::getline(left, a)) {
        if (!std::getline(right, b)) b = "(nothing)";
        if (!a.empty() && a.back() == ':') {
            name = a;
            row = 0;
        } else {
            ++row;
        }
        if (a == b || a + "\r" == b) continue;
        if (++count <= 20) report += name + " row " + std::to_string(row) + ": " + a + ", found " + b + "\n";
    }
    return count == 0 ? "" : report + std::to_string(count) + " lines differ";
}

/// Makes the program once for all tests.
class Instructions : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (!available("riscv64-linux-gnu-gcc") || !available(kOracle) || !available("python3")) return;
        const char* const source = std::getenv("BACKPLANE_SOURCE");
        char name[] = "/tmp/backplane-instructions-XXXXXX";
        folder_ = mkdtemp(name);
        const std::string root = source ? source : ".";
        const std::string here = root + "/tests/accel/tcg-riscv";
        const std::string build = here + "/assemble.sh " + here + " " + root +
                                  "/plugins/accel/tcg-riscv/decoder " + folder_.string();
        if (std::system(build.c_str()) != 0) return;
        expected_ = output_of(std::string(kOracle) + " " + (folder_ / "instructions").string());
    }
    static void TearDownTestSuite() {
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }
    void SetUp() override {
        if (folder_.empty()) GTEST_SKIP() << "needs riscv64-linux-gnu-gcc, " << kOracle << " and python3";
        ASSERT_TRUE(expected_.ends_with("done\n")) << "the oracle did not get through";
    }

    static inline std::filesystem::path folder_;
    static inline std::string expected_;
};

TEST_F(Instructions, MeanWhatTheOracleSays) {
    testing::Interpreter machine(16u << 20);
    const std::string program = file_text(folder_ / "instructions.bin");
    std::copy(program.begin(), program.end(), machine.ram().begin());
    machine.run(400'000'000);
    EXPECT_EQ(differences(expected_, machine.console()), "");
}

TEST_F(Instructions, RunUnderTheTranslator) {
    const char* const binary = std::getenv("BACKPLANE_BINARY");
    if (!binary || !std::filesystem::exists(binary)) GTEST_SKIP() << "the program backplane was not built";
    const std::string found =
        output_of(std::string("timeout 100 ") + binary +
                  " -M virt -accel tcg -m 64M -display none -serial stdio -monitor none -bios " +
                  (folder_ / "instructions.bin").string() + " < /dev/null");
    EXPECT_EQ(differences(expected_, found), "");
}

}  // namespace
}  // namespace backplane::riscv
