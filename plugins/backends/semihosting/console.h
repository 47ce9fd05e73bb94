// The console that guests write to and read from: a character device, or this program's stderr.
#pragma once

#include <backplane/char.h>
#include <backplane/draft/semihosting.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::semihosting {

/// Thread: holding the machine lock.
class Console final : public CharFront {
  public:
    bool connect(CharBackend& back);
    void disconnect();

    /// False: there is no room; `caller` is told when there is.
    bool write(std::string_view text, SemihostingCaller& caller);
    /// What was typed, at most `size` bytes and at least one; nothing yet, and `caller` is told when there is. Empty:
    /// nobody can type.
    std::optional<std::string> read(std::size_t size, SemihostingCaller& caller);
    void forget(SemihostingCaller& caller) { std::erase(waiting_, &caller); }

  private:
    static constexpr std::size_t kInputLimit = 4096, kOutputLimit = 1u << 20;

    std::size_t can_receive() override { return kInputLimit - input_.size(); }
    void receive(Bytes bytes) override;
    void char_event(CharEvent) override {}
    void can_send() override;
    void flush();
    void wait(SemihostingCaller& caller);
    void wake();

    CharBackend* back_ = nullptr;
    std::string input_, output_;
    std::vector<SemihostingCaller*> waiting_;
};

}  // namespace backplane::semihosting
