#include "kernel/machine/log_hub.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace backplane::kernel {
namespace {

/// The whole text as one: the library's formatter, compiled here, would cost more than all of this file.
std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts) text += part;
    return text;
}

}  // namespace

struct LogHub::Sink {
    explicit Sink(spdlog::sink_ptr sink) : logger("backplane", std::move(sink)) {
        logger.set_pattern("%v");
        logger.set_level(spdlog::level::trace);
        // The library would write a line of its own to stderr, every second.
        logger.set_error_handler([this](const std::string& reason) {
            if (std::exchange(failed, true)) return;
            std::fprintf(stderr, "backplane: the log cannot be written: %s\n", reason.c_str());
        });
        logger.flush_on(
            spdlog::level::trace);  // the last lines are those that matter when the program crashes
    }
    spdlog::logger logger;
    bool failed = false;  ///< with the library's own lock
};

LogHub::LogHub() {
    write_to(std::make_unique<Sink>(std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    disable_all();
}
LogHub::~LogHub() { sink_.load()->logger.flush(); }

void LogHub::write_to(std::unique_ptr<Sink> sink) {
    const std::lock_guard guard(mutex_);
    sink_.store(sink.get(), std::memory_order_release);
    sinks_.push_back(std::move(sink));
}

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
    std::FILE* probe = std::fopen(path.c_str(), "w");
    if (!probe) {
        errors.fail("Could not open log file '" + path + "': " + std::strerror(errno));
        return false;
    }
    std::fclose(probe);
    write_to(std::make_unique<Sink>(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path)));
    return true;
}

void LogHub::write(LogLevel level, std::string_view category, std::string_view message) {
    switch (level) {
    case LogLevel::Error:
        sink_.load()->logger.log(spdlog::level::err, joined({style_.prefix(), message}));
        return;
    case LogLevel::Warning:
        sink_.load()->logger.log(spdlog::level::warn, joined({style_.prefix(), "warning: ", message}));
        return;
    default:
        if (enabled(category)) sink_.load()->logger.log(spdlog::level::info, spdlog::string_view_t(message));
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
    sink_.load()->logger.log(spdlog::level::info, joined({who, ": ", message}));
}

}  // namespace backplane::kernel
