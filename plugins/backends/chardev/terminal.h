// The process's terminal in raw mode, and as it was again whatever way the process ends.
#pragma once

namespace backplane::chardev {

/// How the terminal on descriptor 0 was, while it is raw. One at a time in a process.
class RawTerminal {
  public:
    RawTerminal() = default;
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() { leave(); }

    /// No echo, no line editing; `signals`: Ctrl-c and the like still reach the process. Nothing when descriptor 0
    /// is no terminal. False when another has it.
    bool enter(bool signals);
    void leave();

  private:
    bool entered_ = false;
};

}  // namespace backplane::chardev
