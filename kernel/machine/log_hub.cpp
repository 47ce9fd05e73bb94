#include "kernel/machine/log_hub.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::kernel {

/// Where lines go. Each is written at once, and by itself: the last ones are those that matter when the program crashes.
class LogHub::Sink {
  public:
    explicit Sink(int descriptor, bool own = false) : descriptor_(descriptor), own_(own) {}
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    ~Sink() {
        if (own_) close(descriptor_);
    }

    void write(std::initializer_list<std::string_view> parts) {
        std::string line;
        for (const std::string_view part : parts) line += part;
        line += '\n';
        const std::lock_guard guard(mutex_);
        for (std::string_view rest = line; !rest.empty();) {
            const ssize_t done = ::write(descriptor_, rest.data(), rest.size());
            if (done < 0 && errno == EINTR) continue;
            if (done < 0) return fail(errno);
            rest.remove_prefix(std::size_t(done));
        }
    }

  private:
    void fail(int error) {
        if (std::exchange(failed_, true)) return;
        std::fprintf(stderr, "backplane: the log cannot be written: %s\n", std::strerror(error));
    }

    std::mutex mutex_;
    int descriptor_;
    bool own_;
    bool failed_ = false;
};

LogHub::LogHub() : sink_(std::make_unique<Sink>(STDERR_FILENO)) { disable_all(); }
LogHub::~LogHub() = default;

void LogHub::enable(std::string_view category) {
    const std::lock_guard guard(mutex_);
    auto next = std::make_unique<Categories>(*categories_.load());
    if (category == "all") next->all = true;
    else next->names.emplace(category);
    publish(std::move(next));
}

void LogHub::disable_all() {
    const std::lock_guard guard(mutex_);
    publish(std::make_unique<Categories>());
}

void LogHub::publish(std::unique_ptr<const Categories> next) {
    categories_.store(next.get(), std::memory_order_release);
    published_.push_back(std::move(next));
}

bool LogHub::enabled(std::string_view category) const {
    const Categories& now = *categories_.load(std::memory_order_acquire);
    return now.all || now.names.contains(category);
}

bool LogHub::set_file(const std::string& path, Errors& errors) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
    const int file = open(path.c_str(), kFlags, 0666);
    if (file < 0) {
        errors.fail("Could not open log file '" + path + "': " + std::strerror(errno));
        return false;
    }
    sink_ = std::make_unique<Sink>(file, true);
    return true;
}

void LogHub::write(LogLevel level, std::string_view category, std::string_view message) {
    switch (level) {
    case LogLevel::Error: return sink_->write({style_.prefix(), message});
    case LogLevel::Warning: return sink_->write({style_.prefix(), "warning: ", message});
    default:
        if (enabled(category)) sink_->write({message});
    }
}

void LogHub::guest_error(std::string_view who, std::string_view key, std::string_view message) {
    if (!enabled("guest_errors")) return;
    {
        const std::lock_guard guard(mutex_);
        if (reported_.size() > kMaximumGuestErrors) return;
        if (!reported_.insert(std::string(who) + "\n" + std::string(key)).second) return;
        if (reported_.size() > kMaximumGuestErrors) message = "and more guest errors, which are not shown";
    }
    sink_->write({who, ": ", message});
}

}  // namespace backplane::kernel
