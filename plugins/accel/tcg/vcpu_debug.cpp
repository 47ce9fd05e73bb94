// What a debugger asks of a vCPU: to stop at breakpoints and watchpoints, to do one instruction, to stand.
//
// A breakpoint costs nothing where none is: no unit holds one behind its first instruction, and none that begins with
// one is entered in the tables, so code always leaves to the engine there. Pages with watchpoints are kept out of
// the inline tables. An access that is watched leaves its unit undone; its instruction is then run alone, and the stop
// comes behind it.
#include "vcpu.h"

#include <utility>

namespace backplane::tcg {

void TcgVcpu::set_debug(std::shared_ptr<const DebugPoints> points, DebugListener* listener) {
    if (!listener) points = nullptr;
    ask({std::move(points), listener, {}});
}

void TcgVcpu::set_resume(DebugResume how) { ask({{}, {}, how}); }

void TcgVcpu::ask(const DebugRequest& request) {
    std::lock_guard guard(mutex_);
    DebugRequest& next = next_debug_ ? *next_debug_ : next_debug_.emplace();
    if (request.points) next.points = request.points;
    if (request.listener) next.listener = request.listener;
    if (request.resume) next.resume = request.resume;
    run_state_.exit_request.store(1);
}

/// On the vCPU's thread, without mutex_, which others take while they hold the lock of the pages.
void TcgVcpu::take(const DebugRequest& request) {
    if (request.listener) listener_ = *request.listener;
    if (request.resume) resume_ = *request.resume;
    if (!listener_) resume_ = DebugResume::Run;
    stepping_ = resume_ == DebugResume::Step || resume_ == DebugResume::StepWithInterrupts;
    watch_hit_.reset();
    if (request.points && *request.points != points_) take_points(*request.points);
}

void TcgVcpu::take_points(std::shared_ptr<const DebugPoints> points) {
    std::vector<std::uint64_t> added;
    if (points)
        for (const DebugPoint& point : points->breakpoints())
            if (!points_ || !points_->breakpoint(point.address)) added.push_back(point.address);
    // Units that end where a breakpoint was are as right as others.
    if (!added.empty())
        for (const std::uint64_t page : cache_->drop_units_with(added)) pages_.remove(*this, page);
    const bool watched = points && points->has_watches();
    if (watched || tlb_->watches()) flush_tlb();
    points_ = std::move(points);
    tlb_->set_watches(watched ? points_.get() : nullptr);
}

/// Ahead of the instruction at `pc`: must the CPU stop?
bool TcgVcpu::stops_at(std::uint64_t pc) {
    if (!points_ || stepping_) return false;
    const DebugPoint* point = points_->breakpoint(pc);
    if (!point) return false;
    if (resume_ == DebugResume::RunPast) {
        single_step_ = true;  // alone, so that it is not entered in the tables
        return false;
    }
    stop_for_debugger({point->kind, pc});
    return true;
}

void TcgVcpu::stop_for_debugger(const DebugStop& stop) {
    resume_ = DebugResume::Stand;
    stepping_ = false;
    watch_hit_.reset();
    listener_->cpu_stopped(cpu_, stop);
}

/// Something was done: the instruction, or the delivery of its fault.
void TcgVcpu::after_progress() {
    if (resume_ == DebugResume::RunPast) resume_ = DebugResume::Run;
    if (single_step_) return;  // nothing was: the instruction begins again, alone
    if (watch_hit_) return stop_for_debugger(*watch_hit_);
    if (stepping_) stop_for_debugger({DebugStop::Reason::Step, 0});
}

bool TcgVcpu::watched_access(std::uint64_t address, unsigned size, bool reads, bool writes,
                             const Where& where) {
    const DebugPoint* point = points_->watch(address, size, reads, writes);
    if (!point) return false;
    if (in_single_) {
        if (!watch_hit_) watch_hit_ = {point->kind, std::max(address, point->address)};
        return false;
    }
    sync_pc(where);
    single_step_ = true;
    return true;
}

}  // namespace backplane::tcg
