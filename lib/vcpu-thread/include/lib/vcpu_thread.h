// The thread of a vCPU: it has the guest run, sleeps while the CPU has nothing to do, stands while the machine does, and
// between two visits to the guest it does what other threads ask of it. What an accelerator adds are the hooks.
#pragma once

#include <backplane/draft/address_space.h>
#include <backplane/draft/cpu.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace backplane {

class VcpuThread : public VcpuRunner {
  public:
    VcpuThread(const VcpuThread&) = delete;
    VcpuThread& operator=(const VcpuThread&) = delete;

    // ---- the accelerator's side. Thread: main, or holding the machine lock
    void start();
    /// Asks it to stop; wait_stopped() returns when it has, and the state of the CPU is complete then. The machine lock must
    /// not be held while waiting.
    void request_stop();
    void wait_stopped();
    /// The CPU's state was changed from outside. It runs, or stands.
    void state_changed();

    // ---- VcpuRunner
    void kick() final;
    void run_on(void (*work)(void* data), void* data) final;

  protected:
    /// `kind` is in the thread's name on the host: "CPU 0/KIND".
    VcpuThread(MachineLock& lock, Cpu& cpu, const char* kind)
        : cpu_(cpu), run_state_(cpu.run_state()), lock_(lock), kind_(kind) {}
    ~VcpuThread() = default;
    /// When all that the hooks use is there; it stands.
    void begin_thread();
    /// While all that is there still. Nothing when it never began.
    void end_thread();
    /// Is the caller this thread?
    bool is_here() const { return current == this; }
    /// Of the host. Valid from thread_begins() until end_thread() returns.
    std::thread& thread() { return thread_; }

    // ---- hooks. Thread: the vCPU's own, without a lock, unless said
    virtual void thread_begins() {}
    virtual void thread_ends() {}
    /// It has been started,
    virtual void run_begins() {}
    /// and stops: the CPU's state becomes complete.
    virtual void run_ends() = 0;
    /// Into the guest, as often as it likes while nothing is requested (CpuRunState::exit_request) and waits() is false.
    virtual void run_guest() = 0;
    /// Nothing to execute until somebody asks, or wakes() says so.
    virtual bool waits() const = 0;
    virtual bool wakes() const = 0;
    /// state_changed() was called, or it runs for the first time. With mutex_.
    virtual void state_was_changed() = 0;
    /// Looks at interrupts, and at what the accelerator itself left to do.
    virtual void take_requests() = 0;
    /// Work of others begins, which sees and may change the CPU's state; and is done.
    virtual void work_begins() {}
    virtual void work_ends() {}
    /// Work that a device handler asks for on this very thread, in the middle of an instruction.
    virtual void work_inside(void (*work)(void* data), void* data) { work(data); }
    /// It waits for another vCPU and touches nothing meanwhile. With mutex_.
    virtual void pauses() {}
    virtual void goes_on() {}
    /// Makes it leave the guest where exit_request alone does not. Thread: any.
    virtual void push_out() {}

    Cpu& cpu_;
    CpuRunState& run_state_;
    std::mutex mutex_;
    std::condition_variable settled_;  ///< others wait for it, with mutex_
    bool running_ = false;             ///< from start() until it stands. With mutex_

  private:
    struct Work {
        void (*function)(void* data);
        void* data;
        VcpuThread* requester;  ///< whose thread waits for it; null: one that is no vCPU's
        bool done;              ///< with the mutex of the requester, or that of who does it
    };
    void thread_main();
    void run();
    bool look_at_requests();
    void wait_for_work();
    void do_work();
    void serve_until(const Work& work);

    static thread_local VcpuThread* current;

    MachineLock& lock_;
    const char* const kind_;
    std::thread thread_;
    std::condition_variable wake_;  ///< its thread waits for it
    std::atomic<bool> sleeping_{false};
    bool go_ = false, quit_ = false;
    bool state_stale_ = true;  ///< as it is before the first start
    std::vector<Work*> work_;
};

/// Lets go of the machine lock, however often it is held, for what a vCPU may have to finish with it.
template <class Wait>
void without_lock(MachineLock& lock, Wait wait) {
    unsigned depth = 0;
    for (; lock.held(); ++depth) lock.unlock();
    wait();
    for (; depth > 0; --depth) lock.lock();
}

/// The vCPUs of an accelerator, each a VcpuThread, which come while all stand, and go at any time. Thread: main, or holding
/// the machine lock.
template <class Vcpu>
class Vcpus {
  public:
    /// It stands until the next start().
    void add(Cpu& cpu, std::unique_ptr<Vcpu> vcpu) { all_.emplace_back(&cpu, std::move(vcpu)); }
    /// Stops it. Nothing when there is none for `cpu`.
    void remove(Cpu& cpu, MachineLock& lock) {
        std::unique_ptr<Vcpu> gone;
        for (auto& [its_cpu, vcpu] : all_)
            if (its_cpu == &cpu) gone = std::move(vcpu);
        if (!gone) return;
        std::erase_if(all_, [](const auto& entry) { return !entry.second; });
        gone->request_stop();
        without_lock(lock, [&] { gone->wait_stopped(); });
    }
    void clear() { all_.clear(); }
    void start() {
        for_each([](Vcpu& vcpu) { vcpu.start(); });
    }
    void request_stop() {
        for_each([](Vcpu& vcpu) { vcpu.request_stop(); });
    }
    /// Returns when all stand.
    void stop(MachineLock& lock) {
        request_stop();
        without_lock(lock, [this] { for_each([](Vcpu& vcpu) { vcpu.wait_stopped(); }); });
    }
    template <class Visit>
    void for_each(Visit visit) {
        for (auto& [cpu, vcpu] : all_) visit(*vcpu);
    }
    Vcpu* find(const Cpu& cpu) {
        for (auto& [its_cpu, vcpu] : all_)
            if (its_cpu == &cpu) return vcpu.get();
        return nullptr;
    }
    Vcpu* at(std::uint32_t index) const {
        for (const auto& [its_cpu, vcpu] : all_)
            if (its_cpu->index() == index) return vcpu.get();
        return nullptr;
    }
    bool empty() const { return all_.empty(); }

  private:
    std::vector<std::pair<Cpu*, std::unique_ptr<Vcpu>>> all_;
};

}  // namespace backplane
