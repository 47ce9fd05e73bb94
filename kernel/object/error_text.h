// An Errors sink that keeps the message.
#pragma once

#include <backplane/abi.h>

#include <string>

namespace backplane::kernel {

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

class TextBuffer final : public TextSink {
  public:
    void append(Str text) override { text_ += text.view(); }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace backplane::kernel
