#include "user_network.h"

#include <charconv>
#include <string_view>
#include <utility>

#include <arpa/inet.h>

namespace backplane::net {

namespace {

bool parse_address(const std::string& text, in_addr& address) {
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

template <class T>
bool parse_number(std::string_view text, T& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

in_addr mask_of(unsigned bits) { return {htonl(bits ? ~std::uint32_t(0) << (32 - bits) : 0)}; }

/// "10.0.2.0", "10.0.2.0/24" or "10.0.2.0/255.255.255.0".
bool parse_subnet(const std::string& text, in_addr& network, in_addr& mask) {
    const std::size_t slash = text.find('/');
    if (!parse_address(text.substr(0, slash), network)) return false;
    mask = mask_of(24);
    if (slash == std::string::npos) return true;
    const std::string given = text.substr(slash + 1);
    unsigned bits = 0;
    if (parse_number(given, bits) && bits >= 1 && bits <= 30) {
        mask = mask_of(bits);
        return true;
    }
    if (!parse_address(given, mask)) return false;
    const std::uint32_t holes = ~ntohl(mask.s_addr);
    return (holes & (holes + 1)) == 0 && holes >= 3;
}

/// A host of the network: as given, or the `usual` number in it.
std::string parse_member(const char* name, const std::string& text, std::uint32_t usual,
                         const Network& network, in_addr& address) {
    if (text.empty()) {
        address.s_addr = network.network.s_addr | htonl(usual & ~ntohl(network.mask.s_addr));
        return {};
    }
    if (!parse_address(text, address)) return std::string(name) + "=" + text + " is no IPv4 address";
    if ((address.s_addr & network.mask.s_addr) != network.network.s_addr)
        return std::string(name) + "=" + text + " is outside of the network; give net= as well";
    return {};
}

std::string parse_member6(const char* name, const std::string& text, std::uint8_t usual,
                          const Network& network, in6_addr& address) {
    address = network.prefix6;
    address.s6_addr[15] |= usual;
    if (text.empty() || inet_pton(AF_INET6, text.c_str(), &address) == 1) return {};
    return std::string(name) + "=" + text + " is no IPv6 address";
}

/// "[ADDRESS]:PORT".
bool parse_end(const std::string& text, in_addr& address, std::uint16_t& port) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return false;
    const std::string host = text.substr(0, colon);
    return (host.empty() || parse_address(host, address)) &&
           parse_number(std::string_view(text).substr(colon + 1), port);
}

}  // namespace

bool is_domain_name(const std::string& text) {
    if (text.empty() || text.size() > 253) return false;
    std::size_t length = 0;
    for (const char letter : text) {
        if (letter == '.' && length == 0) return false;
        length = letter == '.' ? 0 : length + 1;
        if (length > 63) return false;
    }
    return true;
}

bool parse_host_side(const std::string& text, Forward& forward) {
    const std::size_t first = text.find(':');
    if (first == std::string::npos) return false;
    const std::string protocol = text.substr(0, first);
    if (!protocol.empty() && protocol != "tcp" && protocol != "udp") return false;
    forward.udp = protocol == "udp";
    return parse_end(text.substr(first + 1), forward.host_address, forward.host_port);
}

std::string parse_forward(const std::string& text, Forward& forward) {
    const std::string wrong =
        "hostfwd=" + text + " is not of the form [tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT";
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos || !parse_host_side(text.substr(0, dash), forward)) return wrong;
    if (!parse_end(text.substr(dash + 1), forward.guest_address, forward.guest_port)) return wrong;
    return forward.guest_port == 0 ? wrong : std::string();
}

std::string parse_guest_forward(const std::string& text, GuestForwardRule& rule) {
    const std::string wrong = "guestfwd=" + text +
                              " is not of the form [tcp]:ADDRESS:PORT-chardev:ID, …-cmd:COMMAND or "
                              "…-unix:PATH";
    const std::size_t first = text.find(':');
    const std::size_t dash = text.find('-');
    if (first == std::string::npos || dash == std::string::npos || dash < first) return wrong;
    const std::string protocol = text.substr(0, first);
    if (!protocol.empty() && protocol != "tcp") return wrong;
    if (!parse_end(text.substr(first + 1, dash - first - 1), rule.address, rule.port)) return wrong;
    if (rule.address.s_addr == 0 || rule.port == 0) return wrong;
    constexpr std::pair<std::string_view, GuestForwardRule::Kind> kKinds[] = {
        {"chardev:", GuestForwardRule::Kind::Chardev},
        {"cmd:", GuestForwardRule::Kind::Command},
        {"unix:", GuestForwardRule::Kind::UnixSocket}};
    for (const auto& [prefix, kind] : kKinds) {
        if (text.compare(dash + 1, prefix.size(), prefix) != 0) continue;
        rule.kind = kind;
        rule.target = text.substr(dash + 1 + prefix.size());
        return rule.target.empty() ? wrong : std::string();
    }
    return wrong;
}

std::string parse_network(const NetworkText& text, Network& network) {
    if (!parse_subnet(text.net.empty() ? "10.0.2.0/24" : text.net, network.network, network.mask))
        return "net=" + text.net + " is no network such as 10.0.2.0/24";
    network.network.s_addr &= network.mask.s_addr;
    struct Member {
        const char* name;
        const std::string& text;
        std::uint32_t usual;
        in_addr& address;
    };
    for (const Member& member : {Member{"host", text.host, 2, network.host},
                                 Member{"dhcpstart", text.dhcp_start, 15, network.dhcp_start},
                                 Member{"dns", text.dns, 3, network.dns}})
        if (std::string problem =
                parse_member(member.name, member.text, member.usual, network, member.address);
            !problem.empty())
            return problem;
    if (network.host.s_addr == network.dns.s_addr) return "dns= and host= must not be the same address";
    if (network.host.s_addr == network.dhcp_start.s_addr || network.dns.s_addr == network.dhcp_start.s_addr)
        return "dhcpstart= must be neither the address of the host nor that of the name server";
    const std::string prefix = text.ipv6_prefix.empty() ? "fec0::" : text.ipv6_prefix;
    if (inet_pton(AF_INET6, prefix.c_str(), &network.prefix6) != 1)
        return "ipv6-prefix=" + prefix + " is no IPv6 address";
    if (text.ipv6_prefix_length > 126) return "ipv6-prefixlen is 0 to 126";
    if (std::string problem = parse_member6("ipv6-host", text.ipv6_host, 2, network, network.host6);
        !problem.empty())
        return problem;
    if (std::string problem = parse_member6("ipv6-dns", text.ipv6_dns, 3, network, network.dns6);
        !problem.empty())
        return problem;
    for (const std::string& forward : text.forwards)
        if (std::string problem = parse_forward(forward, network.forwards.emplace_back()); !problem.empty())
            return problem;
    return {};
}

}  // namespace backplane::net
