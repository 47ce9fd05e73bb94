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

/// Visits the integer values that stand beside an op, and says which are written (temps and registers).
template <class Visit>
void each_beside(const Block& block, const Op& op, Visit visit) {
    const auto in_address = [&](std::size_t index) {
        for (Value v :
             {block.addresses[index].base, block.addresses[index].index, block.addresses[index].segment})
            if (!v.none()) visit(v, true, false);
    };
    if (op.opcode == Opcode::call) {
        const Call& call = block.calls[std::size_t(op.imm)];
        for (unsigned i = 0; i < call.count; ++i) visit(call.arguments[i], true, false);
    } else if (op.opcode == Opcode::address) {
        in_address(std::size_t(op.imm));
    } else if (op.opcode == Opcode::native) {
        const Native& n = block.natives[std::size_t(op.imm)];
        if (n.address >= 0) in_address(std::size_t(n.address));
        for (const NativeOperand& o : {n.reg, n.rm, n.vvvv, n.is4})
            if (!o.value.none()) visit(o.value, o.read || o.bytes < 4, o.written);
        for (const NativeFixed& f : n.fixed)
            if (!f.value.none()) visit(f.value, f.read, f.written);
    }
}

/// Null, or what the back end could not do.
const char* wrong_native(const Native& n, const GuestDescription& guest) {
    if (guest.status_offset == 0) return "is native, and the guest has no status flags";
    if (n.x87 && guest.x87_offset == 0) return "uses x87 registers, and the guest has none";
    const auto is_vector = [&](Value v) {
        return v.is_register() && v.index() < guest.registers.size &&
               guest.registers[v.index()].klass == RegisterClass::Vector;
    };
    unsigned needed = n.address >= 0 ? 1 : 0, writers = 0;
    std::uint16_t written[6] = {};
    const auto writes = [&](Value v) {
        for (unsigned i = 0; i < writers; ++i)
            if (written[i] == v.id) return false;
        written[writers++] = v.id;
        return true;
    };
    for (const NativeFixed& f : n.fixed) {
        if (f.value.none()) continue;
        needed += !is_vector(f.value);
        if (f.number > (is_vector(f.value) ? 0 : 2)) return "fixes a register that is not free";
        if (f.value.is_constant() || (f.written && !writes(f.value)))
            return "writes a value twice, or a constant";
    }
    for (const NativeOperand* o : {&n.reg, &n.vvvv, &n.rm, &n.is4}) {
        if (o->value.none()) continue;
        if (o->value.is_constant()) return "has a constant for an operand";
        if (o->bytes == 0 || (o->bytes & (o->bytes - 1)) || o->bytes > 32) return "has an operand of no size";
        if (o->high && o->bytes != 1) return "has a high byte that is no byte";
        if (o->written && !writes(o->value)) return "writes a value twice";
        if ((o != &n.rm || n.rm_stays_register) && o->bytes <= 8) ++needed;
    }
    if (n.address >= 0 && (n.rm.bytes == 0 || n.rm.bytes > 32 || !n.rm.value.none()))
        return "has a memory operand of no size";
    return needed > 3 ? "needs more registers than there are" : nullptr;
}

}  // namespace

std::string verify(const Block& block, const GuestDescription& guest) {
    std::vector<bool> written(block.temps), placed(block.labels), used(block.labels);
    std::vector<std::size_t> last(block.temps);
    const auto each_input = [&](const Op& op, auto visit) {
        const Value inputs[] = {op.a, op.b, op.c, op.d};
        for (unsigned i = 0; i < kIrRows[std::size_t(op.opcode)].inputs; ++i) visit(inputs[i]);
        each_beside(block, op, [&](Value v, bool read, bool) {
            if (read) visit(v);
        });
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
        if (op.opcode == Opcode::native)
            if (const char* what = wrong_native(block.natives[std::size_t(op.imm)], guest)) fail(what);
        if (op.opcode == Opcode::br_status && guest.status_offset == 0)
            fail("asks for flags of a guest without");
        each_beside(block, op, [&](Value v, bool, bool writes) {
            if (!in_range(v)) fail("has an unknown operand");
            else if (writes && v.is_temp()) written[v.index()] = true, last[v.index()] = i;
        });
        const std::string_view shape = row.shape;
        if (shape == "L" || shape == "LC" || shape == "LS") {
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
        each_beside(block, op, [&](Value v, bool, bool writes) {
            if (writes && v.is_temp() && !alive[v.index()]) alive[v.index()] = true, ++count;
        });
        if (count > 32) return text("op %zu: more than 32 temps are alive", i);
        for (std::size_t t = 0; t < block.temps; ++t)
            if (alive[t] && last[t] == i) alive[t] = false, --count;
    }
    return {};
}

}  // namespace backplane::tcg
