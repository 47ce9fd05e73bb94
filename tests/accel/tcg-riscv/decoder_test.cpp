// The decoder's table and the disassembler, against objdump and the manual's words.
#include "plugins/accel/tcg-riscv/decoder/decoder.h"
#include "plugins/accel/tcg-riscv/disassembler/disassembler.h"
#include "plugins/accel/tcg-riscv/privileged/privileged.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace backplane::riscv {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

/// One encoding of a row, its fields at random but for what objdump takes more strictly than a hart does: ignored bits
/// are 0, as is the rounding mode of exact conversions.
std::uint32_t sample(const Row& row, std::mt19937& random) {
    std::uint32_t bits = 0;
    for (const char letter : row.encoding) {
        std::uint32_t bit = random() & 1;
        if (letter == '0' || letter == '1') bit = letter == '1';
        if (letter == '-' || (letter == 'm' && row.operands.back() == 'n')) bit = 0;
        bits = bits << 1 | bit;
    }
    return bits;
}

/// Where a hart has no such register, where objdump knows an encoding under another name, or where two rows share it.
bool comparable(const Row& row, const Instruction& instruction) {
    if (row.opcode == Opcode::ILLEGAL || rows()[instruction.row].mnemonic != row.mnemonic) return false;
    if (row.has(Field::Csr)) return csr_name(instruction.csr).find("0x") == std::string::npos;
    if (row.mnemonic == "c.nop") return false;
    const bool shift = row.operands.ends_with('h');
    return !(shift && instruction.length == 2 && instruction.immediate == 0);
}

std::string squeezed(const std::string& line) {
    std::istringstream words(line);
    std::string word, result;
    while (words >> word && word != "#" && word[0] != '<') result += (result.empty() ? "" : " ") + word;
    return result;
}

class Objdump : public ::testing::Test {
  protected:
    void SetUp() override {
        if (std::system("command -v riscv64-linux-gnu-objdump > /dev/null") != 0)
            GTEST_SKIP() << "needs riscv64-linux-gnu-objdump";
        char name[] = "/tmp/backplane-decoder-XXXXXX";
        folder_ = mkdtemp(name);
    }
    void TearDown() override {
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }
    /// What objdump prints for the encodings, one after another from address 0.
    std::vector<std::string> disassembled(const std::vector<Instruction>& code) {
        const std::string source = folder_ / "code.s", object = folder_ / "code.o";
        std::ofstream file(source);
        for (const Instruction& i : code) file << ".insn " << unsigned{i.length} << ", " << i.bits << "\n";
        file.close();
        const std::string command =
            "riscv64-linux-gnu-as -march=rv64gc_zba_zbb_zbc_zbs_zicsr_zifencei_zihintpause_svinval " +
            source + " -o " + object + " && riscv64-linux-gnu-objdump -d -z -M no-aliases " + object;
        FILE* const pipe = popen(command.c_str(), "r");
        std::vector<std::string> lines;
        char line[512];
        while (pipe && fgets(line, sizeof line, pipe)) {
            unsigned long address = 0;
            unsigned bits = 0;
            int at = 0;
            if (sscanf(line, " %lx: %x %n", &address, &bits, &at) == 2 && at != 0)
                lines.push_back(squeezed(line + at));
        }
        if (pipe) pclose(pipe);
        return lines;
    }
    std::filesystem::path folder_;
};

TEST_F(Objdump, ReadsEveryRowAlike) {
    std::mt19937 random(1);
    std::vector<Instruction> code;
    for (const Row& row : rows()) {
        for (unsigned i = 0; i < 25; ++i) {
            const Instruction instruction = decode(sample(row, random), kAll);
            if (comparable(row, instruction)) code.push_back(instruction);
        }
    }
    const std::vector<std::string> lines = disassembled(code);
    ASSERT_EQ(lines.size(), code.size());
    std::uint64_t pc = 0;
    for (std::size_t i = 0; i < code.size(); ++i) {
        const std::string ours = squeezed(disassemble(code[i], pc));
        // Targets stand there without 0x.
        const std::size_t target = lines[i].find_last_of(", ") + 1;
        const std::string prefixed = lines[i].substr(0, target) + "0x" + lines[i].substr(target);
        EXPECT_TRUE(ours == lines[i] || ours == prefixed) << ours << " should be " << lines[i];
        pc += code[i].length;
    }
}

/// Reserved encodings may cut across others, and come first.
TEST(Table, RowsThatBothMatchStandWithTheNarrowerFirst) {
    const auto all = rows();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].opcode == Opcode::ILLEGAL) continue;
        for (std::size_t j = i + 1; j < all.size(); ++j) {
            if (all[i].encoding.size() != all[j].encoding.size()) continue;
            const std::uint32_t common = all[i].mask & all[j].mask;
            if (((all[i].value ^ all[j].value) & common) != 0) continue;
            EXPECT_EQ(all[j].mask & ~all[i].mask, 0u) << all[i].mnemonic << " and " << all[j].mnemonic;
        }
    }
}

TEST(Decoder, RefusesWhatTheHartLacks) {
    EXPECT_EQ(decode(0x02c58533, kAll).opcode, Opcode::MUL);
    EXPECT_EQ(decode(0x02c58533, kAll & ~bit(Extension::M)).opcode, Opcode::ILLEGAL);
}

TEST(Decoder, NeedsDoublesForCompressedDoubles) {
    EXPECT_EQ(decode(0x2188, kAll).opcode, Opcode::FLD);
    EXPECT_EQ(decode(0x2188, kAll & ~bit(Extension::D)).opcode, Opcode::ILLEGAL);
}

TEST(Decoder, TakesAPauseWithoutItsExtensionForAFence) {
    EXPECT_EQ(decode(0x0100000f, kAll).opcode, Opcode::PAUSE);
    EXPECT_EQ(decode(0x0100000f, kAll & ~bit(Extension::Zihintpause)).opcode, Opcode::FENCE);
}

TEST(Decoder, TakesZeroAndOnesForIllegal) {
    EXPECT_EQ(decode(0, kAll).opcode, Opcode::ILLEGAL);
    EXPECT_EQ(decode(0xffffffff, kAll).opcode, Opcode::ILLEGAL);
}

TEST(Decoder, RefusesReservedCompressedEncodings) {
    EXPECT_EQ(decode(0x2001, kAll).opcode, Opcode::ILLEGAL) << "c.addiw with rd = 0";
    EXPECT_EQ(decode(0x6101, kAll).opcode, Opcode::ILLEGAL) << "c.addi16sp of 0";
    EXPECT_EQ(decode(0x6581, kAll).opcode, Opcode::ILLEGAL) << "c.lui of 0";
    EXPECT_EQ(decode(0x4002, kAll).opcode, Opcode::ILLEGAL) << "c.lwsp with rd = 0";
    EXPECT_EQ(decode(0x8002, kAll).opcode, Opcode::ILLEGAL) << "c.jr with rs1 = 0";
    EXPECT_EQ(decode(0x0004, kAll).opcode, Opcode::ILLEGAL) << "c.addi4spn of 0";
}

TEST(Decoder, KeepsTheBitsThatWereFetched) {
    EXPECT_EQ(decode(0xffff4505, kAll).bits, 0x4505u);
    EXPECT_EQ(decode(0x00a5a5a3, kAll).bits, 0x00a5a5a3u);
}

}  // namespace
}  // namespace backplane::riscv
