// The intermediate representation as text.
#pragma once

#include <backplane/draft/tcg/front_end.h>

#include <string>

namespace backplane::tcg {

/// Appends one line per op, registers by the guest's names.
void dump(const Block& block, const GuestDescription& guest, std::string& out);

}  // namespace backplane::tcg
