#include "place.h"

#include <charconv>

namespace backplane::migration {
namespace {

/// Digits alone.
bool in_range(std::string_view port) {
    unsigned number = 0;  // and stays so, where it is too great
    std::from_chars(port.data(), port.data() + port.size(), number);
    return number >= 1 && number <= 65535;
}

std::optional<Place> tcp_place(std::string_view rest, const std::string& whole, Errors& errors) {
    // The host may be an IPv6 address in brackets; the port follows the last colon.
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == rest.size()) {
        errors.fail("'" + whole + "': give tcp:HOST:PORT");
        return std::nullopt;
    }
    const std::string_view port = rest.substr(colon + 1);
    if (port.find_first_not_of("0123456789") == std::string_view::npos && !in_range(port)) {
        errors.fail("'" + whole + "': the port is a number from 1 to 65535, or a service's name");
        return std::nullopt;
    }
    std::string_view host = rest.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return Place{Place::Kind::Tcp, std::string(host), std::string(port)};
}

}  // namespace

std::optional<Place> parse_place(std::string_view text, Errors& errors) {
    const std::string whole(text.substr(0, 200));
    if (text == "defer") return Place{};
    const std::size_t colon = text.find(':');
    const std::string_view scheme = text.substr(0, colon);
    const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    const auto place = [&](Place::Kind kind, const char* what) -> std::optional<Place> {
        if (!rest.empty()) return Place{kind, std::string(rest), {}};
        errors.fail("'" + whole + "': " + what + " is missing");
        return std::nullopt;
    };
    if (scheme == "file") {
        if (rest.find(",offset=") == std::string_view::npos) return place(Place::Kind::File, "the path");
        errors.fail("'" + whole + "': a saved machine starts at its file's first byte; leave out offset=");
        return std::nullopt;
    }
    if (scheme == "exec") return place(Place::Kind::Command, "the command");
    if (scheme == "unix") return place(Place::Kind::Unix, "the socket's path");
    if (scheme == "fd") return place(Place::Kind::Descriptor, "the descriptor's name");
    if (scheme == "tcp") return tcp_place(rest, whole, errors);
    errors.fail("'" + whole + "' is no place for a saved machine; give file:PATH, exec:COMMAND, unix:PATH, " +
                "tcp:HOST:PORT or fd:NAME");
    return std::nullopt;
}

}  // namespace backplane::migration
