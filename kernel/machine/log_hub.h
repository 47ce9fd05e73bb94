// The process's log: categories that -d and --trace switch on, written through spdlog to stderr or -D's file.
#pragma once

#include <backplane/log.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

/// Thread: any, after configuration.
class LogHub {
  public:
    LogHub();
    ~LogHub();
    /// Switches a category on ("in_asm", "int", "guest_errors", "unimp", a plugin's own name, or "all").
    void enable(std::string_view category);
    void disable_all();
    bool enabled(std::string_view category) const;
    /// -D: false and a reason when the file cannot be written.
    bool set_file(const std::string& path, Errors& errors);
    /// Warnings and errors always appear ("backplane: warning: …"); what is below only when its category is on.
    void write(LogLevel level, std::string_view category, std::string_view message);
    void guest_error(std::string_view who, std::string_view key, std::string_view message);

  private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
    std::set<std::string, std::less<>> enabled_;
    bool all_ = false;
    std::mutex mutex_;
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
