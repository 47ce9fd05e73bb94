// What people ask of user networks in a monitor: "hostfwd_add", "hostfwd_remove", "info usernet".
#pragma once

#include <backplane/backend.h>
#include <backplane/draft/user_network.h>
#include <backplane/management.h>
#include <backplane/type.h>

#include <string>
#include <vector>

namespace backplane::net {

inline constexpr const char* kFirst = "netdev-or-rule";
inline constexpr const char* kSecond = "rule";
inline constexpr ArgumentInfo kForwardArguments[] = {
    {.name = kFirst, .summary = "the netdev's id, or the rule of the only user network"},
    {.name = kSecond,
     .required = false,
     .summary = "[tcp|udp]:[ADDRESS]:PORT, host to guest; to add one, with -[ADDRESS]:PORT"},
};
inline constexpr CommandInfo kUserNetworkCommands[] = {
    {.human = "hostfwd_add",
     .summary = "let a port of the host lead to the guest",
     .arguments = kForwardArguments},
    {.human = "hostfwd_remove",
     .summary = "let a port of the host lead there no more",
     .arguments = kForwardArguments},
    {.human = "info usernet", .summary = "the connections of user networks"},
};

/// Thread: as CommandHandler.
class UserNetworkCommands final : public CommandHandler {
  public:
    explicit UserNetworkCommands(Object& object) : object_(object) {}
    void execute(Str command, Str arguments, CommandReply& reply) override;

  private:
    struct Network {
        std::string id;
        UserNetwork* network;
    };
    std::vector<Network> networks();
    /// That of `id`, or without one the only one there is; null when it was refused.
    UserNetwork* choose(const std::string& id, CommandReply& reply);
    void show(CommandReply& reply);

    Object& object_;
};

}  // namespace backplane::net
