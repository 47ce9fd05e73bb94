#include "kernel/barrier/callee.h"

#include "kernel/barrier/exception_text.h"
#include "kernel/barrier/plugin_map.h"
#include "kernel/barrier/throw_site.h"

#include <cstdio>
#include <utility>

namespace backplane::kernel {

constinit thread_local CallRecord current_call;

Callee::Callee(std::string plugin, std::string type, std::string object)
    : plugin_(std::move(plugin)),
      who_((plugin_.empty() ? std::string("the core") : "plugin '" + plugin_ + "'") + ", type '" + type +
           "', object '" + object + "'") {}

std::string Callee::threw(std::string_view call) const {
    std::string text = who_ + ": " + std::string(call) + " threw " + current_exception_text();
    const MappedPlugin* thrower = last_throw_plugin();
    const std::string code = thrower ? "plugin '" + std::string(thrower->name) + "'" : "";
    if (!who_.starts_with(code)) text += " (in code of " + code + ")";
    return text;
}

std::string Callee::refused_silently(std::string_view call) const {
    return who_ + ": " + std::string(call) + " refused without a reason";
}

void Callee::fail(std::string_view call) {
    const MappedPlugin* thrower = last_throw_plugin();
    const bool breaks = breaks_ && (!thrower || thrower->name == plugin_);
    if (broken() || (!breaks && std::exchange(reported_, true))) return;
    if (breaks) broken_ = true;
    const std::string message = threw(call);
    if (handler_) handler_(message);
    else std::fprintf(stderr, "backplane: %s\n", message.c_str());
}

}  // namespace backplane::kernel
