// A line of input on a terminal: editing, history, completion. It knows bytes in and bytes out, no device.
//
// Keys (as in readline): arrows, Home, End, Delete; Ctrl-a e b f p n k u w d h l c; Alt-b Alt-f; Tab. Characters of
// more than one byte (UTF-8) are edited as one; each is taken to be one column wide.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::monitor {

class LineEditor {
  public:
    using Write = std::function<void(std::string_view)>;
    /// Gets a finished line. It may write; the prompt is shown again afterwards, unless it says false: then by
    /// show_prompt() later.
    using Accept = std::function<bool(const std::string& line)>;
    /// What the last word of the line before the cursor may become.
    using Complete = std::function<std::vector<std::string>(const std::string& before)>;

    static constexpr std::size_t kMaximumLine = 4096;
    static constexpr std::size_t kMaximumHistory = 64;

    LineEditor(std::string prompt, Write write, Accept accept, Complete complete);

    void show_prompt();
    void feed(std::string_view bytes);
    /// Forgets the line and a half-read key, not the history.
    void reset();
    const std::string& line() const { return line_; }

  private:
    enum class State { Plain, Escape, Bracket, Single };

    void plain(char c);
    void escape(char c);
    void sequence(char final);
    void insert(char c);
    void erase(std::size_t from, std::size_t to);
    void move_to(std::size_t position);
    void enter();
    void browse(int direction);
    void complete();
    void redraw();
    std::size_t left_of(std::size_t position) const;
    std::size_t right_of(std::size_t position) const;
    std::size_t word_left() const;
    std::size_t word_right() const;

    std::string prompt_;
    Write write_;
    Accept accept_;
    Complete complete_;
    std::string line_;
    std::size_t cursor_ = 0;
    std::vector<std::string> history_;
    std::size_t browsing_ = 0;  ///< index into history_; its size: the line that is being written
    std::string written_;       ///< that line, while history is shown
    State state_ = State::Plain;
    std::string parameter_;
    bool after_return_ = false;
};

}  // namespace backplane::monitor
