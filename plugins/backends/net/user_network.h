// What `-netdev user` says of its network, from text to numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <netinet/in.h>

namespace backplane::net {

/// A port of the host that leads to one of the guest.
struct Forward {
    bool udp = false;
    in_addr host_address{};
    std::uint16_t host_port = 0;
    in_addr guest_address{};  ///< 0: the first that DHCP gives
    std::uint16_t guest_port = 0;
};

/// An address and port of the network that lead somewhere on the host.
struct GuestForwardRule {
    in_addr address{};
    std::uint16_t port = 0;
    enum class Kind : std::uint8_t { Chardev, Command, UnixSocket } kind = Kind::Chardev;
    std::string target;  ///< an id, a command line, a path
};

/// The properties as they were given; empty: the usual.
struct NetworkText {
    std::string net, host, dhcp_start, dns;
    std::string ipv6_prefix, ipv6_host, ipv6_dns;
    std::uint8_t ipv6_prefix_length = 64;
    std::vector<std::string> forwards;
};

struct Network {
    in_addr network{}, mask{}, host{}, dhcp_start{}, dns{};
    in6_addr prefix6{}, host6{}, dns6{};
    std::vector<Forward> forwards;
};

/// Empty, or what is wrong, naming the property.
std::string parse_network(const NetworkText& text, Network& network);
/// "[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT". Empty, or what is wrong.
std::string parse_forward(const std::string& text, Forward& forward);
/// Labels of at most 63 letters with dots between, 255 in all (RFC 1035)?
bool is_domain_name(const std::string& text);
/// "[tcp|udp]:[ADDRESS]:PORT", the host's side of a Forward.
bool parse_host_side(const std::string& text, Forward& forward);
/// "[tcp]:ADDRESS:PORT-chardev:ID", "…-cmd:COMMAND" or "…-unix:PATH". Empty, or what is wrong.
std::string parse_guest_forward(const std::string& text, GuestForwardRule& rule);

}  // namespace backplane::net
