// The three scan-code sets of PS/2 keyboards, and how the keyboard controller turns set 2 into set 1.
//
// Follows the "IBM PS/2 Hardware Interface Technical Reference", Keyboards (101- and 102-key), and Microsoft's "Keyboard
// Scan Code Specification" 1.3a for the keys that came later.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace backplane::i8042 {

/// What the controller makes of a byte of set 2 that is no prefix.
std::uint8_t translate(std::uint8_t set2);

/// Which modifiers are held, for the keys whose codes depend on it.
struct Held {
    bool shift_or_control = false;
    bool alt = false;
    bool control = false;
};

/// The bytes that a keyboard sends for a key (its number in <backplane/input_keys.h>) that goes down or up, in set 1, 2 or
/// 3. Empty when it has no such key, or has nothing to say.
std::vector<std::uint8_t> scan_codes(std::uint16_t key, bool down, unsigned set, Held held);

}  // namespace backplane::i8042
