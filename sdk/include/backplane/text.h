// Text in both directions: sinks that keep what they are given, and numbers as they are shown.
#pragma once

#include <backplane/abi.h>

#include <charconv>
#include <string>

namespace backplane {

/// An Errors sink that keeps the first message, which is the cause of those that follow.
class ErrorText final : public Errors {
  public:
    void fail(Str message) override {
        if (text_.empty()) text_ = message.view();
    }
    const std::string& text() const { return text_; }
    bool failed() const { return !text_.empty(); }
    void clear() { text_.clear(); }

  private:
    std::string text_;
};

/// For a first try whose failure is nobody's business.
class IgnoredErrors final : public Errors {
  public:
    void fail(Str) override {}
};

/// A TextSink that keeps all.
class TextBuffer final : public TextSink {
  public:
    void append(Str text) override { text_ += text.view(); }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

/// "1f", without a prefix.
inline std::string hex(std::uint64_t value) {
    char text[16];
    return {text, std::to_chars(text, text + sizeof text, value, 16).ptr};
}

}  // namespace backplane
