// "query-kvm" and "info kvm".
#pragma once

#include <backplane/backend.h>
#include <backplane/draft/debug.h>
#include <backplane/management.h>
#include <backplane/type.h>

namespace backplane::kvm {

/// Thread: as CommandHandler. It is made for machines of other accelerators too.
class KvmListing final : public CommandHandler {
  public:
    explicit KvmListing(Object& object) : object_(object) {}
    void execute(Str command, Str, CommandReply& reply) override {
        auto& control =
            *static_cast<DebugControl*>(backend_context(object_).host_interface(DebugControl::kId));
        const Object* accelerator = control.accelerator_object();
        const bool enabled = accelerator && accelerator->is_a("kvm-accel");
        if (command == Str("info kvm"))
            return reply.succeed_text(enabled ? "kvm support: enabled\n" : "kvm support: disabled\n");
        reply.succeed(enabled ? R"({"enabled": true, "present": true})"
                              : R"({"enabled": false, "present": true})");
    }

  private:
    Object& object_;
};

inline constexpr ArgumentInfo kKvmInfo[] = {{.name = "enabled", .kind = ArgumentKind::Flag},
                                            {.name = "present", .kind = ArgumentKind::Flag}};
inline constexpr CommandInfo kListingCommands[] = {
    {.name = "query-kvm",
     .summary = "does the kernel's KVM run the machine?",
     .returns = "KvmInfo",
     .when = command_when::kBuilt | command_when::kIncoming,
     .results = kKvmInfo},
    {.human = "info kvm",
     .summary = "does the kernel's KVM run the machine?",
     .when = command_when::kBuilt | command_when::kIncoming},
};

}  // namespace backplane::kvm
