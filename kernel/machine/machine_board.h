// The machine object: its board, from the type's name to the board's description of itself.
#pragma once

#include "kernel/object/grown_rows.h"

#include <backplane/board.h>

#include <string_view>

namespace backplane::kernel {

class BoardHost;
class Instance;
class Type;
struct MachineParts;

/// Thread: main, holding the machine lock.
class MachineBoard {
  public:
    explicit MachineBoard(MachineParts& machine) : machine_(machine) {}

    /// Makes the object; its version's compat defaults hold from here on.
    bool set_type(std::string_view type, Errors& errors);
    /// Null before set_type(), and for a device on a bench.
    Instance* object() { return object_; }
    const BoardTraits& traits() const { return traits_; }
    bool build(Errors& errors);
    bool finish(Errors& errors);
    /// Is everything of the command line there?
    bool finished() const { return finished_; }
    /// After the devices: boot code and start addresses.
    void reset();
    /// `instance` is about to go.
    void forget(Instance& instance);

  private:
    BoardHost& host();
    /// What users of this type should know before they rely on it.
    void warn_of(const Type& type) const;

    MachineParts& machine_;
    Instance* object_ = nullptr;
    Board* board_ = nullptr;
    BoardTraits traits_;  ///< what the board was built with, at this host's size
    GrownRows rows_;      ///< what traits_ points to
    bool finished_ = false;
};

}  // namespace backplane::kernel
