// GLib's log is the process's; whose message it is, is known to the thread that called the library.
#include "library_messages.h"

#include <string>

#include <glib.h>

namespace backplane::net {

namespace {

thread_local Log* current = nullptr;

void hear(const gchar*, GLogLevelFlags level, const gchar* message, gpointer) {
    if (!current || !message) return;
    const bool serious = level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    const std::string text = std::string("user network: ") + message;
    // What a guest's packets bring about is said once.
    if (serious) current->guest_error(text, text);
    else current->write(LogLevel::Debug, "network", text);
}

void listen_once() {
    static const guint handler = g_log_set_handler(
        "Slirp", GLogLevelFlags(G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION), hear, nullptr);
    static_cast<void>(handler);
}

}  // namespace

LibraryMessages::LibraryMessages(Log& log) : before_(current) {
    listen_once();
    current = &log;
}

LibraryMessages::~LibraryMessages() { current = before_; }

}  // namespace backplane::net
