// What the host gives to a backend, and to any object that is neither a device nor a board.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/machine/object_loop.h"
#include "kernel/object/instance.h"

#include <backplane/backend.h>

namespace backplane::kernel {

struct MachineParts;

class BackendHost final : public InstanceHost, public BackendContext {
  public:
    BackendHost(MachineParts& machine, Instance& instance);
    ~BackendHost() override;

    void* query(Str interface_id) override;
    bool realize(Instance& instance, Errors& errors) override;
    void unrealize(Instance& instance) override;
    void broke(const std::string& message) override;

    Object& object() override { return instance_; }
    EventLoop& loop() override { return events_.loop(); }
    Log& log() override { return log_; }
    void request_quit() override;
    void emit_event(Str name, Str json) override;
    Object* find(Str id) override;
    void* host_interface(Str interface_id) override;

  private:
    void shut_down(const std::vector<Completable*>& parts);
    MachineParts& machine_;
    Instance& instance_;
    ObjectLog log_;
    ObjectEvents events_;
};

}  // namespace backplane::kernel
