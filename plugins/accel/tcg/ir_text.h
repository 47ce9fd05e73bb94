// The intermediate representation as text, and its rules checked.
#pragma once

#include <backplane/draft/tcg/front_end.h>

#include <string>

namespace backplane::tcg {

/// Appends one line per op, registers by the guest's names.
void dump(const Block& block, const GuestDescription& guest, std::string& out);

/// Empty, or what is wrong first: operands that are missing or too many, temps read before they are written or too
/// many alive, labels not placed once and forward, paths that run off the end.
std::string verify(const Block& block, const GuestDescription& guest);

}  // namespace backplane::tcg
