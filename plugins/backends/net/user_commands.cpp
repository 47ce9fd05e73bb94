#include "user_commands.h"

#include <backplane/text.h>

#include <lib/json.h>

namespace backplane::net {

std::vector<UserNetworkCommands::Network> UserNetworkCommands::networks() {
    std::vector<Network> found;
    Object* folder = backend_context(object_).find("/netdevs");
    for (std::size_t index = 0; folder && index < folder->child_count(); ++index) {
        Object& netdev = *folder->child_at(index);
        if (auto* network = query<UserNetwork>(netdev))
            found.push_back({std::string(netdev.id().view()), network});
    }
    return found;
}

UserNetwork* UserNetworkCommands::choose(const std::string& id, CommandReply& reply) {
    const std::vector<Network> all = networks();
    if (id.empty() && all.size() == 1) return all.front().network;
    for (const Network& each : all)
        if (!id.empty() && each.id == id) return each.network;
    if (!id.empty()) reply.fail("unrecognized netdev id '" + id + "'");
    else
        reply.fail(all.empty() ? "there is no user network"
                               : "there are several user networks; name one by its id");
    return nullptr;
}

void UserNetworkCommands::show(CommandReply& reply) {
    TextBuffer text;
    for (const Network& each : networks()) {
        text.append("Hub -1 (" + each.id + "):\n");
        each.network->write_connections(text);
    }
    reply.succeed_text(text.text());
}

void UserNetworkCommands::execute(Str command, Str arguments, CommandReply& reply) {
    if (command == Str("info usernet")) return show(reply);
    const Json given = parse_json(arguments.view());
    const std::string first = given.value(kFirst, ""), second = given.value(kSecond, "");
    UserNetwork* network = choose(second.empty() ? "" : first, reply);
    if (!network) return;
    const std::string rule = second.empty() ? first : second;
    if (command == Str("hostfwd_add")) {
        ErrorText reason;
        return network->add_forward(rule, reason) ? reply.succeed_text("") : reply.fail(reason.text());
    }
    switch (network->remove_forward(rule)) {
    case UserNetwork::Removal::Removed:
        return reply.succeed_text("host forwarding rule for " + rule + " removed\n");
    case UserNetwork::Removal::NotFound: return reply.fail("host forwarding rule for " + rule + " not found");
    case UserNetwork::Removal::BadFormat: return reply.fail("invalid format");
    }
}

}  // namespace backplane::net
