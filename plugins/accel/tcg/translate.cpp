// Makes units: asks the front end for instructions until the unit ends, hands the block to the back end, enters it.
//
// A unit ends where the front end says so, at the end of its page, or when it is long enough. An instruction that
// crosses into the next page is a unit of its own.
#include "vcpu.h"

#include "ir_text.h"
#include "ir_verify.h"
#include "text.h"

#include <backplane/text.h>

#include <cstring>

namespace backplane::tcg {

namespace {
constexpr std::size_t kMaxInstructions = 64;
constexpr std::size_t kMaxOps = 600;

std::uint32_t checksum(const std::uint8_t* bytes, std::size_t size) {
    std::uint64_t sum = size;
    for (std::size_t i = 0; i < size; ++i) sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return std::uint32_t(sum ^ sum >> 32);
}

}  // namespace

/// Reads the page of the unit, and the next one for the first instruction only.
class TcgVcpu::Reader final : public CodeReader {
  public:
    Reader(TcgVcpu& vcpu, const BlockKey& key, const PageInfo& page) : vcpu_(vcpu), key_(key) {
        page_start_ = key.pc & ~(kPageSize - 1);
        page_ = page.host(0);
        page_size_ = kPageSize;
    }
    bool first = true;  ///< the instruction may cross
    bool faulted = false;
    MemoryFault fault;
    std::uint64_t page2 = kNoPage;

  private:
    std::uint32_t fetch_slow(std::uint64_t pc, unsigned size) override {
        failed_ = true;
        if (!first) return 0;
        const std::uint64_t next = page_start_ + kPageSize;
        PageInfo* info = vcpu_.resolve(key_.mmu_mode, next, AccessKind::Fetch, 0, fault);
        faulted = true;
        if (!info) return 0;
        if (!info->block) {
            fault = {MemoryFaultKind::Bus, AccessKind::Fetch, next, info->physical, 0};
            return 0;
        }
        faulted = failed_ = false;
        page2 = info->page_id();
        vcpu_.watch(*info->block, info->block_offset >> kPageBits);
        std::uint32_t value = 0;
        for (unsigned i = 0; i < size; ++i) {
            const std::uint64_t at = pc + i;
            const bool here = at - page_start_ < kPageSize;  // the next page may be the first of all
            const std::uint8_t byte = here ? page_[at - page_start_] : *info->host(at);
            value |= std::uint32_t{byte} << (8 * i);
        }
        return value;
    }

    TcgVcpu& vcpu_;
    const BlockKey& key_;
};

/// Fills block_. False: the first instruction cannot be fetched.
bool TcgVcpu::build(const BlockKey& key, Reader& reader, bool single, std::uint32_t& size) {
    block_.clear();
    block_.pc = key.pc;
    block_.flags = key.flags;
    block_.mmu_mode = key.data_mode;
    Builder builder(block_);
    UnitTranslation unit;
    unit.state = state_;
    unit.key = key;
    unit.code = &reader;
    unit.native = backend_->takes_native();
    const std::uint64_t page_end = (key.pc | (kPageSize - 1)) + 1;
    const std::size_t most = single || options_.one_instruction ? 1 : kMaxInstructions;
    std::uint64_t pc = key.pc;
    bool together = false;
    const auto end_at = [&](std::uint64_t at) {
        if (!together) return builder.goto_pc(at);
        builder.store_state(pc_offset_, builder.pc_constant(at), mem::k64);
        builder.leave(LeaveKind::Continue);
    };
    for (;;) {
        const std::size_t ops = block_.ops.size();
        block_.instructions.push_back({pc, 0});
        builder.emit({.opcode = Opcode::insn, .imm = std::int32_t(block_.instructions.size() - 1)});
        unit.pc = pc;
        const Translated result = front_end_.translate(builder, unit);
        const bool crosses = pc + unit.size - 1 >= page_end && pc + unit.size - 1 - page_end < kPageSize;
        if (result == Translated::FetchFailed || (crosses && !reader.first)) {
            block_.ops.resize(ops);
            block_.instructions.pop_back();
            if (reader.first) return false;
            end_at(pc);
            break;
        }
        block_.instructions.back().size = unit.size;
        pc += unit.size;
        reader.first = false;
        together = result == Translated::Together;
        if (result == Translated::End) break;
        const bool stops = points_ && points_->breakpoint(pc);
        if (pc == page_end || crosses || stops || block_.instructions.size() >= most ||
            block_.ops.size() > kMaxOps) {
            end_at(pc);
            break;
        }
    }
    size = std::uint32_t(pc - key.pc);
    return true;
}

/// Stores to the page of `block` are seen from now on; by other vCPUs, as soon as they look at their requests.
void TcgVcpu::watch(RamBlock& block, std::uint64_t index) {
    const std::uint64_t page = block.base_id + index;
    CodePages::Tickets tickets = pages_.add(*this, page, block, index);
    tlb_->protect(page);
    if (!tickets.empty())
        unconfirmed_.push_back({page, block.host + (index << kPageBits), std::move(tickets)});
}

/// Drops units whose bytes changed before the others' stores were seen. A guest that changes another CPU's code makes
/// that CPU synchronise its fetches (which leaves translated code, and comes here) before it relies on the new bytes.
void TcgVcpu::confirm() {
    std::erase_if(unconfirmed_, [this](const Unconfirmed& u) {
        const bool settled = pages_.settled(u.tickets);
        std::vector<std::uint32_t> stale;
        cache_->for_each_unit(u.page, [&](const Unit& unit) {
            if (unit.crosses() || unit.checksum != checksum(u.host + unit.offset(), unit.size))
                stale.push_back(unit.page == u.page ? unit.offset() : 0);
        });
        for (std::uint32_t offset : stale)
            if (cache_->invalidate(u.page, offset, offset + 1)) pages_.remove(*this, u.page);
        return settled;
    });
}

Unit* TcgVcpu::translate(const BlockKey& key, unsigned variant, PageInfo info, bool single) {
    // Watched before it is read: a store that comes later is seen.
    if (!cache_->has_page(info.page_id())) {
        watch(*info.block, info.block_offset >> kPageBits);
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    // Copied before it is read, so that what changes meanwhile is taken for stale.
    std::uint8_t copy[kPageSize];
    const bool unsure = !unconfirmed_.empty();
    if (unsure) std::memcpy(copy, info.host(key.pc), kPageSize - (key.pc & (kPageSize - 1)));
    Reader reader(*this, key, info);
    std::uint32_t size = 0;
    if (!build(key, reader, single, size)) {
        if (!cache_->has_page(info.page_id())) pages_.remove(*this, info.page_id());
        deliver(reader.fault);
        return nullptr;
    }
#ifdef BACKPLANE_TCG_VERIFY
    if (const std::string wrong = verify(block_, front_end_.description()); !wrong.empty()) {
        std::string message = "tcg: a front end made a malformed unit: " + wrong + "\n";
        dump(block_, front_end_.description(), message);
        context_.internal_error(message);
    }
#endif
    const bool chain = !single && !each_unit_;
    Unit* unit = cache_->add(block_, variant, info.page_id(), reader.page2, size, single, chain);
    if (!unit) {
        flush_code();
        variant = cache_->variant(key);
        watch(*info.block, info.block_offset >> kPageBits);
        if (reader.page2 != kNoPage) return nullptr;  // its watch went with the flush: begin again
        unit = cache_->add(block_, variant, info.page_id(), reader.page2, size, single, chain);
        if (!unit) {
            context_.internal_error(
                "tcg: a unit does not fit into an empty code cache; use a larger tb-size");
            return nullptr;
        }
    }
    if (unsure && !unit->crosses()) unit->checksum = checksum(copy, size);
    if (log_in_ || log_op_ || log_out_) log_unit(*unit, info);
    return unit;
}

void TcgVcpu::log_registers() {
    TextBuffer out;
    cpu_.dump(out);
    log().write(LogLevel::Debug, "cpu", text("cpu %u:\n", cpu_.index()) + out.text());
}

void TcgVcpu::log_unit(const Unit& unit, const PageInfo& info) {
    if (log_in_) {
        TextBuffer out;
        for (const Instruction& i : block_.instructions) {
            out.append(text("%016llx:  ", ull(i.pc)));
            std::uint8_t bytes[16] = {};
            const std::uint64_t offset = i.pc - (unit.pc & ~(kPageSize - 1));
            const std::size_t there =
                std::min<std::size_t>(i.size, offset < kPageSize ? kPageSize - offset : 0);
            std::memcpy(bytes, info.host(i.pc), there);
            front_end_.disassemble(i.pc, Bytes(bytes, i.size), out);
            out.append("\n");
        }
        log().write(LogLevel::Debug, "in_asm", "IN:\n" + out.text());
    }
    if (log_op_) {
        std::string ops = "OP:\n";
        dump(block_, front_end_.description(), ops);
        log().write(LogLevel::Debug, "op", ops);
    }
    if (log_out_) {
        TextBuffer out;
        cache_->disassemble(unit, out);
        log().write(LogLevel::Debug, "out_asm", text("OUT: [size=%u]\n", unit.end - unit.start) + out.text());
    }
}

}  // namespace backplane::tcg
