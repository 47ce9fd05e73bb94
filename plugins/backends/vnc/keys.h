// The key that a symbol stands on, on a keyboard of the United States (X11's keysymdef.h names the symbols).
#pragma once

#include <cstdint>

namespace backplane::vnc {

struct SymbolKey {
    std::uint16_t number = 0;  ///< <backplane/input_keys.h>; 0: no key has it
    bool shifted = false;      ///< of characters: only with shift
};

SymbolKey key_of_symbol(std::uint32_t symbol);

}  // namespace backplane::vnc
