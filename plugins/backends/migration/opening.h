// From a place to a descriptor. What may take a while is done on the transfer's thread.
#pragma once

#include "channel.h"
#include "place.h"

namespace backplane::migration {

/// A command that was started for its input or output.
class ChildProcess {
  public:
    ChildProcess() = default;
    explicit ChildProcess(pid_t pid) : pid_(pid) {}
    ChildProcess(ChildProcess&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
    ChildProcess& operator=(ChildProcess&& other) noexcept {
        std::swap(pid_, other.pid_);
        return *this;
    }
    /// Ends it when nobody waited.
    ~ChildProcess();
    /// Waits for its end. False and a reason when it failed. True where there is none.
    bool wait(const BreakSignal& breaking, Errors& errors);

  private:
    pid_t pid_ = -1;
};

struct Opened {
    Descriptor descriptor;
    ChildProcess child;
};

enum class Direction { Save, Load };

/// A command, a file to load, or (to save) a socket to connect to. Thread: the transfer's.
bool open_place(const Place& place, Direction direction, const BreakSignal& breaking, Opened& opened,
                Errors& errors);
/// A socket that listens for one connection.
Descriptor listen_at(const Place& place, Errors& errors);
/// A descriptor that this process was started with, by its number.
Descriptor inherited(const std::string& number, Errors& errors);

}  // namespace backplane::migration
