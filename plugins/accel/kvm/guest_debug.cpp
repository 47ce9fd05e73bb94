#include "guest_debug.h"

#include "vcpu.h"

#include <bit>
#include <cstring>

namespace backplane::kvm {

namespace {

// DR7 (SDM 3B 17.2.4): an enable bit for each register, and four bits each from bit 16 on: kind and length.
constexpr std::uint64_t kGlobalEnable = 2, kExact = 1u << 9, kAlwaysSet = 1u << 10;
constexpr std::uint64_t kExecute = 0, kWrite = 1, kReadOrWrite = 3;
// DR6.
constexpr std::uint64_t kSingleStep = 1u << 14;

constexpr std::uint32_t kDebugException = 1, kBreakpointException = 3;

bool is_breakpoint(DebugStop::Reason kind) {
    return kind == DebugStop::Reason::SoftwareBreakpoint || kind == DebugStop::Reason::HardwareBreakpoint;
}

std::uint64_t length_bits(std::uint64_t size) { return size == 8 ? 2 : size - 1; }

}  // namespace

std::shared_ptr<const DebugPoints> DebugPoints::make(Slice<const DebugPoint> points) {
    constexpr std::uint64_t kWidest = 8;
    if (points.size > kMost) return nullptr;
    auto all = std::make_shared<DebugPoints>();
    for (const DebugPoint& point : points) {
        const bool watched =
            point.kind == DebugStop::Reason::Write || point.kind == DebugStop::Reason::Access;
        const bool fits =
            std::has_single_bit(point.size) && point.size <= kWidest && point.address % point.size == 0;
        if (!is_breakpoint(point.kind) && !(watched && fits)) return nullptr;
        all->points_[all->count_++] = point;
    }
    return all;
}

void DebugPoints::fill(kvm_guest_debug& debug) const {
    if (count_ == 0) return;
    debug.control |= KVM_GUESTDBG_USE_HW_BP;
    debug.arch.debugreg[7] = kAlwaysSet | kExact;
    for (std::size_t i = 0; i < count_; ++i) {
        const DebugPoint& point = points_[i];
        const std::uint64_t kind = is_breakpoint(point.kind)                ? kExecute
                                   : point.kind == DebugStop::Reason::Write ? kWrite
                                                                            : kReadOrWrite;
        const std::uint64_t length = kind == kExecute ? 0 : length_bits(point.size);
        debug.arch.debugreg[i] = point.address;
        debug.arch.debugreg[7] |= kGlobalEnable << (2 * i) | (length << 2 | kind) << (16 + 4 * i);
    }
}

// ---- a vCPU's side

void Vcpu::set_debug(std::shared_ptr<const DebugPoints> points, DebugListener* listener) {
    const std::lock_guard guard(mutex_);
    debug_points_ = std::move(points);
    debug_listener_ = listener;
    debug_changed_ = true;
}

void Vcpu::set_resume(DebugResume how) {
    const std::lock_guard guard(mutex_);
    resume_ = how;
    debug_changed_ = true;
}

/// Before it enters the guest. One instruction alone is run without points: it would stop where it stands.
void Vcpu::tell_debug() {
    if (!std::exchange(debug_changed_, false)) return;
    const bool one = resume_ == DebugResume::Step || resume_ == DebugResume::StepWithInterrupts ||
                     resume_ == DebugResume::RunPast;
    const bool points = debug_points_ && debug_points_->count() != 0;
    if (!debug_listener_ || (!one && !points)) {
        if (!std::exchange(debugged_, false)) return;
    } else {
        debugged_ = true;
    }
    kvm_guest_debug debug{};
    if (debugged_) {
        debug.control = KVM_GUESTDBG_ENABLE;
        if (one) debug.control |= KVM_GUESTDBG_SINGLESTEP;
        if (resume_ == DebugResume::Step || resume_ == DebugResume::RunPast)
            debug.control |= std::uint32_t(vm_.capability(KVM_CAP_SET_GUEST_DEBUG2)) & KVM_GUESTDBG_BLOCKIRQ;
        if (points && !one) debug_points_->fill(debug);
    }
    const int result = request(fd_, KVM_SET_GUEST_DEBUG, &debug);
    if (result >= 0) return;
    if (!std::exchange(debug_refused_, true))
        vm_.context().log().write(LogLevel::Warning, "kvm",
                                  std::string("KVM refuses steps and breakpoints (KVM_SET_GUEST_DEBUG: ") +
                                      std::strerror(-result) + "); -accel tcg has them");
    if (one) stop_for_debugger({});  // where it stands, rather than somewhere
}

void Vcpu::debug_exit() {
    const auto& debug = run_->debug.arch;
    if (debug.exception == kBreakpointException) {
        // The guest's own: it gets it.
        kvm_guest_debug again{};
        again.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP;
        request(fd_, KVM_SET_GUEST_DEBUG, &again);
        debug_changed_ = true;
        return;
    }
    if (debug.exception != kDebugException) return;
    if (debug.dr6 & kSingleStep) {
        if (resume_ != DebugResume::RunPast) return stop_for_debugger({});
        resume_ = DebugResume::Run;
        debug_changed_ = true;
        return;
    }
    for (unsigned i = 0; debug_points_ && i < debug_points_->count(); ++i)
        if (debug.dr6 >> i & 1)
            return stop_for_debugger({debug_points_->point(i).kind, debug_points_->point(i).address});
}

void Vcpu::stop_for_debugger(const DebugStop& stop) {
    resume_ = DebugResume::Stand;
    debug_changed_ = true;
    if (debug_listener_) debug_listener_->cpu_stopped(cpu_, stop);
}

}  // namespace backplane::kvm
