// The process's log: categories that -d and --trace switch on, written through spdlog to stderr or -D's file.
#pragma once

#include "kernel/machine/message_style.h"

#include <backplane/log.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

/// Thread: any.
class LogHub {
  public:
    LogHub();
    ~LogHub();
    /// Switches a category on ("in_asm", "int", "guest_errors", "unimp", a plugin's own name, or "all").
    void enable(std::string_view category);
    void disable_all();
    bool enabled(std::string_view category) const;
    /// -D and logfile: false and a reason when the file cannot be written.
    bool set_file(const std::string& path, Errors& errors);
    /// Before others write.
    void set_style(MessageStyle style) { style_ = std::move(style); }
    /// Warnings and errors always appear ("backplane: warning: …"); what is below only when its category is on.
    void write(LogLevel level, std::string_view category, std::string_view message);
    /// Once per (who, key), and not for ever more of them: what a guest can choose must not fill the host.
    void guest_error(std::string_view who, std::string_view key, std::string_view message);

    static constexpr std::size_t kMaximumGuestErrors = 1'000;

  private:
    struct Sink;
    struct Categories {
        std::set<std::string, std::less<>> names;
        bool all = false;
    };
    void publish(std::unique_ptr<const Categories> next);

    /// The one that is written, and those before it: whoever reads the pointer takes no lock.
    std::atomic<Sink*> sink_{nullptr};
    std::vector<std::unique_ptr<Sink>> sinks_;
    void write_to(std::unique_ptr<Sink> sink);
    MessageStyle style_;
    std::mutex mutex_;
    /// What is read without a lock is never changed, and kept until the end: users switch a few times at most.
    std::vector<std::unique_ptr<const Categories>> published_;
    std::atomic<const Categories*> categories_{nullptr};
    std::set<std::string, std::less<>> reported_;
};

/// The Log of one object.
class ObjectLog final : public Log {
  public:
    ObjectLog(LogHub& hub, std::string who) : hub_(hub), who_(std::move(who)) {}
    bool enabled(Str category) const override { return hub_.enabled(category); }
    void write(LogLevel level, Str category, Str message) override { hub_.write(level, category, message); }
    void guest_error(Str key, Str message) override { hub_.guest_error(who_, key, message); }

  private:
    LogHub& hub_;
    std::string who_;
};

}  // namespace backplane::kernel
