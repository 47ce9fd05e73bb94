// The emitter's frame: values and where they live, raw jumps, the walk over the ops.
#include "emitter.h"

#include "helpers.h"

#include <cstring>

namespace backplane::tcg::x64 {

namespace {

enum class Class : std::uint8_t { Int, Flow, Mem, Fp, Native, Sys };
constexpr Class kClass[] = {
#define X(name, klass, result, inputs, shape) Class::klass,
#include <backplane/draft/tcg/ir_table.inc>
};

}  // namespace

Emitter::Emitter(const GuestDescription& guest, HotArea& hot, CodeMemory memory, const HostFeatures& features)
    : guest_(guest), hot_(hot), memory_(memory), host_(features) {
    code_.init(asmjit::Environment::host(), std::uint64_t(reinterpret_cast<std::uintptr_t>(memory.data)));
    asmjit::CodeBuffer& buffer = code_.textSection()->buffer();
    buffer._data = memory.data;
    buffer._capacity = memory.size;
    buffer._flags = asmjit::CodeBufferFlags(3);  // external, fixed
    code_.attach(&a_);
    homes_.assign(guest.registers.size, -1);
    displacements_.resize(guest.registers.size);
    std::fill(std::begin(pinned_), std::end(pinned_), -1);
    for (std::size_t i = 0; i < guest.registers.size; ++i)
        displacements_[i] = std::int32_t(guest.registers[i].offset) - kStateBias;
    // The hottest registers, hottest first, onto kPinned.
    flags_ = guest.status_offset != 0 && host_.bmi2 && host_.lahf && (guest.x87_offset == 0 || host_.xsave);
    x87_ = flags_ && guest.x87_offset != 0;
    const unsigned pinned = flags_ ? kPinnedCount : kPinnedCount - 1;  // else rsi is a temp
    for (unsigned n = 0; n < pinned; ++n) {
        int best = -1;
        for (std::size_t i = 0; i < guest.registers.size; ++i) {
            const GuestRegister& r = guest.registers[i];
            if (r.klass != RegisterClass::Integer || r.hotness == 0 || homes_[i] >= 0) continue;
            if (best < 0 || r.hotness < guest.registers[std::size_t(best)].hotness) best = int(i);
        }
        if (best < 0) break;
        homes_[std::size_t(best)] = kPinned[n];
        pinned_[n] = best;
    }
    HotArea::Constant* c = hot.constants;
    c[kSign64].value = std::uint64_t{1} << 63;
    c[kAbs64].value = ~(std::uint64_t{1} << 63);
    c[kSign32].value = 0x80000000u;
    c[kAbs32].value = 0x7fffffffu;
    c[kNan64].value = 0x7ff8000000000000u;
    c[kNan32].value = 0x7fc00000u;
    c[kIndexBits].value = (kTlbSize - 1) << 12;
    c[kPageBitsOf].value = ~std::uint64_t{4095};
    c[kJumpIndex].value = (kJumpSize - 1) << jump_shift(guest);
    for (unsigned i = 0; i < 5; ++i) c[kUnaligned + i].value = ~std::uint64_t{4095} | ((2u << i) - 1);
    c[kX87Masks].value = 0x3f;
    hot.x87_away = 1;
    hot.guest_fp_mode = 0x1f80;
    for (std::uint32_t bits = 0; bits < 64; ++bits)
        hot.exceptions[bits] = std::uint8_t(sticky_exceptions(bits));
}

void Emitter::prepare(const Block& block) {
    block_ = &block;
    cold_.clear();
    labels_.assign(block.labels, {});
    temps_.assign(block.temps, {});
    slots_used_ = 0;
    temp_in_rsi_ = -1;
    helper_stored_ = false;
    x87_here_ = false;
    plans_.clear();
    forget_vectors();
    resident_sets_.assign(1, {});
    delta_ = 0;
    skip_ = ~std::size_t{0};
    for (std::size_t i = 0; i < block.ops.size(); ++i) {
        const Op& op = block.ops[i];
        for (Value v : {op.dst, op.a, op.b, op.c, op.d})
            if (v.is_temp()) temps_[v.index()].last_use = std::uint32_t(i);
        each_further_value(op, [&](Value v) {
            if (v.is_temp()) temps_[v.index()].last_use = std::uint32_t(i);
        });
    }
    prepare_status(block);
    prepare_loop();
}

/// Those that stand beside the op.
template <class Visit>
void Emitter::each_further_value(const Op& op, Visit visit) const {
    const auto in_address = [&](std::size_t index) {
        const Address& address = block_->addresses[index];
        for (Value v : {address.base, address.index, address.segment}) visit(v);
    };
    if (op.opcode == Opcode::call) {
        const Call& call = block_->calls[std::size_t(op.imm)];
        for (unsigned n = 0; n < call.count; ++n) visit(call.arguments[n]);
    } else if (op.opcode == Opcode::address) {
        in_address(std::size_t(op.imm));
    } else if (op.opcode == Opcode::native) {
        const Native& n = block_->natives[std::size_t(op.imm)];
        for (Value v : {n.reg.value, n.rm.value, n.vvvv.value, n.is4.value}) visit(v);
        for (const NativeFixed& f : n.fixed) visit(f.value);
        if (n.address >= 0) in_address(std::size_t(n.address));
    }
}

void Emitter::emit(const EmitRequest& request, EmitResult& result) {
    request_ = &request;
    result_ = &result;
    result.exits.clear();
    prepare(*request.block);
    a_.setOffset(request.at);
    // Two lines per op and its cold part at the very most; the engine flushes when there is no room.
    std::size_t worst = request.block->ops.size() * 400 + 4096;
    if (flags_)  // slow ways store and load vector registers
        for (const Op& op : request.block->ops)
            if (kClass[std::size_t(op.opcode)] == Class::Mem || op.opcode == Opcode::native) worst += 1600;
    if (memory_.size - request.at < worst) {
        result.ok = false;
        return;
    }
    result.start = request.at;
    load_for_loop();
    for (index_ = 0; index_ < block_->ops.size(); ++index_) {
        const Op& op = block_->ops[index_];
        if (index_ != skip_) {
            vectors_before_op(op);
            x87_before_op(op);
            before_op(op);
            dispatch(op);
        }
        for (Value v : {op.dst, op.a, op.b, op.c, op.d}) release(v);
        each_further_value(op, [this](Value v) { release(v); });
    }
    result.cold = here();
    for (std::size_t i = 0; i < cold_.size(); ++i) {
        const Cold c = cold_[i];
        land(c);
        delta_ = c.delta;
        (this->*c.emit)(c);
    }
    emit_exit_stubs();
    pad(16);
    result.end = here();
    result.ok = true;
}

void Emitter::dispatch(const Op& op) {
    switch (kClass[std::size_t(op.opcode)]) {
    case Class::Int: return integer(op);
    case Class::Flow: return flow(op);
    case Class::Mem: return memory(op);
    case Class::Fp: return floating(op);
    case Class::Native: return native_op(op);
    case Class::Sys: return system(op);
    }
}

// ---- values

void Emitter::release(Value v) {
    if (!v.is_temp()) return;
    Temp& t = temps_[v.index()];
    if (t.last_use != index_ || t.place == kNoPlace) return;
    if (t.place == kInRsi) temp_in_rsi_ = -1;
    else slots_used_ &= ~(std::uint64_t{1} << t.place);
    t.place = kNoPlace;
}

void Emitter::place_temp(Value v) {
    Temp& t = temps_[v.index()];
    if (t.place != kNoPlace) return;
    if (temp_in_rsi_ < 0 && !flags_) {
        temp_in_rsi_ = int(v.index());
        t.place = kInRsi;
        return;
    }
    unsigned n = unsigned(__builtin_ctzll(~slots_used_));
    if (n >= kFrameSlots) n = kFrameSlots - 1;  // the verifier refuses blocks with that many live temps
    slots_used_ |= std::uint64_t{1} << n;
    t.place = std::int16_t(n);
}

int Emitter::home(Value v) {
    if (v.is_register()) return homes_[v.index()];
    if (v.is_temp()) {
        place_temp(v);
        return temps_[v.index()].place == kInRsi ? kRsi : -1;
    }
    return -1;
}

x86::Mem Emitter::slot(Value v, unsigned size, std::int32_t plus) {
    if (v.is_register()) return x86::ptr(x86::rbp, displacements_[v.index()] + plus, size);
    place_temp(v);
    return x86::ptr(x86::rsp, std::int32_t(temps_[v.index()].place) * 8 + plus, size);
}

x86::Mem Emitter::state(std::int32_t offset, unsigned size) const {
    return x86::ptr(x86::rbp, offset - kStateBias, size);
}

x86::Mem Emitter::hot(const void* field, unsigned size) const {
    x86::Mem m = x86::ptr(std::uint64_t(reinterpret_cast<std::uintptr_t>(field)), size);
    m.setAbs();
    return m;
}

void Emitter::load_immediate(int reg, std::uint64_t value, bool keep_flags) {
    if (value == 0 && !keep_flags && !flags_) a_.xor_(d(reg), d(reg));
    else if (value <= 0xffffffffu) a_.mov(d(reg), Imm(std::uint32_t(value)));
    else if (fits32(value)) a_.mov(q(reg), Imm(std::int32_t(value)));
    else a_.mov(q(reg), Imm(value));
}

int Emitter::use(Value v, int scratch, bool keep_flags) {
    if (v.is_constant()) {
        load_immediate(scratch, value_of(v), keep_flags);
        return scratch;
    }
    const int r = home(v);
    if (r >= 0) return r;
    a_.mov(q(scratch), slot(v));
    return scratch;
}

int Emitter::def(Value v, int scratch) {
    if (v.none()) return scratch;
    const int r = home(v);
    return r >= 0 ? r : scratch;
}

void Emitter::done(Value v, int reg) {
    if (v.none()) return;
    const int r = home(v);
    if (r < 0) a_.mov(slot(v), q(reg));
    else if (r != reg) a_.mov(q(r), q(reg));
}

Operand Emitter::source(Value v, Width width, int scratch) {
    if (v.is_constant()) {
        const std::uint64_t c = value_of(v);
        if (width != Width::I64) return Imm(std::int32_t(c));
        if (fits32(c)) return Imm(std::int32_t(c));
        load_immediate(scratch, c, true);
        return q(scratch);
    }
    const int r = home(v);
    if (r >= 0) return sized(r, width);
    return slot(v, width == Width::I64 ? 8 : 4);
}

void Emitter::move(int to, Value from, Width width) {
    if (from.is_constant()) {
        const std::uint64_t c = value_of(from);
        load_immediate(to, width == Width::I64 ? c : std::uint32_t(c), true);
        return;
    }
    const int r = home(from);
    if (r == to && width == Width::I64) return;
    if (r >= 0) a_.mov(sized(to, width), sized(r, width));
    else a_.mov(sized(to, width), slot(from, width == Width::I64 ? 8 : 4));
}

// A place is a register's number, or bit 63 | bit 62 (off rsp, else rbp) | the displacement.

std::uint64_t Emitter::location(Value v) {
    const int r = home(v);
    if (r >= 0) return std::uint64_t(r);
    const bool frame = v.is_temp();
    const std::int32_t at = frame ? std::int32_t(temps_[v.index()].place) * 8 : displacements_[v.index()];
    return std::uint64_t{1} << 63 | std::uint64_t{frame} << 62 | std::uint32_t(at);
}

x86::Mem Emitter::location_memory(std::uint64_t place) const {
    return x86::ptr(place >> 62 & 1 ? x86::rsp : x86::rbp, std::int32_t(std::uint32_t(place)), 8);
}

void Emitter::to_location(std::uint64_t place, int reg) {
    if (place >> 63) a_.mov(location_memory(place), q(reg));
    else if (int(place) != reg) a_.mov(q(int(place)), q(reg));
}

void Emitter::from_location(int reg, std::uint64_t place) {
    if (place >> 63) a_.mov(q(reg), location_memory(place));
    else if (int(place) != reg) a_.mov(q(reg), q(int(place)));
}

// ---- raw jumps

namespace {
/// The condition's number in Jcc, SETcc, CMOVcc (SDM 2A, appendix B.1.4.7).
constexpr std::uint8_t number(CC condition) {
    switch (condition) {
    case CC::kO: return 0;
    case CC::kNO: return 1;
    case CC::kB: return 2;
    case CC::kAE: return 3;
    case CC::kE: return 4;
    case CC::kNE: return 5;
    case CC::kBE: return 6;
    case CC::kA: return 7;
    case CC::kS: return 8;
    case CC::kNS: return 9;
    case CC::kPE: return 10;
    case CC::kPO: return 11;
    case CC::kL: return 12;
    case CC::kGE: return 13;
    case CC::kLE: return 14;
    default: return 15;
    }
}
}  // namespace

std::uint32_t Emitter::jump(CC condition) {
    const std::uint8_t bytes[6] = {0x0f, std::uint8_t(0x80 | number(condition))};
    a_.embed(bytes, sizeof bytes);
    return here() - 4;
}

std::uint32_t Emitter::jump() {
    const std::uint8_t bytes[5] = {0xe9};
    a_.embed(bytes, sizeof bytes);
    return here() - 4;
}

void Emitter::jump_to(std::uint32_t target) { patch(jump(), target); }
void Emitter::jump_to(CC condition, std::uint32_t target) { patch(jump(condition), target); }

void Emitter::call_to(std::uint32_t target) {
    const std::uint8_t bytes[5] = {0xe8};
    a_.embed(bytes, sizeof bytes);
    patch(here() - 4, target);
}

void Emitter::patch(std::uint32_t at, std::uint32_t target) {
    const std::int32_t relative = std::int32_t(target) - std::int32_t(at + 4);
    std::memcpy(memory_.data + at, &relative, sizeof relative);
}

Emitter::Cold& Emitter::cold(const Op& op, void (Emitter::*emit)(const Cold&)) {
    Cold c;
    c.emit = emit;
    c.op = &op;
    c.delta = delta_;
    c.status_in_host = status_in_host_;
    c.residents = remember_residents();
    cold_.push_back(c);
    return cold_.back();
}

void Emitter::land(const Cold& c) {
    for (std::uint32_t at : c.from)
        if (at) patch_here(at);
}

/// Fills with breakpoints; the assembler goes to no offset that was not written.
void Emitter::pad(unsigned alignment) {
    std::uint8_t bytes[64];
    std::memset(bytes, 0xcc, sizeof bytes);
    if (const unsigned over = here() % alignment) a_.embed(bytes, alignment - over);
}

void Emitter::call_function(const void* function) {
    const auto target = std::int64_t(reinterpret_cast<std::uintptr_t>(function));
    const auto next = std::int64_t(reinterpret_cast<std::uintptr_t>(memory_.data)) + here() + 5;
    if (target - next == std::int32_t(target - next)) {
        const std::uint8_t bytes[5] = {0xe8};
        a_.embed(bytes, sizeof bytes);
        const std::int32_t relative = std::int32_t(target - next);
        std::memcpy(memory_.data + here() - 4, &relative, sizeof relative);
        return;
    }
    a_.mov(x86::rax, Imm(target));
    a_.call(x86::rax);
}

}  // namespace backplane::tcg::x64
