// What a vCPU's thread does, and the engine's services to helpers.
#include "vcpu.h"

#include "text.h"

#include <utility>

namespace backplane::tcg {

std::unique_ptr<TcgVcpu> TcgVcpu::create(AcceleratorContext& context, Cpu& cpu, const FrontEnd& front_end,
                                         CodePages& pages, const VcpuOptions& options, Errors& errors) {
    std::unique_ptr<TcgVcpu> vcpu(new TcgVcpu(context, cpu, front_end, pages, options));
    if (!vcpu->prepare(errors)) return nullptr;
    return vcpu;
}

TcgVcpu::TcgVcpu(AcceleratorContext& context, Cpu& cpu, const FrontEnd& front_end, CodePages& pages,
                 const VcpuOptions& options)
    : VcpuThread(context.lock(), cpu, "TCG"),
      context_(context),
      front_end_(front_end),
      pages_(pages),
      line_(pages, *this),
      options_(options),
      state_(cpu.state()),
      pc_offset_(front_end.description().pc_offset),
      hot_memory_(front_end.description().mmu_modes),
      hot_(hot_memory_.get()),
      code_memory_(options.code_size) {}

bool TcgVcpu::prepare(Errors& errors) {
    if (!hot_) {
        errors.fail("tcg: the host has no memory below 2 GiB for a vCPU's tables");
        return false;
    }
    if (!code_memory_.get().data) {
        errors.fail("tcg: the host refuses memory for translated code; try a smaller tb-size");
        return false;
    }
    std::string reason;
    backend_ = make_backend(front_end_.description(), *hot_, code_memory_.get(), reason);
    if (!backend_) {
        errors.fail("tcg: " + reason);
        return false;
    }
    const Services services{this,
                            &TcgVcpu::slow_load,
                            &TcgVcpu::slow_store,
                            &TcgVcpu::slow_atomic,
                            &TcgVcpu::slow_begin,
                            &TcgVcpu::slow_end,
                            &TcgVcpu::next};
    cache_ = std::make_unique<CodeCache>(front_end_.description(), hot_memory_, code_memory_.get(), *backend_,
                                         services);
    tlb_ = std::make_unique<SoftTlb>(*hot_, front_end_.description().mmu_modes, backend_->takes_native());
    run_state_.engine = static_cast<Vcpu*>(this);
    for (std::size_t i = 0; i < cpu_.address_space_count(); ++i) seen_.push_back({&cpu_.address_space(i)});
    for (Seen& seen : seen_) {
        seen.view = seen.space->view();
        seen.space->add_listener(*this);
    }
    pages_.enlist(*this);
    state_changed();
    begin_thread();
    return true;
}

TcgVcpu::~TcgVcpu() {
    if (!thread().joinable()) return;
    end_thread();
    pages_.strike(*this);
    for (const Seen& seen : seen_) seen.space->remove_listener(*this);
    run_state_.engine = nullptr;
}

// ---- the thread

void TcgVcpu::thread_begins() { context_.lock().observe_waits(this); }

/// What is asked for may have changed while the machine stood.
void TcgVcpu::read_log_items() {
    Log& log = context_.log();
    log_in_ = log.enabled("in_asm");
    log_op_ = log.enabled("op");
    log_out_ = log.enabled("out_asm");
    log_exec_ = log.enabled("exec");
    log_cpu_ = log.enabled("cpu");
    log_mmu_ = log.enabled("mmu");
    log_int_ = log.enabled("int");
    const bool each = log_exec_ || log_cpu_;
    if (each != each_unit_) flush_code();  // what is chained, or never will be, is translated again
    each_unit_ = each;
}

void TcgVcpu::run_guest() {
    do {
        single_step_ |= stepping_;
        const void* code = next_code();
        if (!code) {
            if (std::exchange(delivered_, false)) after_progress();
            continue;
        }
        if (log_exec_)
            log().write(LogLevel::Debug, "exec", text("cpu %u: %016llx", cpu_.index(), ull(state_pc())));
        if (log_cpu_) log_registers();
        in_code_ = true;
        const std::uint64_t reason = backend_->enter(code, state_);
        in_code_ = false;
        handle_exit(reason);
        if (in_single_ || resume_ != DebugResume::Run) after_progress();
    } while (run_state_.exit_request.load(std::memory_order_acquire) == 0 && !waits());
}

/// The floating-point environment goes from the back end to the state,
void TcgVcpu::keep_fp() {
    if (front_end_.fp_mode(state_)) front_end_.keep_fp_mode(state_, backend_->fp_mode(false));
    else front_end_.add_fp_exceptions(state_, backend_->take_fp_exceptions(false));
}

/// and back.
void TcgVcpu::take_fp() {
    if (const std::optional<std::uint32_t> word = front_end_.fp_mode(state_))
        return backend_->set_fp_mode(*word, false);
    backend_->take_fp_exceptions(false);
    backend_->set_fp_rounding(front_end_.fp_rounding(state_), false);
}

void TcgVcpu::state_was_changed() {
    tlb_->flush();
    cache_->forget_jumps();
    take_fp();
}

void TcgVcpu::take_requests() {
    std::optional<DebugRequest> debug;
    {
        const std::lock_guard guard(mutex_);
        debug = std::exchange(next_debug_, std::nullopt);
    }
    if (debug) take(*debug);
    apply_posted();
    if (cpu_.powered_off() || stands()) return;
    if (run_state_.halted.load(std::memory_order_relaxed)) {
        if (!cpu_.has_work() && !(at_line_ && line_.written())) return;
        at_line_ = false;
        run_state_.halted.store(0, std::memory_order_relaxed);
    }
    if (resume_ == DebugResume::Step) return;
    if (front_end_.take_interrupt(state_)) pending_chain_ = ~std::uint64_t{0};
}

const void* TcgVcpu::next_code() {
    std::uint64_t chain = pending_chain_;
    pending_chain_ = ~std::uint64_t{0};
    in_single_ = at_line_ = false;
    const BlockKey key = front_end_.key(state_);
    // After a trap, a return from one, a change of mode: as an indirect jump would.
    if (chain == ~std::uint64_t{0} && !single_step_) {
        const unsigned variant = cache_->variant(key);
        const void* code = variant == kMaxVariants ? nullptr : cache_->recall(variant, key.pc);
        if (code) return code;
    }
    if (stops_at(key.pc)) return nullptr;
    MemoryFault fault;
    PageInfo* info = resolve(key.mmu_mode, key.pc, AccessKind::Fetch, 0, fault);
    if (!info) {
        deliver(fault);
        return nullptr;
    }
    if (!info->block) {
        deliver({MemoryFaultKind::Bus, AccessKind::Fetch, key.pc, info->physical | (key.pc & (kPageSize - 1)),
                 0});
        return nullptr;
    }
    unsigned variant = cache_->variant(key);
    if (variant == kMaxVariants) {
        for (const std::uint64_t page : cache_->recycle_variant()) pages_.remove(*this, page);
        variant = cache_->variant(key);
    }
    if (variant == kMaxVariants) {
        flush_code();
        chain = ~std::uint64_t{0};
        variant = cache_->variant(key);
    }
    const bool global = info->global;
    if (single_step_ || info->once) {  // of a page with several rights, each instruction is asked for
        single_step_ = false;
        const Unit* alone = translate(key, variant, *info, true);
        in_single_ = alone != nullptr;
        return alone ? cache_->code(*alone) : nullptr;
    }
    Unit* unit = cache_->find(info->page_id(), key.pc, variant);
    if (unit && unit->crosses()) {
        PageInfo* second = resolve(key.mmu_mode, (key.pc | (kPageSize - 1)) + 1, AccessKind::Fetch, 0, fault);
        if (!second) {
            deliver(fault);
            return nullptr;
        }
        if (!second->block || second->page_id() != unit->page2) {
            cache_->invalidate(unit->page, unit->offset(), unit->offset() + 1);
            unit = nullptr;
        }
    }
    if (!unit) {
        const std::uint64_t flushes = cache_->flushes();
        unit = translate(key, variant, *info, false);
        if (!unit) return nullptr;
        if (cache_->flushes() != flushes) chain = ~std::uint64_t{0};  // that exit is gone
    }
    if (chain != ~std::uint64_t{0}) cache_->chain(chain, *unit);
    // The unit's own number: a flush gives out new ones.
    if (!each_unit_) cache_->remember(unit->variant, key.pc, *unit, global);
    return cache_->code(*unit);
}

/// From one unit to another through the key, without leaving translated code: null where that is to be left. Makes no unit,
/// as translating might use floating point, and the guest's environment is the host's here.
const void* TcgVcpu::known_next() {
    if (run_state_.exit_request.load(std::memory_order_acquire) != 0 || waits()) return nullptr;
    if (in_single_ || single_step_ || each_unit_ || log_int_ || resume_ != DebugResume::Run) return nullptr;
    if (!unconfirmed_.empty() || hot_->raised == kExitInterrupts) return nullptr;
    const BlockKey key = front_end_.key(state_);
    const unsigned variant = cache_->variant(key);
    if (variant == kMaxVariants) return nullptr;
    const void* code = cache_->recall(variant, key.pc);
    if (!code) {
        MemoryFault fault;
        const PageInfo* const info = resolve(key.mmu_mode, key.pc, AccessKind::Fetch, 0, fault);
        if (points_ || !info || !info->block || info->once) return nullptr;
        Unit* const unit = cache_->find(info->page_id(), key.pc, variant);
        if (!unit || unit->crosses()) return nullptr;
        cache_->remember(variant, key.pc, *unit, info->global);
        code = cache_->code(*unit);
    }
    hot_->raised = hot_->stale = 0;
    return code;
}

void TcgVcpu::handle_exit(std::uint64_t reason) {
    if (reason >= kFirstExit) {
        pending_chain_ = reason - kFirstExit;
        state_pc() = cache_->exit(pending_chain_).place.target;
        if (each_unit_) pending_chain_ = ~std::uint64_t{0};
        return;
    }
    if (reason == kExitRaised && hot_->raised != 0) reason = hot_->raised;  // what the helper said
    hot_->raised = hot_->stale = 0;
    if (!unconfirmed_.empty() && reason != kExitLookup) confirm();
    if (reason == kExitInterrupts) run_state_.exit_request.store(1, std::memory_order_relaxed);
    if (log_int_ && reason == kExitRaised && !single_step_)
        log().write(LogLevel::Debug, "int",
                    text("cpu %u: exception, goes on at %016llx", cpu_.index(), ull(state_pc())));
}

void TcgVcpu::deliver(const MemoryFault& fault) {
    front_end_.raise_memory_fault(state_, fault);
    hot_->raised = 0;
    delivered_ = true;
    if (log_int_)
        log().write(LogLevel::Debug, "int",
                    text("cpu %u: fetch of %016llx faults", cpu_.index(), ull(fault.address)));
}

void TcgVcpu::flush_code() {
    std::vector<std::uint64_t> pages;
    cache_->for_each_page([&](std::uint64_t page) { pages.push_back(page); });
    cache_->flush();
    for (std::uint64_t page : pages) pages_.remove(*this, page);
    unconfirmed_.clear();
    pending_chain_ = ~std::uint64_t{0};
}

// ---- services

void TcgVcpu::flush_tlb() {
    tlb_->flush();
    cache_->forget_jumps();
}

void TcgVcpu::flush_tlb_page(std::uint64_t address) {
    if (tlb_->flush_page(address)) cache_->forget_jumps();
    else cache_->forget_jumps_to(address);
}

void TcgVcpu::flush_tlb_local() {
    cache_->forget_local_jumps();
    tlb_->flush_local();
}

bool TcgVcpu::watch_line(std::uint64_t address, unsigned size, std::uint8_t mode) {
    MemoryFault fault;
    const PageInfo* info = resolve(mode, address, AccessKind::Load, 0, fault);
    if (!info || !info->block) return false;
    const auto from = std::uint32_t(address & (kPageSize - 1));
    const bool seen = line_.watch(*info->block, info->block_offset >> kPageBits, from, from + size);
    tlb_->protect(info->page_id());
    return seen;
}

void TcgVcpu::flush_tlb_modes(std::uint32_t modes) {
    for (unsigned mode = 0; mode < front_end_.description().mmu_modes; ++mode)
        if (modes >> mode & 1) tlb_->flush_mode(mode);
    cache_->forget_jumps();
}

}  // namespace backplane::tcg
