// The object that a debugger connects to: a character device with a session behind it.
#pragma once

#include "session.h"

#include <backplane/backend.h>
#include <backplane/char.h>
#include <backplane/management.h>

#include <memory>

namespace backplane::gdb {

/// Thread: the host loop, with the machine lock held.
class GdbServer final : public Completable, public CommandHandler, CharFront {
  public:
    explicit GdbServer(Object& object) : object_(object) {}

    bool complete(Errors& errors) override;
    void shut_down() override;
    void execute(Str command, Str arguments, CommandReply& reply) override;

    std::string device_;
    CharBackend* chardev_ = nullptr;
    // What may stand behind the device: -gdb unix:PATH,server=on,wait=off
    std::string server_, wait_, no_delay_, reconnect_;

  private:
    // CharFront
    std::size_t can_receive() override;
    void receive(Bytes bytes) override;
    void char_event(CharEvent event) override;
    void can_send() override;

    bool open(std::string_view device, Errors& errors);
    bool connect(CharBackend& back, Errors& errors);
    void close();
    void write(std::string_view bytes);
    Session& session();

    Object& object_;
    Object* own_chardev_ = nullptr;  ///< made for this one
    CharBackend* back_ = nullptr;    ///< connected
    std::unique_ptr<Session> session_;
    std::string output_;  ///< not taken yet
    bool receiving_ = false;
};

}  // namespace backplane::gdb
