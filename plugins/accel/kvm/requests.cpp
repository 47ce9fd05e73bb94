// What other threads ask of a vCPU. It looks when exit_request is set, between two visits to the guest.
#include "kick.h"
#include "vcpu.h"

namespace backplane::kvm {

namespace {

thread_local Vcpu* this_vcpu = nullptr;

}  // namespace

/// One piece of work that somebody waits for.
struct Vcpu::Work {
    void (*function)(void* data);
    void* data;
    Vcpu* requester;  ///< the vCPU that waits; null: another thread
    bool done;
};

void Vcpu::own_this_thread() { this_vcpu = this; }

void Vcpu::start() {
    {
        const std::lock_guard guard(mutex_);
        go_ = true;
    }
    wake_.notify_all();
}

void Vcpu::request_stop() {
    {
        const std::lock_guard guard(mutex_);
        go_ = false;
    }
    kick();
}

void Vcpu::wait_stopped() {
    std::unique_lock guard(mutex_);
    settled_.wait(guard, [this] { return !running_; });
}

void Vcpu::state_changed() {
    const std::lock_guard guard(mutex_);
    state_stale_ = true;
    run_state_.exit_request.store(1);
}

/// It is in the guest and gets a signal, or sleeps and is woken, or is about to look.
void Vcpu::kick() {
    run_state_.exit_request.store(1, std::memory_order_seq_cst);
    push_out();
    if (!sleeping_.load(std::memory_order_seq_cst)) return;
    { const std::lock_guard guard(mutex_); }
    wake_.notify_all();
}

void Vcpu::push_out() {
    if (this_vcpu != this && in_guest_.load(std::memory_order_seq_cst)) kvm::kick(thread_.native_handle());
}

void Vcpu::run_on(void (*function)(void* data), void* data) {
    if (this_vcpu == this) return run_here(function, data);
    Work work{function, data, this_vcpu, false};
    {
        std::unique_lock guard(mutex_);
        if (!running_ && !go_) {
            guard.unlock();
            return function(data);
        }
        work_.push_back(&work);
    }
    settled_.notify_all();
    kick();
    MachineLock& lock = vm_.context().lock();
    unsigned depth = 0;
    for (; lock.held(); ++depth) lock.unlock();
    if (this_vcpu) {
        this_vcpu->serve_until(work);
    } else {
        std::unique_lock guard(mutex_);
        settled_.wait(guard, [&] { return work.done; });
    }
    for (; depth > 0; --depth) lock.lock();
}

/// A device asks in the middle of the instruction that reached it: it sees the registers, and may change the general ones.
void Vcpu::run_here(void (*function)(void* data), void* data) {
    if (complete_) return function(data);
    std::string text = registers_->get();
    function(data);
    if (text.empty()) text = registers_->set_general();
    if (!text.empty()) fail("KVM refuses a CPU's state: " + text);
}

/// Another vCPU does `work` for this one, which does meanwhile what is asked of it: the other may ask it as well.
void Vcpu::serve_until(const Work& work) {
    std::unique_lock guard(mutex_);
    for (;;) {
        run_work();
        if (work.done) return;
        settled_.wait(guard, [&] { return work.done || !work_.empty(); });
    }
}

/// With mutex_ held, which is dropped around each. The state is complete for it, and goes back as it leaves it.
void Vcpu::run_work() {
    while (!work_.empty()) {
        Work* work = work_.front();
        work_.erase(work_.begin());
        mutex_.unlock();
        pull();
        work->function(work->data);
        changed_ = true;
        Vcpu& waiting = work->requester ? *work->requester : *this;
        {
            const std::lock_guard guard(waiting.mutex_);
            work->done = true;  // it may be gone from here on
        }
        waiting.settled_.notify_all();
        mutex_.lock();
    }
}

}  // namespace backplane::kvm
