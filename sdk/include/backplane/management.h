// Management commands that a part serves. What there is (names, arguments, help) stands in the type's rows
// (CommandInfo, EventInfo, OptionInfo in <backplane/type.h>); this is how they are carried out.
//
// Such a type derives from "service". One object of it is made per machine, below /machine/services, when one of its
// options is given or one of its commands is first called.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The answer to one call. Owner: the host. Exactly one of succeed() and fail() is called, from within execute() or
/// later, once; after it the reply is gone. A monitor that went away meanwhile is no concern of the caller's.
/// Thread: holding the machine lock.
class CommandReply {
  public:
    /// `json`: the text of what comes back ("{}" for nothing).
    virtual void succeed(Str json) = 0;
    /// A text for people: programs get {"human-readable-text": …}.
    virtual void succeed_text(Str text) = 0;
    virtual void fail(Str description) = 0;
    /// error_class: "GenericError", "CommandNotFound", "DeviceNotFound", "DeviceNotActive", "KVMMissingCap"
    virtual void fail_as(Str error_class, Str description) = 0;
    /// The descriptor that came with the call, or that getfd or add-fd gave this name: it becomes the caller's. -1 and
    /// a reason when there is none.
    virtual int take_descriptor(Str name, Errors& errors) = 0;

  protected:
    ~CommandReply() = default;
};

/// Offered by the part of a type that has command rows. Thread: the host loop, holding the machine lock.
class CommandHandler {
  public:
    static constexpr const char* kId = "backplane.command-handler/1";
    /// `command`: the row's name, or its human face when it has no other. `arguments`: JSON text of an object, already
    /// checked against the row.
    virtual void execute(Str command, Str arguments, CommandReply& reply) = 0;

  protected:
    ~CommandHandler() = default;
};

}  // namespace backplane
