#include "ir_text.h"

#include "ir_rows.h"
#include "text.h"

namespace backplane::tcg {

namespace {

constexpr const char* kWidths[] = {"i64", "i32", "i32s", "f32", "f64"};
constexpr const char* kConditions[] = {"eq",  "ne",  "lt",  "ge",  "le", "gt",
                                       "ltu", "geu", "leu", "gtu", "tz", "tnz"};

constexpr const char* kStatusConditions[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                             "s", "ns", "p", "np", "l", "ge", "le", "g"};

std::string value_text(Value v, const Block& block, const GuestDescription& guest) {
    if (v.none()) return "-";
    if (v.is_register()) return guest.registers[v.index()].name;
    if (v.is_temp()) return text("t%u", v.index());
    return text("0x%llx", ull(block.constant(v)));
}

std::string address_text(const Address& a, const Block& block, const GuestDescription& guest) {
    std::string out = a.segment.none() ? "[" : "[" + value_text(a.segment, block, guest) + ": ";
    if (!a.base.none()) out += value_text(a.base, block, guest) + " ";
    if (!a.index.none()) out += text("+ %s << %u ", value_text(a.index, block, guest).c_str(), a.shift);
    out += text("%+d]", a.displacement);
    if (a.bits != 64) out += text(".%u", a.bits);
    return out;
}

std::string operand_text(const NativeOperand& o, const Block& block, const GuestDescription& guest) {
    return value_text(o.value, block, guest) + text(".%u", 8 * o.bytes) + (o.high ? "h" : "");
}

/// The name, and the operands as their encoding orders them: reg, vvvv, rm, immediate; then the fixed ones.
std::string native_text(const Native& n, const Block& block, const GuestDescription& guest) {
    std::string out = n.lock ? std::string("lock ") + n.name : n.name;
    const char* separator = " ";
    const auto item = [&](const std::string& part) {
        out += separator + part;
        separator = ", ";
    };
    if (n.reg_number >= 0) item(text("x87.%d", n.reg_number));
    for (const NativeOperand* o : {&n.reg, &n.vvvv})
        if (!o->value.none()) item(operand_text(*o, block, guest));
    if (n.address >= 0)
        item(address_text(block.addresses[std::size_t(n.address)], block, guest) +
             text(".%u", 8 * n.rm.bytes));
    else if (n.rm_number >= 0) item(text("x87.%d", n.rm_number));
    else if (!n.rm.value.none()) item(operand_text(n.rm, block, guest));
    if (!n.is4.value.none()) item(operand_text(n.is4, block, guest));
    if (n.immediate_bytes) item(text("0x%llx", ull(std::uint64_t(n.immediate))));
    for (const NativeFixed& f : n.fixed)
        if (!f.value.none()) item("(" + value_text(f.value, block, guest) + ")");
    return out;
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
        if (shape == "LS") out += text(".%s", kStatusConditions[op.aux & 15]);
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
        } else if (op.opcode == Opcode::native) {
            item(native_text(block.natives[std::size_t(op.imm)], block, guest));
        } else if (shape == "A") {
            item(address_text(block.addresses[std::size_t(op.imm)], block, guest));
        } else if (shape == "L" || shape == "LC" || shape == "LS") {
            item(text("L%d", op.imm));
        } else if (shape == "M" || shape == "I" || shape == "FX") {
            item(text("%+d", op.imm));
        }
        out += '\n';
    }
}

}  // namespace backplane::tcg
