#include "console.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace backplane::semihosting {

bool Console::connect(CharBackend& back) {
    back_ = &back;
    if (back.connect(this)) return true;
    back_ = nullptr;
    return false;
}

void Console::disconnect() {
    if (back_) back_->disconnect(*this);
    back_ = nullptr;
}

bool Console::write(std::string_view text, SemihostingCaller& caller) {
    if (!back_) {
        while (!text.empty()) {
            const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
            if (count <= 0) break;  // nobody can be told
            text.remove_prefix(std::size_t(count));
        }
        return true;
    }
    if (output_.size() >= kOutputLimit) {
        wait(caller);
        return false;
    }
    output_ += text;
    flush();
    return true;
}

void Console::flush() {
    while (back_ && !output_.empty()) {
        const std::size_t taken =
            back_->write({reinterpret_cast<const std::uint8_t*>(output_.data()), output_.size()});
        if (taken == 0) return;
        output_.erase(0, taken);
    }
}

std::optional<std::string> Console::read(std::size_t size, SemihostingCaller& caller) {
    if (!back_) return "";
    if (input_.empty()) {
        wait(caller);
        return std::nullopt;
    }
    std::string text = input_.substr(0, size);
    input_.erase(0, text.size());
    back_->accept_input();
    return text;
}

void Console::receive(Bytes bytes) {
    input_.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
    wake();
}

void Console::can_send() {
    flush();
    if (output_.size() < kOutputLimit) wake();
}

void Console::wait(SemihostingCaller& caller) {
    if (std::ranges::find(waiting_, &caller) == waiting_.end()) waiting_.push_back(&caller);
}

void Console::wake() {
    for (SemihostingCaller* caller : std::exchange(waiting_, {})) caller->retry();
}

}  // namespace backplane::semihosting
