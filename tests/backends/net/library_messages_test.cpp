// GLib's messages of the domain "Slirp" reach a log, and nobody's terminal.
#include "plugins/backends/net/library_messages.h"

#include <gtest/gtest.h>

#include <string>

#include <glib.h>

namespace backplane::net {
namespace {

struct Journal final : Log {
    bool enabled(Str) const override { return true; }
    void write(LogLevel, Str, Str message) override { text += message.view(); }
    void guest_error(Str, Str message) override { text += message.view(); }
    std::string text;
};

TEST(LibraryMessages, AreWrittenToTheLog) {
    Journal outer, inner;
    ::testing::internal::CaptureStderr();
    {
        const LibraryMessages messages(outer);
        {
            const LibraryMessages nested(inner);
            g_log("Slirp", G_LOG_LEVEL_CRITICAL, "assertion '%s' failed", "x");
        }
        g_log("Slirp", G_LOG_LEVEL_WARNING, "a warning");
    }
    g_log("Slirp", G_LOG_LEVEL_CRITICAL, "nobody called");
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(inner.text, "user network: assertion 'x' failed");
    EXPECT_EQ(outer.text, "user network: a warning");
}

}  // namespace
}  // namespace backplane::net
