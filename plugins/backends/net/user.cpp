// "user": a network of its own for the guest, behind NAT, without privileges (libslirp).
//
// Not here: SMB, and state in a snapshot.
#include "net_base.h"
#include "slirp_stack.h"
#include "user_commands.h"

#include <backplane/backend.h>
#include <backplane/draft/user_network.h>
#include <backplane/net.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

namespace backplane::net {

namespace {

constexpr unsigned kGuestForwardDevices = 4;

class UserNet final : public NetBase, public UserNetwork, SlirpStack::Receiver {
  public:
    explicit UserNet(Object& object) : NetBase(object) {}

    bool ipv4_ = true, ipv6_ = true, restrict_ = false;
    std::string net_, host_, dhcp_start_, dns_, ipv6_prefix_, ipv6_host_, ipv6_dns_;
    std::uint8_t ipv6_prefix_length_ = 64;
    std::string hostname_, tftp_, tftp_server_name_, bootfile_, domain_name_;
    std::vector<std::string> forwards_, guest_forwards_, dns_search_;
    std::string smb_, smb_server_;
    CharBackend* guest_forward_devices_[kGuestForwardDevices] = {};
    mutable std::string joined_;

    bool complete(Errors& errors) override {
        StackOptions options{.network = {},
                             .ipv4 = ipv4_,
                             .ipv6 = ipv6_,
                             .ipv6_prefix_length = ipv6_prefix_length_,
                             .restricted = restrict_,
                             .hostname = hostname_,
                             .tftp = tftp_,
                             .tftp_server_name = tftp_server_name_,
                             .bootfile = bootfile_,
                             .domain_name = domain_name_,
                             .dns_search = dns_search_};
        const NetworkText text{net_,       host_,     dhcp_start_,         dns_,     ipv6_prefix_,
                               ipv6_host_, ipv6_dns_, ipv6_prefix_length_, forwards_};
        std::string problem = parse_network(text, options.network);
        if (problem.empty()) problem = check_names();
        if (!smb_.empty() || !smb_server_.empty())
            problem =
                "smb= and smbserver=: there is no SMB server; share a folder with tftp=, or from a server "
                "of this host";
        if (!ipv4_ && !ipv6_) problem = "ipv4=off and ipv6=off: nothing is left";
        if (problem.empty()) {
            BackendContext& context = this->context();
            auto* machine_clock = static_cast<Clock*>(context.host_interface(Clock::kId));
            Clock& clock = machine_clock ? *machine_clock : context.loop().host_clock();
            Receiver& receiver = *this;
            stack_ = std::make_unique<SlirpStack>(
                context.loop(), clock, *static_cast<Entropy*>(context.host_interface(Entropy::kId)),
                context.log(), receiver);
            problem = stack_->start(options);
        }
        for (const std::string& forward : guest_forwards_)
            if (problem.empty()) problem = add_guest_forward(forward);
        if (problem.empty()) return true;
        stack_.reset();
        return fail(errors, problem);
    }
    void shut_down() override { stack_.reset(); }
    void describe(TextSink& out) const override {
        const std::string network = net_.empty() ? "10.0.2.0" : net_.substr(0, net_.find('/'));
        out.append("net=" + network + ",restrict=" + (restrict_ ? "on" : "off"));
    }

    // --- UserNetwork ---
    bool add_forward(Str rule, Errors& errors) override {
        Forward forward;
        std::string problem = parse_forward(std::string(rule.view()), forward);
        if (problem.empty()) problem = stack_->add_forward(forward);
        if (problem.empty()) return true;
        errors.fail(problem);
        return false;
    }
    Removal remove_forward(Str rule) override {
        Forward forward;
        if (!parse_host_side(std::string(rule.view()), forward)) return Removal::BadFormat;
        return stack_->remove_forward(forward) ? Removal::Removed : Removal::NotFound;
    }
    void write_connections(TextSink& out) override { out.append(stack_->connections()); }

  private:
    /// What fits into the fields that DHCP has for it (RFC 2131, 2132).
    std::string check_names() const {
        if (bootfile_.size() > 127) return "bootfile= is longer than 127 bytes, and DHCP cannot tell it";
        for (const auto& [name, value] : {std::pair{"hostname", &hostname_},
                                          {"domainname", &domain_name_},
                                          {"tftp-server-name", &tftp_server_name_}})
            if (!value->empty() && !is_domain_name(*value))
                return std::string(name) + "=" + value->substr(0, 80) + " is no name of a host";
        for (const std::string& domain : dns_search_)
            if (!is_domain_name(domain)) return "dnssearch=" + domain.substr(0, 80) + " is no domain's name";
        return {};
    }
    std::string add_guest_forward(const std::string& text) {
        GuestForwardRule rule;
        if (std::string problem = parse_guest_forward(text, rule); !problem.empty()) return problem;
        const auto blamed = [&](const std::string& problem) {
            return problem.empty() ? problem : "guestfwd=" + text + ": " + problem;
        };
        if (rule.kind == GuestForwardRule::Kind::Command)
            return blamed(stack_->add_command(rule.address, rule.port, rule.target));
        if (rule.kind == GuestForwardRule::Kind::UnixSocket)
            return blamed(stack_->add_unix(rule.address, rule.port, rule.target));
        Object* device = context().find(rule.target);
        if (!device || !query<CharBackend>(*device))
            return blamed("there is no chardev '" + rule.target + "'");
        // A link, so that the device does not go while it is used here.
        for (unsigned i = 0; i < kGuestForwardDevices; ++i) {
            if (guest_forward_devices_[i]) continue;
            ErrorText reason;
            if (!object().set_link("guestfwd-chardev." + std::to_string(i), device, reason))
                return blamed(reason.text());
            return blamed(stack_->add_chardev(rule.address, rule.port, *guest_forward_devices_[i]));
        }
        return blamed("at most " + std::to_string(kGuestForwardDevices) + " lead to character devices");
    }

    void transmit(Bytes frame) override {
        if (stack_) stack_->input(frame);
    }
    void resume() override {
        if (stack_) stack_->resume();
    }
    bool take_frame(Bytes frame) override { return deliver(frame); }

    std::unique_ptr<SlirpStack> stack_;
};

template <unsigned Index>
constexpr PropertyInfo device_property(const char* name) {
    return {.name = name,
            .kind = PropertyKind::Link,
            .summary = "the character device of a guestfwd",
            .choices = CharBackend::kId,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    static_cast<UserNet*>(part)->guest_forward_devices_[Index] =
                        value.object ? query<CharBackend>(*value.object) : nullptr;
                    return true;
                },
            .get = [](const void*, PropertyValue&) {}};
}

/// A property that may be given several times.
template <auto Member>
constexpr PropertyInfo list_property(PropertyInfo info) {
    info.kind = PropertyKind::String;
    info.set = [](void* part, const PropertyValue& value, Errors&) {
        (static_cast<UserNet*>(part)->*Member).emplace_back(value.text.view());
        return true;
    };
    info.get = [](const void* part, PropertyValue& value) {
        const auto& net = *static_cast<const UserNet*>(part);
        net.joined_.clear();
        for (const std::string& item : net.*Member) net.joined_ += (net.joined_.empty() ? "" : " ") + item;
        value.text = net.joined_;
    };
    return info;
}

constexpr PropertyInfo kProperties[] = {
    property<&UserNet::ipv4_>(
        {.name = "ipv4", .summary = "IPv4 in the guest's network", .default_text = "on"}),
    property<&UserNet::ipv6_>(
        {.name = "ipv6", .summary = "IPv6 in the guest's network", .default_text = "on"}),
    property<&UserNet::net_>({.name = "net", .summary = "the network, ADDRESS/BITS (10.0.2.0/24)"}),
    property<&UserNet::host_>({.name = "host", .summary = "this host as the guest sees it (10.0.2.2)"}),
    property<&UserNet::dhcp_start_>(
        {.name = "dhcpstart", .summary = "the first address of DHCP (10.0.2.15)"}),
    property<&UserNet::dns_>({.name = "dns", .summary = "the name server as the guest sees it (10.0.2.3)"}),
    property<&UserNet::ipv6_prefix_>({.name = "ipv6-prefix", .summary = "the IPv6 network (fec0::)"}),
    property<&UserNet::ipv6_prefix_length_>(
        {.name = "ipv6-prefixlen", .summary = "bits of the prefix", .default_text = "64"}),
    property<&UserNet::ipv6_host_>(
        {.name = "ipv6-host", .summary = "this host as the guest sees it (fec0::2)"}),
    property<&UserNet::ipv6_dns_>({.name = "ipv6-dns", .summary = "the name server (fec0::3)"}),
    property<&UserNet::restrict_>(
        {.name = "restrict", .summary = "the guest reaches nothing but forwards", .default_text = "off"}),
    property<&UserNet::hostname_>({.name = "hostname", .summary = "the name that DHCP gives to the guest"}),
    property<&UserNet::domain_name_>({.name = "domainname", .summary = "the domain that DHCP gives"}),
    list_property<&UserNet::dns_search_>(
        {.name = "dnssearch", .summary = "a domain to search; several times"}),
    list_property<&UserNet::forwards_>(
        {.name = "hostfwd",
         .summary = "[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT, host to guest; several times"}),
    list_property<&UserNet::guest_forwards_>(
        {.name = "guestfwd",
         .summary =
             "[tcp]:ADDRESS:PORT-chardev:ID, -cmd:COMMAND or -unix:PATH, guest to host; several times"}),
    device_property<0>("guestfwd-chardev.0"),
    device_property<1>("guestfwd-chardev.1"),
    device_property<2>("guestfwd-chardev.2"),
    device_property<3>("guestfwd-chardev.3"),
    property<&UserNet::smb_>({.name = "smb", .summary = "not there"}),
    property<&UserNet::smb_server_>({.name = "smbserver", .summary = "not there"}),
    property<&UserNet::tftp_>({.name = "tftp", .summary = "a directory that is offered by TFTP"}),
    property<&UserNet::tftp_server_name_>(
        {.name = "tftp-server-name", .summary = "the boot server that DHCP names"}),
    property<&UserNet::bootfile_>({.name = "bootfile", .summary = "the boot file that DHCP names"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<UserNet, NetBackend>(), offers<UserNet, NetLink>(),
                                         offers<UserNet, NetTapPoint>(), offers<UserNet, Completable>(),
                                         offers<UserNet, UserNetwork>()};
constexpr InterfaceInfo kCommandInterfaces[] = {offers<UserNetworkCommands, CommandHandler>()};
constexpr TypeInfo kTypes[] = {
    backend_type<UserNet>({.name = "netdev-user",
                           .parent = "netdev",
                           .summary = "a network behind NAT, without privileges",
                           .option_name = "user",
                           .interfaces = kInterfaces,
                           .properties = kProperties}),
    {.name = "user-network-commands",
     .parent = "service",
     .summary = "what monitors ask of user networks",
     .interfaces = kCommandInterfaces,
     .commands = kUserNetworkCommands,
     .instance_init = make_part<UserNetworkCommands>,
     .instance_finalize = free_part<UserNetworkCommands>},
};

}  // namespace
}  // namespace backplane::net

BACKPLANE_PLUGIN("netdev-user", "1.0", "Backplane", backplane::net::kTypes)
