// What the host gives to a backend, and to any object that is neither a device nor a board.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/object/instance.h"

#include <backplane/backend.h>

namespace backplane::kernel {

struct MachineParts;

class BackendHost final : public InstanceHost, public BackendContext {
  public:
    BackendHost(MachineParts& machine, Instance& instance);

    void* query(Str interface_id) override;
    bool realize(Instance& instance, Errors& errors) override;
    void unrealize(Instance& instance) override;

    Object& object() override { return instance_; }
    EventLoop& loop() override;
    Log& log() override { return log_; }
    void request_quit() override;
    void emit_event(Str name, Str json) override;
    Object* find(Str id) override;
    void* host_interface(Str interface_id) override;

  private:
    MachineParts& machine_;
    Instance& instance_;
    ObjectLog log_;
};

}  // namespace backplane::kernel
