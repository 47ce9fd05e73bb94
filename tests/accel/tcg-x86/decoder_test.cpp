// The decoder's tables against a disassembler of somebody else's: which bytes are an instruction, and how long it is.
#include "plugins/accel/tcg-x86/decoder/decoder.h"

#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <string>

namespace backplane::x86 {
namespace {

using Code = std::array<std::uint8_t, 15>;

class Bytes final : public ByteSource {
  public:
    explicit Bytes(const Code& code) : code_(code) {}
    std::uint8_t byte(unsigned offset) override { return code_[offset]; }
    bool failed() const override { return false; }

  private:
    const Code& code_;
};

struct Oracle {
    explicit Oracle(CodeSize size) {
        const ZydisMachineMode mode = size == CodeSize::Code64   ? ZYDIS_MACHINE_MODE_LONG_64
                                      : size == CodeSize::Code32 ? ZYDIS_MACHINE_MODE_LEGACY_32
                                                                 : ZYDIS_MACHINE_MODE_LEGACY_16;
        ZydisDecoderInit(&decoder, mode,
                         size == CodeSize::Code64   ? ZYDIS_STACK_WIDTH_64
                         : size == CodeSize::Code32 ? ZYDIS_STACK_WIDTH_32
                                                    : ZYDIS_STACK_WIDTH_16);
        // What this project does not execute, or what only some processors have.
        for (const auto mode_off : {ZYDIS_DECODER_MODE_KNC, ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET,
                                    ZYDIS_DECODER_MODE_CLDEMOTE})
            ZydisDecoderEnableMode(&decoder, mode_off, ZYAN_FALSE);
    }
    ZydisDecoder decoder;
};

/// Extensions that are neither executed nor advertised: their opcodes are undefined here.
bool left_out(const ZydisDecodedInstruction& i) {
    static const std::set<std::string> kLeftOut = {"AMD3DNOW",
                                                   "AMX_BF16",
                                                   "AMX_FP16",
                                                   "AMX_INT8",
                                                   "AMX_TILE",
                                                   "AVX_IFMA",
                                                   "AVX_NE_CONVERT",
                                                   "AVX_VNNI",
                                                   "AVX_VNNI_INT8",
                                                   "CET",
                                                   "CLDEMOTE",
                                                   "CLZERO",
                                                   "CMPCCXADD",
                                                   "ENQCMD",
                                                   "FMA4",
                                                   "GFNI",
                                                   "HRESET",
                                                   "INVLPGB",
                                                   "KEYLOCKER",
                                                   "KEYLOCKER_WIDE",
                                                   "KNC",
                                                   "KNCE",
                                                   "KNCV",
                                                   "LWP",
                                                   "MCOMMIT",
                                                   "MONITORX",
                                                   "MOVDIR",
                                                   "MPX",
                                                   "MSRLIST",
                                                   "PADLOCK",
                                                   "PCONFIG",
                                                   "PT",
                                                   "PTWRITE",
                                                   "RAO_INT",
                                                   "RDPRU",
                                                   "RTM",
                                                   "SERIALIZE",
                                                   "SGX",
                                                   "SMX",
                                                   "SNP",
                                                   "SVM",
                                                   "TBM",
                                                   "TDX",
                                                   "TSX_LDTRK",
                                                   "UINTR",
                                                   "VMFUNC",
                                                   "VTX",
                                                   "WAITPKG",
                                                   "WRMSRNS",
                                                   "XOP"};
    const std::string extension = ZydisISAExtGetString(i.meta.isa_ext);
    if (kLeftOut.count(extension) || extension.find("AVX512") != std::string::npos) return true;
    return i.mnemonic == ZYDIS_MNEMONIC_UD0 || i.mnemonic == ZYDIS_MNEMONIC_UD1 ||
           i.mnemonic == ZYDIS_MNEMONIC_UD2;
}

std::string text(const Code& code, CodeSize size) {
    std::string all = size == CodeSize::Code64 ? "64:" : size == CodeSize::Code32 ? "32:" : "16:";
    char digits[4];
    for (const std::uint8_t byte : code) {
        std::snprintf(digits, sizeof digits, " %02x", byte);
        all += digits;
    }
    return all;
}

class Comparison {
  public:
    /// What the oracle knows to be an instruction must be one of the same length.
    void compare(const Code& code, CodeSize size, const ZydisDecoder& decoder) {
        ZydisDecodedInstruction theirs;
        const ZyanStatus status =
            ZydisDecoderDecodeInstruction(&decoder, nullptr, code.data(), code.size(), &theirs);
        Bytes bytes(code);
        const Instruction ours = decode(bytes, size);
        const bool undefined =
            ours.operation() == Operation::Undefined || ours.operation() == Operation::TooLong;
        if (ZYAN_SUCCESS(status) && !left_out(theirs)) {
            ++compared_;
            if (!undefined && ours.length == theirs.length) return;
            if (!reported_.insert(theirs.mnemonic).second) return;
            report(code, size,
                   std::string(ZydisMnemonicGetString(theirs.mnemonic)) + " " +
                       ZydisISAExtGetString(theirs.meta.isa_ext) + " of " + std::to_string(theirs.length) +
                       ", here " + (undefined ? "undefined" : std::to_string(ours.length)));
        }
    }
    void report(const Code& code, CodeSize size, const std::string& what) {
        ++failures_;
        ADD_FAILURE() << text(code, size) << ": " << what;
    }
    unsigned compared_ = 0, failures_ = 0;

  private:
    std::set<ZydisMnemonic> reported_;  ///< one of each is enough to read
};

constexpr CodeSize kSizes[] = {CodeSize::Code16, CodeSize::Code32, CodeSize::Code64};

/// Every opcode of every map with every ModRM byte and each prefix that may be a part of the opcode.
TEST(X86Decoder, EveryOpcodeHasItsLength) {
    Comparison comparison;
    for (const CodeSize size : kSizes) {
        const Oracle oracle(size);
        for (const std::initializer_list<std::uint8_t> prefixes :
             {std::initializer_list<std::uint8_t>{}, {0x66}, {0xf3}, {0xf2}, {0x67}, {0x48}, {0x66, 0x48}}) {
            if (size != CodeSize::Code64 && prefixes.size() && *(prefixes.end() - 1) == 0x48) continue;
            for (unsigned map = 0; map < 4; ++map)
                for (unsigned opcode = 0; opcode < 256; ++opcode)
                    for (unsigned modrm = 0; modrm < 256; ++modrm) {
                        Code code{};
                        code.fill(0x25);
                        std::size_t at = 0;
                        for (const std::uint8_t byte : prefixes) code[at++] = byte;
                        if (map >= 1) code[at++] = 0x0f;
                        if (map >= 2) code[at++] = map == 2 ? 0x38 : 0x3a;
                        code[at++] = std::uint8_t(opcode);
                        code[at++] = std::uint8_t(modrm);
                        comparison.compare(code, size, oracle.decoder);
                    }
        }
    }
    EXPECT_GT(comparison.compared_, 1'000'000u);
    EXPECT_EQ(comparison.failures_, 0u);
}

/// The same for VEX, with both lengths of its prefix.
TEST(X86Decoder, EveryVexOpcodeHasItsLength) {
    Comparison comparison;
    for (const CodeSize size : kSizes) {
        const Oracle oracle(size);
        for (unsigned last = 0; last < 256; ++last)
            for (unsigned map = 1; map < 4; ++map)
                for (unsigned opcode = 0; opcode < 256; ++opcode)
                    for (const unsigned modrm : {0x05u, 0x44u, 0x91u, 0xc1u, 0xcau, 0xd3u, 0xdcu, 0xf8u}) {
                        Code code{0xc4, std::uint8_t(0xe0 | map), std::uint8_t(last), std::uint8_t(opcode),
                                  std::uint8_t(modrm)};
                        comparison.compare(code, size, oracle.decoder);
                    }
    }
    EXPECT_GT(comparison.compared_, 100'000u);
    EXPECT_EQ(comparison.failures_, 0u);
}

/// Bytes at random, with more prefixes than chance would give.
TEST(X86Decoder, RandomBytesHaveTheirLength) {
    Comparison comparison;
    std::mt19937 random(7);
    constexpr std::uint8_t kPrefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x65, 0x48, 0x41, 0x0f};
    for (const CodeSize size : kSizes) {
        const Oracle oracle(size);
        for (unsigned n = 0; n < 400'000; ++n) {
            Code code;
            for (std::uint8_t& byte : code) byte = std::uint8_t(random());
            for (unsigned at = 0; at < random() % 5; ++at)
                code[at] = kPrefixes[random() % std::size(kPrefixes)];
            comparison.compare(code, size, oracle.decoder);
        }
    }
    EXPECT_EQ(comparison.failures_, 0u);
}

}  // namespace
}  // namespace backplane::x86
