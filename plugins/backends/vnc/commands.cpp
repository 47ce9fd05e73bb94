// What monitors ask of VNC servers and tell them.
#include "server.h"

#include <algorithm>

namespace backplane::vnc {
namespace {

Json basic(const Address& address) {
    return {{"host", address.host},
            {"service", address.service},
            {"family", address.family},
            {"websocket", false}};
}

/// Those that the command line made.
std::vector<Server*> servers(Object& object) {
    std::vector<Server*> found;
    for_each_below(root_of(object), [&](Object& each) {
        if (auto* server = query<Server>(each); server && server->given()) found.push_back(server);
    });
    return found;
}

Json first_server(const std::vector<Server*>& all) {
    if (all.empty() || !all[0]->listening()) return {{"enabled", false}};
    const Server& server = *all[0];
    Json answer = {{"enabled", true}};
    answer.update(server.address());
    answer.erase("websocket");
    answer["auth"] = server.authentication();
    answer["clients"] = server.clients();
    return answer;
}

Json each_server(const std::vector<Server*>& all) {
    Json answer = Json::array();
    for (const Server* server : all) {
        Json one = {{"id", server->name_}, {"server", Json::array()}, {"clients", server->clients()}};
        if (server->listening()) {
            Json place = server->address();
            place["auth"] = server->authentication();
            one["server"].push_back(std::move(place));
        }
        one["auth"] = server->authentication();
        if (!server->display_.empty()) one["display"] = server->display_;
        answer.push_back(std::move(one));
    }
    return answer;
}

std::string place_text(const Json& place) {
    return place["host"].get<std::string>() + ":" + place["service"].get<std::string>() + " (" +
           place["family"].get<std::string>() + ")\n";
}

std::string for_people(const std::vector<Server*>& all) {
    std::string text;
    for (const Server* server : all) {
        const std::string authentication = std::string("Auth: ") + server->authentication() + "\n";
        text += server->name_ + ":\n";
        if (server->listening())
            text += "  Server: " + place_text(server->address()) + "    " + authentication;
        for (const Json& client : server->clients()) text += "  Client: " + place_text(client);
        text += "  " + authentication;
    }
    return text.empty() ? "None\n" : text;
}

/// The servers that a password is for: that of the name, or the first one.
Server* server_of(const std::vector<Server*>& all, const Json& given, CommandReply& reply) {
    const std::string name = given.value("display", "");
    const auto found = std::ranges::find_if(
        all, [&](const Server* server) { return name.empty() || server->name_ == name; });
    if (found != all.end()) return *found;
    reply.fail(name.empty() ? "there is no VNC server; -vnc makes one"
                            : "there is no VNC server '" + name + "'");
    return nullptr;
}

bool for_vnc(const Json& given, CommandReply& reply) {
    if (given.value("protocol", "") == "vnc") return true;
    reply.fail("there is no SPICE; the protocol is vnc");
    return false;
}

void give_password(Server& server, const Json& given, CommandReply& reply) {
    const std::string connected = given.value("connected", "keep");
    if (!server.set_password(given.value("password", "")))
        return reply.fail("Could not set password: nobody is asked for one; start with -vnc …,password=on");
    if (connected == "disconnect") server.drop_clients();
    reply.succeed("{}");
}

void end_password(Server& server, const Json& given, CommandReply& reply) {
    const std::string time = given.value("time", "");
    if (!server.asks_for_password())
        return reply.fail(
            "Could not set password expire time: nobody is asked for one; start with -vnc …,password=on");
    if (!server.expire_password(time))
        return reply.fail("'" + time + "' is no time; give now, never, +SECONDS, or seconds since 1970");
    reply.succeed("{}");
}

}  // namespace

Json Server::clients() const {
    Json list = Json::array();
    for (const auto& client : clients_)
        if (client->entered() && !client->closed()) list.push_back(basic(client->address()));
    return list;
}

Json Server::address() const { return basic(listener_.address()); }

void Server::tell(const char* event, const Client& client) const {
    if (!listening()) return;
    Json server = address();
    server["auth"] = authentication();
    const Json data = {{"server", server}, {"client", basic(client.address())}};
    context_.emit_event(event, json_text(data));
}

void Server::execute(Str command, Str arguments, CommandReply& reply) {
    const std::vector<Server*> all = servers(object_);
    if (command == Str("query-vnc")) return reply.succeed(json_text(first_server(all)));
    if (command == Str("query-vnc-servers")) return reply.succeed(json_text(each_server(all)));
    if (command == Str("info vnc")) return reply.succeed_text(for_people(all));
    const Json given = parse_json(arguments.view());
    if (command != Str("change-vnc-password") && !for_vnc(given, reply)) return;
    Server* server = server_of(all, given, reply);
    if (!server) return;
    if (command == Str("expire_password")) end_password(*server, given, reply);
    else give_password(*server, given, reply);
}

}  // namespace backplane::vnc
