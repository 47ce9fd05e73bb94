#include "ir_verify.h"

#include "ir_rows.h"
#include "text.h"

#include <string_view>
#include <vector>

namespace backplane::tcg {

namespace {

bool ends_path(Opcode op) {
    return op == Opcode::goto_pc || op == Opcode::goto_value || op == Opcode::leave || op == Opcode::br;
}

}  // namespace

std::string verify(const Block& block, const GuestDescription& guest) {
    std::vector<bool> written(block.temps), placed(block.labels), used(block.labels);
    std::vector<std::size_t> last(block.temps);
    const auto each_input = [&](const Op& op, auto visit) {
        const Value inputs[] = {op.a, op.b, op.c, op.d};
        for (unsigned i = 0; i < kIrRows[std::size_t(op.opcode)].inputs; ++i) visit(inputs[i]);
        if (op.opcode == Opcode::call)
            for (unsigned i = 0; i < block.calls[std::size_t(op.imm)].count; ++i)
                visit(block.calls[std::size_t(op.imm)].arguments[i]);
    };
    std::string wrong;
    const auto in_range = [&](Value v) {
        return v.is_register() ? v.index() < guest.registers.size
               : v.is_temp()   ? v.index() < block.temps
                               : v.is_constant() && v.index() < block.constants.size();
    };
    for (std::size_t i = 0; i < block.ops.size() && wrong.empty(); ++i) {
        const Op& op = block.ops[i];
        const IrRow& row = kIrRows[std::size_t(op.opcode)];
        const auto fail = [&](const char* what) { wrong = text("op %zu (%s): %s", i, row.name, what); };
        each_input(op, [&](Value v) {
            if (!in_range(v)) return fail("an input is missing or unknown");
            if (!v.is_temp()) return;
            if (!written[v.index()]) fail("reads a temp that was not written");
            last[v.index()] = i;
        });
        if (row.result && !op.dst.none()) {
            if (op.dst.is_constant() || !in_range(op.dst)) fail("writes what is no register and no temp");
            else if (op.dst.is_temp()) written[op.dst.index()] = true, last[op.dst.index()] = i;
        }
        if (!row.result && !op.dst.none()) fail("has a destination");
        const std::string_view shape = row.shape;
        if (shape == "L" || shape == "LC") {
            const auto label = std::size_t(op.imm);
            if (label >= block.labels) fail("has an unknown label");
            else if (op.opcode == Opcode::label && placed[label]) fail("places a label twice");
            else if (op.opcode == Opcode::label) placed[label] = true;
            else if (placed[label]) fail("branches backward");
            else used[label] = true;
        }
        if (ends_path(op.opcode) && i + 1 < block.ops.size()) {
            const Opcode next = block.ops[i + 1].opcode;
            if (next != Opcode::label) fail("is followed by ops that nothing reaches");
        }
    }
    if (!wrong.empty()) return wrong;
    for (std::size_t l = 0; l < placed.size(); ++l)
        if (used[l] && !placed[l]) return text("label %zu is not placed", l);
    if (block.ops.empty() || !ends_path(block.ops.back().opcode) || block.ops.back().opcode == Opcode::br)
        return "the last path has no end";
    // Live temps, as the emitter counts them.
    std::vector<bool> alive(block.temps);
    std::size_t count = 0;
    for (std::size_t i = 0; i < block.ops.size(); ++i) {
        const Op& op = block.ops[i];
        if (op.dst.is_temp() && !alive[op.dst.index()]) alive[op.dst.index()] = true, ++count;
        if (count > 32) return text("op %zu: more than 32 temps are alive", i);
        for (std::size_t t = 0; t < block.temps; ++t)
            if (alive[t] && last[t] == i) alive[t] = false, --count;
    }
    return {};
}

}  // namespace backplane::tcg
