// What people and programs ask of a machine's networks: "info network", and "set_link", which pulls a plug.
#include <backplane/backend.h>
#include <backplane/management.h>
#include <backplane/net.h>
#include <backplane/plugin.h>
#include <backplane/text.h>

#include <lib/json.h>

#include <algorithm>
#include <string>
#include <vector>

namespace backplane::net {

namespace {

/// A property's text; nothing where the object has no such property.
std::string text_of(Object& object, const char* property) {
    IgnoredErrors none;
    TextBuffer value;
    return object.get_property(property, value, none) ? value.text() : "";
}

std::string id_of(const Object& object) { return std::string(object.id().view()); }

/// "netdev-user" is "user".
std::string type_of(const Object& netdev) {
    constexpr std::string_view kPrefix = "netdev-";
    const std::string_view type = netdev.type_name().view();
    return std::string(type.starts_with(kPrefix) ? type.substr(kPrefix.size()) : type);
}

/// A card, and the network that it is plugged into, if there is one.
struct Card {
    Object* device;
    std::string name;
    Object* netdev;
};

class NetworkCommands final : public CommandHandler {
  public:
    explicit NetworkCommands(Object& object) : context_(backend_context(object)) {}

    void execute(Str command, Str arguments, CommandReply& reply) override {
        if (command == Str("info network")) return show(reply);
        const Json given = parse_json(arguments.view());
        const Json& up = given["up"];
        set_link(given["name"], up.is_boolean() ? up.get<bool>() : up == "on", reply);
    }

  private:
    void show(CommandReply& reply) {
        std::string text;
        std::vector<const Object*> shown;
        for (const Card& card : cards()) {
            text += card.name + ": index=0,type=nic,model=" + std::string(card.device->type_name().view()) +
                    ",macaddr=" + text_of(*card.device, "mac") + "\n";
            if (!card.netdev) continue;
            text += " \\ " + line_of(*card.netdev);
            shown.push_back(card.netdev);
        }
        Object* folder = context_.find("/netdevs");
        for (std::size_t i = 0; folder && i < folder->child_count(); ++i)
            if (Object* netdev = folder->child_at(i);
                query<NetBackend>(*netdev) && std::ranges::find(shown, netdev) == shown.end())
                text += line_of(*netdev);
        reply.succeed_text(text);
    }

    static std::string line_of(Object& netdev) {
        TextBuffer more;
        if (const auto* link = query<NetLink>(netdev)) link->describe(more);
        return id_of(netdev) + ": index=0,type=" + type_of(netdev) + (more.text().empty() ? "" : ",") +
               more.text() + "\n";
    }

    /// By the id of a card, or of its network: both are ends of one wire.
    void set_link(const std::string& name, bool up, CommandReply& reply) {
        Object* netdev = context_.find(name);
        for (const Card& card : cards()) {
            if (card.name != name) continue;
            if (!card.netdev) return reply.fail("'" + name + "' is plugged into no network (netdev=)");
            netdev = card.netdev;
        }
        auto* link = netdev ? query<NetLink>(*netdev) : nullptr;
        if (link) {
            link->set_link(up);
            return reply.succeed("{}");
        }
        if (netdev && query<NetBackend>(*netdev))
            return reply.fail("network '" + name + "' has no plug that can be pulled");
        reply.fail_as("DeviceNotFound", "Device '" + name + "' not found");
    }

    /// In the order in which they were made.
    std::vector<Card> cards() {
        std::vector<Card> found;
        if (Object* machine = context_.find("/machine")) collect(*machine, found);
        return found;
    }
    void collect(Object& object, std::vector<Card>& found) {
        IgnoredErrors none;
        TextBuffer netdev;
        // What is below a card has the same properties.
        if (object.is_a("device") && object.get_property("netdev", netdev, none)) {
            std::string name = id_of(object);
            if (name.empty()) name = numbered(object, found);
            found.push_back({&object, name, netdev.text().empty() ? nullptr : context_.find(netdev.text())});
            return;
        }
        for (std::size_t i = 0; i < object.child_count(); ++i) collect(*object.child_at(i), found);
    }
    /// "e1000.1": the second one of those without an id.
    static std::string numbered(const Object& object, const std::vector<Card>& found) {
        const std::string start = std::string(object.type_name().view()) + ".";
        const auto same = std::ranges::count_if(found, [&](const Card& card) {
            return card.name.starts_with(start) && id_of(*card.device).empty();
        });
        return start + std::to_string(same);
    }

    BackendContext& context_;
};

constexpr ArgumentInfo kLink[] = {
    {.name = "name", .summary = "a card's id, or its network's"},
    {.name = "up", .kind = ArgumentKind::Flag},
};
constexpr ArgumentInfo kTypedLink[] = {
    {.name = "name", .summary = "a card's id, or its network's"},
    {.name = "up", .choices = "on|off"},
};
constexpr CommandInfo kCommands[] = {
    {.name = "set_link", .summary = "plug a network's cable in, or pull it out", .arguments = kLink},
    {.human = "set_link", .summary = "plug a network's cable in, or pull it out", .arguments = kTypedLink},
    {.human = "info network", .summary = "network cards and what they are plugged into"},
};
constexpr InterfaceInfo kInterfaces[] = {offers<NetworkCommands, CommandHandler>()};
constexpr TypeInfo kTypes[] = {
    {.name = "network-commands",
     .parent = "service",
     .summary = "what monitors ask of networks",
     .interfaces = kInterfaces,
     .commands = kCommands,
     .instance_init = make_part<NetworkCommands>,
     .instance_finalize = free_part<NetworkCommands>},
};

}  // namespace
}  // namespace backplane::net

BACKPLANE_PLUGIN("network-commands", "1.0", "Backplane", backplane::net::kTypes)
