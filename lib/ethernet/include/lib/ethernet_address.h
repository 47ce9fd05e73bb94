// Ethernet addresses as users write them, and the one that a card has when they give none.
#pragma once

#include <backplane/object.h>

#include <cstdint>
#include <string>

namespace backplane {

/// "52:54:00:12:34:56", also with dashes. False: `text` is none.
bool parse_ethernet_address(std::string_view text, std::uint8_t (&address)[6]);
std::string format_ethernet_address(const std::uint8_t (&address)[6]);

/// The address of `device`, whose property "mac" `text` holds: what it says, or where that is empty the next from
/// 52:54:00:12:34:56 that no other device of the machine has. `text` becomes what is shown of it. False and a reason
/// when it says something else.
bool choose_ethernet_address(Object& device, std::string& text, std::uint8_t (&address)[6], Errors& errors);

}  // namespace backplane
