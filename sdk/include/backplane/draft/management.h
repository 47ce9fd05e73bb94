// Draft: needs the exact host build. The machine's management commands, as monitors serve them: by name with JSON
// arguments for programs, as lines for people.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>

#include <string>
#include <vector>

namespace backplane {

class Cpu;

/// What a command gave.
struct ManagementReply {
    bool ok = true;
    std::string json;         ///< the value of "return"
    std::string error_class;  ///< "GenericError", "CommandNotFound", "DeviceNotFound"
    std::string description;  ///< of the error
    std::string text;         ///< of a line: what a person reads, also of an error. Lines end in '\n'
};

/// A monitor's client. Thread: holding the machine lock, on the host loop.
class ManagementCaller {
  public:
    /// The answer to its call: one for each, within execute() or later.
    virtual void management_reply(const ManagementReply& reply) = 0;
    /// The oldest descriptor that came over its connection and was not taken yet: it becomes the caller's. -1: none.
    virtual int take_passed_descriptor() = 0;

  protected:
    ~ManagementCaller() = default;
};

/// Thread: holding the machine lock.
class ManagementListener {
  public:
    /// A whole event as JSON text on one line: {"timestamp": …, "event": "STOP", "data": …}.
    virtual void management_event(Str json) = 0;

  protected:
    ~ManagementListener() = default;
};

/// The host interface "backplane.management/draft". Thread: holding the machine lock, on the host loop.
class Management {
  public:
    static constexpr const char* kId = "backplane.management/draft";
    /// The value of "version" in a greeting.
    virtual std::string version_json() const = 0;
    /// `arguments`: JSON text of an object, or empty. The answer goes to `caller`, which makes its next call then.
    virtual void execute(Str command, Str arguments, ManagementCaller& caller) = 0;
    /// Runs a line as a person types it.
    virtual void execute_human(Str line, ManagementCaller& caller) = 0;
    /// The CPU that people look at (`cpu N`); null when the machine has none.
    virtual Cpu* current_cpu() const = 0;
    /// The client is gone: its descriptors are closed, and no answer comes any more.
    virtual void forget(ManagementCaller& caller) = 0;
    /// What the last word of `line` may become; whole words.
    virtual std::vector<std::string> complete(Str line) = 0;
    virtual void add_listener(ManagementListener& listener) = 0;
    virtual void remove_listener(ManagementListener& listener) = 0;

  protected:
    ~Management() = default;
};

}  // namespace backplane
