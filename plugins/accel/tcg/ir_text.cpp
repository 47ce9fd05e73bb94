#include "ir_text.h"

#include "ir_rows.h"
#include "text.h"

namespace backplane::tcg {

namespace {

constexpr const char* kWidths[] = {"i64", "i32", "i32s", "f32", "f64"};
constexpr const char* kConditions[] = {"eq",  "ne",  "lt",  "ge",  "le", "gt",
                                       "ltu", "geu", "leu", "gtu", "tz", "tnz"};

std::string value_text(Value v, const Block& block, const GuestDescription& guest) {
    if (v.none()) return "-";
    if (v.is_register()) return guest.registers[v.index()].name;
    if (v.is_temp()) return text("t%u", v.index());
    return text("0x%llx", ull(block.constant(v)));
}

}  // namespace

void dump(const Block& block, const GuestDescription& guest, std::string& out) {
    for (const Op& op : block.ops) {
        const IrRow& row = kIrRows[std::size_t(op.opcode)];
        const std::string_view shape = row.shape;
        if (op.opcode == Opcode::insn) {
            out += text(" ---- %016llx\n", ull(block.instructions[std::size_t(op.imm)].pc));
            continue;
        }
        std::string name = row.name;
        while (name.ends_with('_')) name.pop_back();
        out += "  " + name;
        if (shape == "W" || shape == "WC" || shape == "LC" || shape == "F" || shape == "FX")
            out += text(".%s", kWidths[std::size_t(op.width)]);
        if (shape == "WC" || shape == "LC") out += text(".%s", kConditions[op.aux]);
        if (shape == "M") out += text(".%c%u", (op.aux & mem::kSigned) ? 's' : 'u', 8 * mem::size(op.aux));
        const char* separator = " ";
        const auto item = [&](const std::string& part) {
            out += separator + part;
            separator = ", ";
        };
        if (row.result) item(value_text(op.dst, block, guest));
        const Value inputs[] = {op.a, op.b, op.c, op.d};
        for (unsigned i = 0; i < row.inputs; ++i) item(value_text(inputs[i], block, guest));
        if (op.opcode == Opcode::call) {
            const Call& call = block.calls[std::size_t(op.imm)];
            item(call.name);
            for (unsigned i = 0; i < call.count; ++i) item(value_text(call.arguments[i], block, guest));
        } else if (shape == "L" || shape == "LC") {
            item(text("L%d", op.imm));
        } else if (shape == "M" || shape == "I" || shape == "FX") {
            item(text("%+d", op.imm));
        }
        out += '\n';
    }
}

}  // namespace backplane::tcg
