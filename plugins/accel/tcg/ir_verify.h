// The rules of the intermediate representation, checked.
#pragma once

#include <backplane/draft/tcg/front_end.h>

#include <string>

namespace backplane::tcg {

/// Empty, or what is wrong first: operands that are missing or too many, temps read before they are written or too
/// many alive, labels not placed once and forward, paths that run off the end.
std::string verify(const Block& block, const GuestDescription& guest);

}  // namespace backplane::tcg
