#include "random_code.h"

#include <iterator>

namespace backplane::x86::testing {

namespace {

constexpr std::uint64_t kFloats[] = {0,
                                     0x8000000000000000,
                                     0x3ff0000000000000,
                                     0xbff0000000000000,
                                     0x7ff0000000000000,
                                     0x7ff8000000000001,
                                     0x7ff4000000000000,
                                     0x0000000000000001,
                                     0x000fffffffffffff,
                                     0x7fefffffffffffff,
                                     0x3f8000003f800000,
                                     0x7f800000ff800000,
                                     0x7fa0000000000001,
                                     0x43e0000000000000,
                                     0x41dfffffffc00000};

// Opcodes that compilers use, with any ModRM.
constexpr std::uint8_t kOneByte[] = {0x00, 0x01, 0x03, 0x08, 0x09, 0x0b, 0x11, 0x13, 0x19, 0x1b, 0x20,
                                     0x21, 0x23, 0x28, 0x29, 0x2b, 0x30, 0x31, 0x33, 0x38, 0x39, 0x3b,
                                     0x3c, 0x63, 0x69, 0x6b, 0x80, 0x81, 0x83, 0x84, 0x85, 0x87, 0x88,
                                     0x89, 0x8a, 0x8b, 0x8d, 0x98, 0x99, 0xa8, 0xa9, 0xb8, 0xc0, 0xc1,
                                     0xc7, 0xd1, 0xd3, 0xf6, 0xf7, 0xfe, 0xff, 0x50, 0x58, 0xa4, 0xab};
constexpr std::uint8_t kMap0f[] = {
    0x40, 0x42, 0x44, 0x48, 0x4c, 0x4f, 0x90, 0x92, 0x94, 0x97, 0x9c, 0x9f, 0xa3, 0xa4, 0xa5,
    0xab, 0xac, 0xaf, 0xb1, 0xb6, 0xb7, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, 0xc1, 0xc8, 0x10,
    0x11, 0x12, 0x14, 0x16, 0x28, 0x29, 0x2a, 0x2c, 0x2d, 0x2e, 0x2f, 0x51, 0x54, 0x57, 0x58,
    0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x62, 0x66, 0x6c, 0x6e, 0x6f, 0x70, 0x72,
    0x73, 0x74, 0x7e, 0x7f, 0xc2, 0xc6, 0xd4, 0xd6, 0xd7, 0xe6, 0xef, 0xf4, 0xfa, 0xfe};

}  // namespace

bool comparable(const Instruction& i) {
    const bool relative = i.has_memory() && i.mod() == 0 && (i.modrm & 7) == 5;
    if (relative || i.segment >= kFs) return false;
    switch (i.operation()) {
    case Operation::Template:
        // RDRAND, RDSEED.
        return !(i.map == 1 && i.opcode == 0xc7 && i.modrm >= 0xc0);
    case Operation::VectorTemplate:
    case Operation::MmxTemplate:
    case Operation::X87:
    case Operation::BitMemory:
    case Operation::Undefined:
    case Operation::MoveOffset:
    case Operation::Lea:
    case Operation::Push:
    case Operation::PushImmediate:
    case Operation::Pop:
    case Operation::Enter:
    case Operation::Leave:
    case Operation::Divide:
    case Operation::Xlat:
    case Operation::LoadFlags:
    case Operation::StoreFlags:
    case Operation::ChangeFlag:
    case Operation::Movs:
    case Operation::Cmps:
    case Operation::Stos:
    case Operation::Lods:
    case Operation::Scas:
    case Operation::Maskmov:
    case Operation::VectorMaskmov:
    case Operation::Gather:
    case Operation::ZeroUpper:
    case Operation::LoadMxcsr:
    case Operation::StoreMxcsr:
    case Operation::Fence:
    case Operation::Wait:
    case Operation::Halt:
    case Operation::Cli:
    case Operation::ReadMsr:
    case Operation::WriteMsr: return true;
    default: return false;
    }
}

bool comparable_in_sequence(const Instruction& i) {
    switch (i.operation()) {
    case Operation::Undefined:
    case Operation::Divide:
    case Operation::Maskmov:
    case Operation::Halt:
    case Operation::Cli:
    case Operation::ReadMsr:
    case Operation::WriteMsr: return false;
    // FNSTENV, FNSAVE: where the last instruction was.
    case Operation::X87:
        return !(i.has_memory() && (i.opcode & 0xfb) == 0xd9 && i.extension() == 6) && comparable(i);
    // CVTPI2PS and its like: processors differ in what they do to the x87 when they raise.
    case Operation::MmxTemplate: return !i.row().has(row_flag::kFloat) && comparable(i);
    default: return comparable(i);
    }
}

std::uint64_t RandomCode::interesting() {
    static constexpr std::uint64_t kEdges[] = {0,
                                               1,
                                               2,
                                               3,
                                               7,
                                               8,
                                               0x7f,
                                               0x80,
                                               0xff,
                                               0x100,
                                               0x7fff,
                                               0x8000,
                                               0xffff,
                                               0x7fffffff,
                                               0x80000000,
                                               0xffffffff,
                                               0x100000000,
                                               0x7fffffffffffffff,
                                               0x8000000000000000,
                                               ~std::uint64_t{0}};
    switch (random_() % 8) {
    case 0:
    case 1: return kEdges[random_() % std::size(kEdges)];
    case 2: return random_();
    case 3: return random_() & 0xffffffff;
    case 4: return 0 - (random_() & 0xff);
    default: return kMemoryBase + kMemorySize / 2 + (random_() % 512) * (random_() & 1 ? 1 : 16);
    }
}

void RandomCode::any(std::uint8_t (&code)[16]) {
    for (unsigned n = 0; n < 16; ++n) code[n] = std::uint8_t(random_());
    static constexpr std::uint8_t kPrefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x48, 0x41, 0x4c};
    unsigned at = 0;
    while (random_() % 3 == 0 && at < 3) code[at++] = kPrefixes[random_() % std::size(kPrefixes)];
    switch (random_() % 6) {
    case 0:
    case 1: code[at] = 0x0f; break;
    case 2:
        code[at] = 0x0f;
        code[at + 1] = random_() & 1 ? 0x38 : 0x3a;
        break;
    case 3:
        at = 0;
        code[at] = 0xc4;
        code[at + 1] = std::uint8_t((random_() & 0xe0) | (1 + random_() % 3));
        break;
    case 4: code[at] = std::uint8_t(0xd8 + random_() % 8); break;
    default: break;
    }
}

void RandomCode::usual(std::uint8_t (&code)[16]) {
    for (std::uint8_t& byte : code) byte = std::uint8_t(random_());
    if (random_() % 8 == 0) return computing(code);
    static constexpr std::uint8_t kPrefixes[] = {0x66, 0xf2, 0xf3};
    unsigned at = 0;
    const bool two = random_() % 2;
    if (random_() % (two ? 2 : 5) == 0) code[at++] = kPrefixes[random_() % (two ? 3 : 1)];
    if (random_() % 2) code[at++] = std::uint8_t(0x40 + random_() % 16);
    if (two) code[at++] = 0x0f;
    code[at] = two ? kMap0f[random_() % std::size(kMap0f)] : kOneByte[random_() % std::size(kOneByte)];
    // An operand in memory is where a register points to, or near.
    if (random_() % 4 == 0) code[at + 1] |= 0xc0;
    else if (random_() % 2) code[at + 1] &= 0x3f;
}

void RandomCode::computing(std::uint8_t (&code)[16]) {
    static constexpr std::uint8_t kMmx[] = {0x60, 0x63, 0x64, 0x67, 0x68, 0x6b, 0x6e, 0x6f, 0x70, 0x71,
                                            0x73, 0x74, 0x76, 0x77, 0x7e, 0x7f, 0xc4, 0xc5, 0xd1, 0xd4,
                                            0xd5, 0xd7, 0xda, 0xe4, 0xe5, 0xeb, 0xef, 0xf4, 0xf6, 0xfe};
    // BLENDVPS and its like, SHA256RNDS2, PCMPESTRM to PCMPISTRI.
    static constexpr std::uint8_t kImplicit[][2] = {{0x38, 0x10}, {0x38, 0x14}, {0x38, 0x15}, {0x38, 0xcb},
                                                    {0x3a, 0x60}, {0x3a, 0x61}, {0x3a, 0x62}, {0x3a, 0x63}};
    unsigned at = 0;
    switch (random_() % 6) {
    case 0:
    case 1:
        code[at++] = 0x0f;
        code[at++] = kMmx[random_() % std::size(kMmx)];
        break;
    case 2: {
        const auto& [map, opcode] = kImplicit[random_() % std::size(kImplicit)];
        if (opcode != 0xcb) code[at++] = 0x66;
        if (random_() % 2) code[at++] = std::uint8_t(0x40 + random_() % 16);
        code[at++] = 0x0f;
        code[at++] = map;
        code[at++] = opcode;
        break;
    }
    case 3:  // VBLENDVPS, VBLENDVPD, VPBLENDVB
        code[at++] = 0xc4;
        code[at++] = std::uint8_t((random_() & 0xe0) | 3);
        code[at++] = std::uint8_t((random_() & 0x7c) | 1);
        code[at++] = std::uint8_t(0x4a + random_() % 3);
        break;
    default: code[at++] = std::uint8_t(0xd8 + random_() % 8); break;
    }
    // An operand in memory is where a register points to, or near.
    if (random_() % 2 == 0) code[at] |= 0xc0;
    else if (random_() % 2) code[at] &= 0x3f;
}

void RandomCode::fill(std::uint8_t* to, std::size_t size) {
    for (std::size_t n = 0; n < size; n += 8) {
        const std::uint64_t value = random_() & 1 ? kFloats[random_() % std::size(kFloats)] : interesting();
        std::memcpy(to + n, &value, 8);
    }
}

void RandomCode::state(UserState& s) {
    for (std::uint64_t& value : s.gpr) value = interesting();
    if (random_() & 7) s.gpr[kRcx] = random_() % 40;  // counts
    if (random_() & 7) s.gpr[kRsp] = kMemoryBase + kMemorySize / 2 + 8 * (random_() % 64);
    s.flags = (random_() & (kArithmeticFlags | (random_() % 4 ? 0 : rflags::kDirection))) | rflags::kOne |
              rflags::kInterrupt;
    std::memset(s.area, 0, sizeof s.area);
    const std::uint16_t control = random_() % 3 ? 0x37f : std::uint16_t((random_() & 0xf3f) | 0x40);
    const std::uint16_t status = std::uint16_t(random_() & 0x4700);
    const std::uint8_t tags = std::uint8_t(random_());
    const std::uint32_t mxcsr =
        std::uint32_t(0x1f80 | (random_() & 0xe07f)) & (random_() % 3 ? ~0u : ~0x1f80u);
    std::memcpy(s.area, &control, 2);
    std::memcpy(s.area + 2, &status, 2);
    std::memcpy(s.area + 4, &tags, 1);
    std::memcpy(s.area + kMxcsrOffset, &mxcsr, 4);
    for (unsigned n = 0; n < 8; ++n) {
        fill(s.area + 32 + 16 * n, 8);
        const std::uint16_t exponent = std::uint16_t(random_() & 1 ? 0x3ff0 + random_() % 32 : random_());
        std::memcpy(s.area + 32 + 16 * n + 8, &exponent, 2);
        if (random_() % 3) s.area[32 + 16 * n + 7] |= 0x80;
    }
    fill(s.vectors[0], sizeof s.vectors);
    for (unsigned n = 0; n < 16; ++n) std::memcpy(s.area + kVectorOffset + 16 * n, s.vectors[n], 16);
    fill(s.memory.data() + UserState::kUsedFrom, UserState::kUsed);
}

}  // namespace backplane::x86::testing
