#include "line_editor.h"

#include <algorithm>

namespace backplane::monitor {
namespace {

constexpr char control(char letter) { return char(letter & 0x1f); }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::size_t columns(std::string_view text) {
    return std::size_t(std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

std::string common_prefix(const std::vector<std::string>& words) {
    std::string prefix = words.front();
    for (const std::string& word : words)
        prefix.resize(std::size_t(std::ranges::mismatch(prefix, word).in1 - prefix.begin()));
    return prefix;
}

}  // namespace

LineEditor::LineEditor(std::string prompt, Write write, Accept accept, Complete complete)
    : prompt_(std::move(prompt)),
      write_(std::move(write)),
      accept_(std::move(accept)),
      complete_(std::move(complete)) {}

void LineEditor::show_prompt() { write_(prompt_ + line_); }

void LineEditor::reset() {
    line_.clear();
    cursor_ = 0;
    browsing_ = history_.size();
    state_ = State::Plain;
    after_return_ = false;
}

void LineEditor::feed(std::string_view bytes) {
    for (const char c : bytes) {
        switch (state_) {
        case State::Plain: plain(c); break;
        case State::Escape: escape(c); break;
        case State::Bracket:
            if ((c >= '0' && c <= '9') || c == ';') {
                if (parameter_.size() < 8) parameter_ += c;
                break;
            }
            [[fallthrough]];
        case State::Single:
            state_ = State::Plain;
            sequence(c);
            break;
        }
    }
}

void LineEditor::plain(char c) {
    // A terminal may send both ends of a line.
    const bool second_end = after_return_ && c == '\n';
    after_return_ = c == '\r';
    if (second_end) return;
    switch (c) {
    case '\r':
    case '\n': return enter();
    case '\t': return complete();
    case '\x1b': state_ = State::Escape; return;
    case '\x7f':
    case control('h'): return erase(left_of(cursor_), cursor_);
    case control('a'): return move_to(0);
    case control('e'): return move_to(line_.size());
    case control('b'): return move_to(left_of(cursor_));
    case control('f'): return move_to(right_of(cursor_));
    case control('p'): return browse(-1);
    case control('n'): return browse(1);
    case control('k'): return erase(cursor_, line_.size());
    case control('u'): return erase(0, cursor_);
    case control('w'): return erase(word_left(), cursor_);
    case control('d'): return erase(cursor_, right_of(cursor_));
    case control('l'): write_("\x1b[H\x1b[2J"); return redraw();
    case control('c'):
        write_("^C\r\n");
        reset();
        return show_prompt();
    default:
        if (static_cast<unsigned char>(c) >= 0x20) insert(c);
    }
}

void LineEditor::escape(char c) {
    state_ = State::Plain;
    parameter_.clear();
    if (c == '[') state_ = State::Bracket;
    else if (c == 'O') state_ = State::Single;
    else if (c == 'b') move_to(word_left());
    else if (c == 'f') move_to(word_right());
}

/// ECMA-48 control sequences as VT-like terminals send them for keys.
void LineEditor::sequence(char final) {
    switch (final) {
    case 'A': return browse(-1);
    case 'B': return browse(1);
    case 'C': return move_to(parameter_.ends_with(";5") ? word_right() : right_of(cursor_));
    case 'D': return move_to(parameter_.ends_with(";5") ? word_left() : left_of(cursor_));
    case 'H': return move_to(0);
    case 'F': return move_to(line_.size());
    case '~':
        if (parameter_ == "1" || parameter_ == "7") move_to(0);
        else if (parameter_ == "4" || parameter_ == "8") move_to(line_.size());
        else if (parameter_ == "3") erase(cursor_, right_of(cursor_));
        return;
    default: return;
    }
}

void LineEditor::insert(char c) {
    if (line_.size() >= kMaximumLine) return;
    const bool at_end = cursor_ == line_.size();
    line_.insert(line_.begin() + std::ptrdiff_t(cursor_), c);
    ++cursor_;
    if (at_end) write_({&c, 1});
    else redraw();
}

void LineEditor::erase(std::size_t from, std::size_t to) {
    if (from == to) return;
    line_.erase(from, to - from);
    cursor_ = from;
    redraw();
}

void LineEditor::move_to(std::size_t position) {
    if (position == cursor_) return;
    cursor_ = position;
    redraw();
}

void LineEditor::enter() {
    write_("\r\n");
    const std::string line = line_;
    const bool blank = line.find_first_not_of(' ') == std::string::npos;
    if (!blank && (history_.empty() || history_.back() != line)) history_.push_back(line);
    if (history_.size() > kMaximumHistory) history_.erase(history_.begin());
    line_.clear();
    cursor_ = 0;
    browsing_ = history_.size();
    if (blank || accept_(line)) show_prompt();
}

void LineEditor::browse(int direction) {
    if (direction < 0 ? browsing_ == 0 : browsing_ == history_.size()) return;
    if (browsing_ == history_.size()) written_ = line_;
    browsing_ = direction < 0 ? browsing_ - 1 : browsing_ + 1;
    line_ = browsing_ == history_.size() ? written_ : history_[browsing_];
    cursor_ = line_.size();
    redraw();
}

void LineEditor::complete() {
    const std::string before = line_.substr(0, cursor_);
    const std::vector<std::string> words = complete_(before);
    if (words.empty()) return;
    const std::size_t space = before.rfind(' ');
    const std::size_t typed = space == std::string::npos ? before.size() : before.size() - space - 1;
    std::string more = common_prefix(words);
    more.erase(0, std::min(typed, more.size()));
    if (words.size() == 1) more += ' ';
    if (more.empty()) {
        std::string list = "\r\n";
        for (const std::string& word : words) list += word + "  ";
        write_(list + "\r\n");
        return redraw();
    }
    if (line_.size() + more.size() > kMaximumLine) return;
    line_.insert(cursor_, more);
    cursor_ += more.size();
    redraw();
}

void LineEditor::redraw() {
    std::string text = "\r" + prompt_ + line_ + "\x1b[K";
    const std::size_t back = columns(std::string_view(line_).substr(cursor_));
    if (back) text += "\x1b[" + std::to_string(back) + "D";
    write_(text);
}

std::size_t LineEditor::left_of(std::size_t position) const {
    if (position == 0) return 0;
    do --position;
    while (position > 0 && continues_character(line_[position]));
    return position;
}

std::size_t LineEditor::right_of(std::size_t position) const {
    if (position == line_.size()) return position;
    do ++position;
    while (position < line_.size() && continues_character(line_[position]));
    return position;
}

std::size_t LineEditor::word_left() const {
    std::size_t position = cursor_;
    while (position > 0 && line_[position - 1] == ' ') --position;
    while (position > 0 && line_[position - 1] != ' ') --position;
    return position;
}

std::size_t LineEditor::word_right() const {
    std::size_t position = cursor_;
    while (position < line_.size() && line_[position] == ' ') ++position;
    while (position < line_.size() && line_[position] != ' ') ++position;
    return position;
}

}  // namespace backplane::monitor
