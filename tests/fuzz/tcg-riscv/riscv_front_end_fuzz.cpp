// Fuzzes the RISC-V front end: the input is a hart's features and code. Each instruction is decoded, printed and
// translated; the result must be well-formed, and is then executed by the yardstick interpreter. Of its own it
// makes code that is biased to the table's rows.
#include "plugins/accel/tcg-riscv/decoder/decoder.h"
#include "plugins/accel/tcg-riscv/disassembler/disassembler.h"
#include "tests/accel/tcg-riscv/interpreter.h"
#include "tests/fuzz/fuzz.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace backplane::riscv {
namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "riscv_front_end_fuzz: %s\n", what);
    std::abort();
}

struct Shape {
    bool result = false;
    unsigned inputs = 0;
};
constexpr Shape kShapes[] = {
#define X(name, klass, result, inputs, shape) {result != 0, inputs},
#include <backplane/draft/tcg/ir_table.inc>
};

/// One instruction's code, in reach of the reader.
class OneInstruction final : public tcg::CodeReader {
  public:
    OneInstruction(std::uint64_t pc, const std::uint8_t* bytes) {
        page_start_ = pc;
        page_ = bytes;
        page_size_ = 4;
    }

  protected:
    std::uint32_t fetch_slow(std::uint64_t, unsigned) override {
        failed_ = true;
        return 0;
    }
};

/// A block that an emitter can take: values exist, temps are written before they are read (in the order of the ops, which
/// branches only skip), labels are placed once and ahead of every branch to them, calls are in the list.
void check_block(const tcg::Block& block, std::size_t registers) {
    std::vector<bool> written(block.temps), placed(block.labels);
    const auto check_input = [&](tcg::Value v) {
        require(!v.none(), "an input is missing");
        if (v.is_constant())
            return require(v.index() < block.constants.size(), "a constant that is not there");
        if (v.is_temp())
            return require(v.index() < block.temps && written[v.index()], "a temp without a value");
        require(v.index() < registers && v.index() != 0, "a register that does not exist");
    };
    for (const tcg::Op& op : block.ops) {
        const Shape shape = kShapes[static_cast<std::size_t>(op.opcode)];
        const tcg::Value inputs[] = {op.a, op.b, op.c, op.d};
        for (unsigned i = 0; i < shape.inputs; ++i) check_input(inputs[i]);
        if (op.opcode == tcg::Opcode::call) {
            require(static_cast<std::size_t>(op.imm) < block.calls.size(), "a call that is not there");
            const tcg::Call& call = block.calls[static_cast<std::size_t>(op.imm)];
            for (unsigned i = 0; i < call.count; ++i) check_input(call.arguments[i]);
        }
        const bool jumps = op.opcode == tcg::Opcode::br || op.opcode == tcg::Opcode::brcond;
        if (jumps) require(!placed.at(static_cast<std::size_t>(op.imm)), "a branch backwards");
        if (op.opcode == tcg::Opcode::label) {
            require(!placed.at(static_cast<std::size_t>(op.imm)), "a label placed twice");
            placed[static_cast<std::size_t>(op.imm)] = true;
        }
        if (!shape.result || op.dst.none()) continue;
        require(!op.dst.is_constant(), "a result in a constant");
        if (op.dst.is_temp()) written.at(op.dst.index()) = true;
        if (op.dst.is_register()) require(op.dst.index() < registers && op.dst.index() != 0, "x0 is written");
    }
    for (const bool label : placed) require(label, "a label that is nowhere");
}

void check_instruction(const HartState& hart, const std::uint8_t* bytes, std::uint32_t flags) {
    constexpr std::uint64_t kPc = testing::kRamBase;
    const RiscvFrontEnd front_end;
    OneInstruction code(kPc, bytes);
    tcg::Block block;
    tcg::Builder builder(block);
    tcg::UnitTranslation unit;
    unit.state = &hart;
    unit.key = {kPc, flags, kMmuMachine, kMmuMachine};
    unit.code = &code;
    unit.pc = kPc;
    const tcg::Translated outcome = front_end.translate(builder, unit);
    require(outcome != tcg::Translated::FetchFailed, "a fetch failed inside of the page");
    require(unit.size == 2 || unit.size == 4, "a size that no instruction has");
    if (outcome == tcg::Translated::Next) builder.goto_pc(kPc + unit.size);
    require(!block.ops.empty() && block.ops.back().opcode >= tcg::Opcode::goto_pc &&
                block.ops.back().opcode <= tcg::Opcode::leave,
            "a path without an exit");
    check_block(block, front_end.description().registers.size);

    std::uint32_t bits = 0;
    std::memcpy(&bits, bytes, 4);
    const Instruction instruction = decode(bits, hart.extensions);
    require(instruction.length == unit.size, "decoder and translator differ in the size");
    require(instruction.rd < 32 && instruction.rs1 < 32 && instruction.rs2 < 32 && instruction.rs3 < 32,
            "a register number out of range");
    require(!disassemble(instruction, kPc).empty(), "nothing to print");
}

void run_input(const std::uint8_t* data, std::size_t size) {
    if (size < 16) return;
    testing::Interpreter machine(0x4000);
    HartState& hart = machine.hart();
    std::uint64_t header[2];
    std::memcpy(header, data, sizeof header);
    hart.extensions &= header[0] | bit(Extension::Zicsr);
    hart.mstatus = header[1] & mstatus::kFs;
    hart.frm = header[1] & 7;
    hart.mtvec = testing::kRamBase + 0x40;
    for (unsigned i = 1; i < 32; ++i) hart.x[i] = testing::kRamBase + (header[1] >> (i % 16)) % 0x3000;
    data += 16;
    size = std::min<std::size_t>(size - 16, 0x3000);
    std::memcpy(machine.ram().data(), data, size);
    for (std::size_t at = 0; at + 4 <= size; at += 2)
        check_instruction(hart, data + at, static_cast<std::uint32_t>(header[1] >> 32 & 0x3ff));
    machine.run(200);
    require(hart.x[0] == 0, "x0 is not zero");
}

std::vector<std::uint8_t> random_input(std::mt19937& random) {
    std::vector<std::uint8_t> input(16);
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random() % 4 ? 0xff : random());
    for (unsigned i = 0; i < 200; ++i) {
        const Row& row = rows()[random() % rows().size()];
        std::uint32_t bits = 0;
        for (const char letter : row.encoding)
            bits = bits << 1 | (letter == '0' || letter == '1' ? letter == '1' : random() & 1);
        if (random() % 8 == 0) bits ^= 1u << random() % row.encoding.size();
        for (std::size_t byte = 0; byte < row.encoding.size() / 8; ++byte)
            input.push_back(static_cast<std::uint8_t>(bits >> 8 * byte));
    }
    return input;
}

}  // namespace
}  // namespace backplane::riscv

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    backplane::riscv::run_input(data, size);
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 3000;

FuzzInput fuzz_input(std::mt19937& random, unsigned) { return riscv::random_input(random); }

}  // namespace backplane::test
