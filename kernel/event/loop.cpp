#include "kernel/event/loop.h"

#include "kernel/event/machine_lock.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <deque>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace backplane::kernel {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// One watched descriptor: a duplicate is registered, so that two watches of one descriptor do not collide. The
/// state outlives the watch while a wait is under way. Touched with the machine lock held.
class Watch final : public FdWatch, public std::enable_shared_from_this<Watch> {
  public:
    Watch(asio::io_context& context, MachineLock& lock, int fd, FdHandler& handler, Callee& callee)
        : context_(context),
          lock_(lock),
          descriptor_(context),
          handler_(handler),
          callee_(&callee),
          fd_(fd) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// False when the host has no descriptor, or no place in its reactor, left.
    bool open() {
        flags_ = fcntl(fd_, F_GETFL);
        const int copy = fcntl(fd_, F_DUPFD_CLOEXEC, 3);
        if (copy < 0) return false;
        error_code error;
        descriptor_.assign(copy, error);
        if (error) ::close(copy);
        return !error;
    }
    void keep(std::shared_ptr<Watch> self) { self_ = std::move(self); }

    void want(bool readable, bool writable) override {
        assert_lock_held(lock_);
        wanted_[0] = readable;
        wanted_[1] = writable;
        wait(0);
        wait(1);
    }

    void release() override {
        assert_lock_held(lock_);
        const std::shared_ptr<Watch> self = std::move(self_);
        close();
    }

    bool belongs_to(const Callee& callee) const { return callee_ == &callee; }
    /// Nobody is called any more; whoever holds it may still release it.
    void orphan() {
        callee_ = nullptr;
        close();
    }
    bool held() const { return self_ != nullptr; }
    void abandon() {
        orphan();
        self_.reset();
    }

  private:
    void close() {
        if (!descriptor_.is_open()) return;
        error_code ignored;
        descriptor_.close(ignored);
        // The reactor made it non-blocking, and that is shared with whoever else has it open.
        if (flags_ >= 0 && !(flags_ & O_NONBLOCK)) fcntl(fd_, F_SETFL, flags_);
    }
    void wait(unsigned side) {
        if (!self_ || !callee_ || !wanted_[side] || waiting_[side]) return;
        waiting_[side] = true;
        if (always_ready_) {
            asio::post(context_, [self = self_, side] { self->ready(side, {}); });
            return;
        }
        const auto kind = side == 0 ? asio::posix::stream_descriptor::wait_read
                                    : asio::posix::stream_descriptor::wait_write;
        descriptor_.async_wait(kind,
                               [self = self_, side](const error_code& error) { self->ready(side, error); });
    }

    void ready(unsigned side, const error_code& error) {
        const std::lock_guard guard(lock_);
        waiting_[side] = false;
        if (!self_ || !callee_ || error == asio::error::operation_aborted) return;
        if (error == asio::error::operation_not_supported || error == error_code(EPERM, error.category()))
            always_ready_ = true;
        if (wanted_[side])
            contained(*callee_, "fd_ready()", [&] { handler_.fd_ready(fd_, side == 0, side == 1); });
        wait(side);
    }

    asio::io_context& context_;
    MachineLock& lock_;
    asio::posix::stream_descriptor descriptor_;
    FdHandler& handler_;
    Callee* callee_;  ///< null: it is gone
    int fd_;
    int flags_ = -1;
    bool always_ready_ = false;
    bool wanted_[2] = {false, false};
    bool waiting_[2] = {false, false};
    std::shared_ptr<Watch> self_;  ///< until release()
};

}  // namespace

class HostLoop::Implementation {
  public:
    Implementation(HostLoop& loop, MachineLock& machine_lock)
        : lock(machine_lock), loop_(loop), timer_(context_), keep_running_(context_.get_executor()) {
        const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
        timer_.assign(fd);
        wait_for_timer();
    }

    /// What is still watched does not keep itself.
    ~Implementation() {
        for (const std::weak_ptr<Watch>& entry : watches_)
            if (const auto watch = entry.lock()) watch->abandon();
    }

    FdWatch* watch(int fd, FdHandler& handler, bool readable, bool writable, Callee& callee) {
        auto watch = std::make_shared<Watch>(context_, lock, fd, handler, callee);
        if (!watch->open()) return nullptr;
        watch->keep(watch);
        std::erase_if(watches_, [](const std::weak_ptr<Watch>& entry) { return entry.expired(); });
        watches_.push_back(watch);
        watch->want(readable, writable);
        return watch.get();
    }

    void post(Work& work, Callee& callee) {
        const std::lock_guard guard(queue_mutex_);
        for (const Posted& posted : queue_)
            if (posted.work == &work) return;
        queue_.push_back({&work, &callee});
        if (queue_.size() == 1) asio::post(context_, [this] { run_work(); });
    }

    void cancel(Work& work) {
        const std::lock_guard guard(queue_mutex_);
        std::erase_if(queue_, [&](const Posted& posted) { return posted.work == &work; });
    }

    std::size_t forget(const Callee& callee) {
        std::size_t count = 0;
        for (const std::weak_ptr<Watch>& entry : watches_) {
            const auto watch = entry.lock();
            if (!watch || !watch->held() || !watch->belongs_to(callee)) continue;
            watch->orphan();
            ++count;
        }
        const std::lock_guard guard(queue_mutex_);
        return count + std::erase_if(queue_, [&](const Posted& posted) { return posted.callee == &callee; });
    }

    /// Sets the timer to the first deadline of both clocks, unless it will fire before that anyway.
    void program_timer() {
        const std::uint64_t first =
            std::min(loop_.host_clock_.next_deadline(), loop_.virtual_clock_.host_deadline());
        if (first >= programmed_) return;
        programmed_ = first;
        itimerspec when{};
        // A time of zero would switch it off.
        const std::uint64_t at = std::max<std::uint64_t>(first, 1);
        when.it_value.tv_sec = time_t(at / 1'000'000'000);
        when.it_value.tv_nsec = long(at % 1'000'000'000);
        timerfd_settime(timer_.native_handle(), TFD_TIMER_ABSTIME, &when, nullptr);
    }

    void handle_signals(std::function<void(int)> handler) {
        std::signal(SIGPIPE, SIG_IGN);
        signal_handler_ = std::move(handler);
        if (signals_) return;
        // What would end the process by itself leaves its terminal and its files as it should.
        signals_.emplace(context_, SIGINT, SIGTERM, SIGHUP);
        for (const int number :
             {SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU})
            signals_->add(number);
        wait_for_signal();
    }

    int run() {
        context_.restart();
        running_ = true;
        if (!stopped_) context_.run();
        running_ = false;
        stopped_ = false;
        return exit_code_;
    }
    bool running() const { return running_; }
    Lifetime::Outcome wait_for(int fd, bool readable, bool writable) {
        if (running_) return Lifetime::Outcome::Ending;
        Arrival arrival;
        FdWatch* watched = watch(fd, arrival, readable, writable, loop_.anybody_);
        if (!watched) throw std::system_error(EMFILE, std::generic_category(), "cannot watch a descriptor");
        while (!arrival.seen && !stopped_ && !loop_.ending()) {
            context_.restart();
            context_.run_one();
        }
        watched->release();
        return arrival.seen ? Lifetime::Outcome::Ready : Lifetime::Outcome::Ending;
    }
    void stop(int exit_code) {
        exit_code_ = exit_code;
        stopped_ = true;
        context_.stop();
    }
    std::size_t run_ready() {
        context_.restart();
        return context_.poll();
    }
    bool run_once(unsigned limit_ms) {
        context_.restart();
        return context_.run_one_for(std::chrono::milliseconds(limit_ms)) != 0;
    }

    MachineLock& lock;

  private:
    struct Arrival final : FdHandler {
        void fd_ready(int, bool, bool) override { seen = true; }
        bool seen = false;
    };
    struct Posted {
        Work* work = nullptr;
        Callee* callee = nullptr;
    };
    void run_work() {
        const std::lock_guard guard(lock);
        // What is posted meanwhile waits for the next round: descriptors and timers get their turn.
        for (std::size_t left = queued(); left > 0; --left) {
            const Posted next = next_work();
            if (!next.work) return;
            contained(*next.callee, "run()", [&] { next.work->run(); });
        }
        if (queued() > 0) asio::post(context_, [this] { run_work(); });
    }
    std::size_t queued() {
        const std::lock_guard guard(queue_mutex_);
        return queue_.size();
    }
    Posted next_work() {
        const std::lock_guard guard(queue_mutex_);
        if (queue_.empty()) return {};
        const Posted next = queue_.front();
        queue_.pop_front();
        return next;
    }

    void wait_for_timer() {
        timer_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
            if (error) return;
            std::uint64_t expirations = 0;
            while (read(timer_.native_handle(), &expirations, sizeof expirations) < 0 && errno == EINTR) {}
            {
                const std::lock_guard guard(lock);
                programmed_ = kNever;
                loop_.host_clock_.run_due();
                loop_.virtual_clock_.run_due();
                program_timer();
            }
            wait_for_timer();
        });
    }

    void wait_for_signal() {
        signals_->async_wait([this](const error_code& error, int signal) {
            if (error) return;
            {
                const std::lock_guard guard(lock);
                signal_handler_(signal);
            }
            wait_for_signal();
        });
    }

    static constexpr std::uint64_t kNever = ~std::uint64_t(0);

    HostLoop& loop_;
    asio::io_context context_;
    asio::posix::stream_descriptor timer_;
    asio::executor_work_guard<asio::io_context::executor_type> keep_running_;
    std::uint64_t programmed_ = kNever;  ///< what the timer is set to
    std::optional<asio::signal_set> signals_;
    std::function<void(int)> signal_handler_;
    std::mutex queue_mutex_;
    std::deque<Posted> queue_;
    std::vector<std::weak_ptr<Watch>> watches_;
    std::atomic<bool> stopped_{false};
    std::atomic<bool> running_{false};
    std::atomic<int> exit_code_{0};
};

HostLoop::HostLoop(MachineLock& lock, const HostTime& time)
    : host_clock_(time, this, anybody_),
      virtual_clock_(time, this, anybody_),
      wall_clock_(time, virtual_clock_),
      implementation_(std::make_unique<Implementation>(*this, lock)) {}

HostLoop::~HostLoop() = default;

FdWatch* HostLoop::watch(int fd, FdHandler& handler, bool readable, bool writable) {
    return watch(fd, handler, readable, writable, anybody_);
}

FdWatch* HostLoop::watch(int fd, FdHandler& handler, bool readable, bool writable, Callee& callee) {
    return implementation_->watch(fd, handler, readable, writable, callee);
}

void HostLoop::post(Work& work) { implementation_->post(work, anybody_); }
void HostLoop::post(Work& work, Callee& callee) { implementation_->post(work, callee); }

std::size_t HostLoop::forget(const Callee& callee) {
    assert_lock_held(implementation_->lock);
    return implementation_->forget(callee) + host_clock_.timers().orphan(callee) +
           virtual_clock_.timers().orphan(callee);
}

void HostLoop::cancel(Work& work) {
    assert_lock_held(implementation_->lock);
    implementation_->cancel(work);
}

bool HostLoop::running() const { return implementation_->running(); }

Lifetime::Outcome HostLoop::wait_for(int fd, bool readable, bool writable) {
    assert_lock_held(implementation_->lock);
    return implementation_->wait_for(fd, readable, writable);
}

void HostLoop::deadline_moved() {
    assert_lock_held(implementation_->lock);
    implementation_->program_timer();
}

void HostLoop::handle_signals(std::function<void(int)> handler) {
    implementation_->handle_signals(std::move(handler));
}

int HostLoop::run() { return implementation_->run(); }

void HostLoop::stop(int exit_code) { implementation_->stop(exit_code); }

std::size_t HostLoop::run_ready() { return implementation_->run_ready(); }

bool HostLoop::run_once(unsigned limit_ms) { return implementation_->run_once(limit_ms); }

}  // namespace backplane::kernel
