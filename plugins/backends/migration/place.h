// Where a saved machine goes to or comes from, as users spell it: "file:PATH", "exec:COMMAND", "unix:PATH",
// "tcp:HOST:PORT", "fd:NAME", "defer".
#pragma once

#include <backplane/abi.h>

#include <optional>
#include <string>

namespace backplane::migration {

struct Place {
    enum class Kind { File, Command, Unix, Tcp, Descriptor, Defer };
    Kind kind = Kind::Defer;
    std::string text;  ///< the path, the command, the host, the descriptor's name or number
    std::string port;
};

/// Nothing and a reason for what is no such place.
std::optional<Place> parse_place(std::string_view text, Errors& errors);

}  // namespace backplane::migration
