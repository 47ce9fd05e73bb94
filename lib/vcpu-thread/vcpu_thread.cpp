#include <lib/vcpu_thread.h>

#include <string>

#include <pthread.h>
#include <unistd.h>

namespace backplane {

thread_local VcpuThread* VcpuThread::current = nullptr;

void VcpuThread::begin_thread() {
    cpu_.set_runner(this);
    thread_ = std::thread([this] { thread_main(); });
}

void VcpuThread::end_thread() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard guard(mutex_);
        quit_ = true;
        go_ = false;
    }
    kick();
    wake_.notify_all();
    thread_.join();
    cpu_.set_runner(nullptr);
}

void VcpuThread::thread_main() {
    current = this;
    pthread_setname_np(pthread_self(), ("CPU " + std::to_string(cpu_.index()) + "/" + kind_).c_str());
    run_state_.thread_id = gettid();
    thread_begins();
    std::unique_lock guard(mutex_);
    for (;;) {
        wake_.wait(guard, [this] { return quit_ || running_; });
        if (!running_) break;
        guard.unlock();
        run();
        guard.lock();
        do_work();
        if (go_) continue;
        running_ = false;
        settled_.notify_all();
    }
    guard.unlock();
    thread_ends();
}

void VcpuThread::run() {
    run_begins();
    run_state_.exit_request.store(1);
    for (;;) {
        if (run_state_.exit_request.load(std::memory_order_acquire) != 0 && !look_at_requests()) break;
        if (waits()) wait_for_work();
        else run_guest();
    }
    run_ends();
}

/// False: stop.
bool VcpuThread::look_at_requests() {
    run_state_.exit_request.store(0, std::memory_order_seq_cst);
    {
        const std::lock_guard guard(mutex_);
        if (std::exchange(state_stale_, false)) state_was_changed();
        do_work();
        if (!go_) return false;
    }
    take_requests();
    return true;
}

/// Sleeps until it is kicked, and has to look at its requests then.
void VcpuThread::wait_for_work() {
    std::unique_lock guard(mutex_);
    sleeping_.store(true, std::memory_order_seq_cst);
    wake_.wait(guard,
               [this] { return run_state_.exit_request.load(std::memory_order_seq_cst) != 0 || wakes(); });
    sleeping_.store(false, std::memory_order_relaxed);
    run_state_.exit_request.store(1, std::memory_order_relaxed);
}

// ---- what others ask. It looks when exit_request is set

void VcpuThread::start() {
    {
        const std::lock_guard guard(mutex_);
        go_ = running_ = true;
    }
    wake_.notify_all();
}

void VcpuThread::request_stop() {
    {
        const std::lock_guard guard(mutex_);
        go_ = false;
    }
    kick();
}

void VcpuThread::wait_stopped() {
    std::unique_lock guard(mutex_);
    settled_.wait(guard, [this] { return !running_; });
}

void VcpuThread::state_changed() {
    const std::lock_guard guard(mutex_);
    state_stale_ = true;
    run_state_.exit_request.store(1);
}

/// It is in the guest and made to leave it, or sleeps and is woken, or is about to look.
void VcpuThread::kick() {
    run_state_.exit_request.store(1, std::memory_order_seq_cst);
    push_out();
    if (!sleeping_.load(std::memory_order_seq_cst)) return;
    // It either holds the mutex and has not looked yet, or waits.
    { const std::lock_guard guard(mutex_); }
    wake_.notify_all();
}

void VcpuThread::run_on(void (*function)(void* data), void* data) {
    if (is_here()) return work_inside(function, data);
    Work work{function, data, current, false};
    {
        std::unique_lock guard(mutex_);
        if (!running_) {
            guard.unlock();
            return function(data);
        }
        work_.push_back(&work);
    }
    settled_.notify_all();
    kick();
    // The vCPU may be waiting for the machine lock.
    without_lock(lock_, [&] {
        if (current) return current->serve_until(work);
        std::unique_lock guard(mutex_);
        settled_.wait(guard, [&] { return work.done; });
    });
}

/// Another vCPU does `work` for this one, which does meanwhile what is asked of it: the other may ask it as well.
void VcpuThread::serve_until(const Work& work) {
    std::unique_lock guard(mutex_);
    for (;;) {
        do_work();
        if (work.done) return;
        pauses();
        settled_.wait(guard, [&] { return work.done || !work_.empty(); });
        goes_on();
    }
}

/// With mutex_ held, which is dropped around each.
void VcpuThread::do_work() {
    while (!work_.empty()) {
        Work* work = work_.front();
        work_.erase(work_.begin());
        mutex_.unlock();
        work_begins();
        work->function(work->data);
        work_ends();
        VcpuThread& waiting = work->requester ? *work->requester : *this;
        {
            const std::lock_guard guard(waiting.mutex_);
            work->done = true;  // it may be gone from here on
        }
        waiting.settled_.notify_all();
        mutex_.lock();
    }
}

}  // namespace backplane
